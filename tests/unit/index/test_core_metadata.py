from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import pytest
from support.wheels import build_wheel, wheel_members, write_wheel
from unit.index.distributions import sdist, static_pkg_info

from ppm.engine.errors import IndexFailure
from ppm.engine.index.archive import file_metadata, sdist_metadata, wheel_metadata
from ppm.engine.index.metadata import parse_metadata, parse_static_metadata

WHEEL = "tin_can-1.0-py3-none-any.whl"
HEAD = "Metadata-Version: 2.1\nName: Tin.Can\nVersion: 1.0.0\n"


def refusal(data: bytes, filename: str = WHEEL) -> IndexFailure:
    with pytest.raises(IndexFailure) as caught:
        parse_metadata(data, filename=filename, origin="wheel")
    assert caught.value.code == "INVALID_METADATA"
    assert caught.value.hint
    assert filename in caught.value.message
    return caught.value


def test_headers_become_what_resolving_needs() -> None:
    data = (
        HEAD + "Requires-Python: >=3.9\nRequires-Dist: Lid>=2 ; extra == 'big'\n"
        "Requires-Dist: opener\n  <3\nProvides-Extra: Big_One\nProvides-Extra: big-one\n"
        "Summary: é\n\nName: not me\n"
    ).encode()
    found = parse_metadata(data, filename=WHEEL, origin="sibling")
    assert (found.name, found.version, found.requires_python) == ("tin-can", "1.0.0", ">=3.9")
    assert found.requires_dist[0] == "Lid>=2 ; extra == 'big'"
    assert found.requires_dist[1] == "opener <3"
    assert found.provides_extra == ("big-one",)
    assert (found.origin, found.sha256) == ("sibling", hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (HEAD.replace("Tin.Can", "tin-cup"), "names the project tin-cup"),
        (HEAD.replace("1.0.0", "1.1"), "names the version 1.1"),
        (HEAD.replace("1.0.0", "one"), "names the version one"),
        (HEAD.replace("Name: Tin.Can\n", ""), "no name"),
        (HEAD.replace("Version: 1.0.0\n", ""), "no version"),
        (HEAD + "Name: tin-can\n", "more than one name"),
        (HEAD.replace("2.1", "3.0"), "format this ppm does not know"),
        (HEAD.replace("2.1", "new"), "malformed metadata-version"),
        (HEAD + "Requires-Python: >=3.6.*\n", "Requires-Python is invalid"),
        ("", "no metadata-version"),
    ],
)
def test_metadata_that_is_wrong_is_refused(data: str, reason: str) -> None:
    assert reason in refusal(data.encode()).message


def test_bytes_that_are_no_text_are_refused() -> None:
    refusal(HEAD.encode() + b"Requires-Dist: \xff\xfe\n")


@pytest.mark.parametrize("version", ["1.0", "1.2", "2.0", "2.5", "2.99"])
def test_all_versions_of_the_format_are_read(version: str) -> None:
    data = HEAD.replace("2.1", version).encode()
    assert parse_metadata(data, filename=WHEEL, origin="wheel").name == "tin-can"


@pytest.mark.parametrize(
    ("pkg_info", "static"),
    [
        (static_pkg_info("tin-can", "1.0"), True),
        (static_pkg_info("tin-can", "1.0", metadata_version="2.4"), True),
        (static_pkg_info("tin-can", "1.0", metadata_version="2.1"), False),
        ("Dynamic: Requires-Dist\n" + static_pkg_info("tin-can", "1.0"), False),
        ("Dynamic: requires-python\n" + static_pkg_info("tin-can", "1.0"), False),
        ("Dynamic: License-File\n" + static_pkg_info("tin-can", "1.0"), True),
    ],
)
def test_pkg_info_counts_only_where_it_is_static(pkg_info: str, *, static: bool) -> None:
    found = parse_static_metadata(pkg_info.encode(), filename="tin_can-1.0.tar.gz")
    assert (found is not None) is static


def test_wheel_gives_its_metadata(tmp_path: Path) -> None:
    path = build_wheel(tmp_path, "tin-can", "1.0", requires=["lid"])
    found = file_metadata(path, path.name, kind="wheel")
    assert (found.origin, found.requires_dist) == ("wheel", ("lid",))


@pytest.mark.parametrize(
    "change",
    [
        lambda members: {"other-2.0.dist-info/METADATA": b"", **members},
        lambda members: {
            path: data for path, data in members.items() if not path.endswith("METADATA")
        },
        lambda members: {
            path.replace("tin_can-1.0.", "tin_cup-1.0."): data for path, data in members.items()
        },
        lambda members: {
            path.replace("tin_can-1.0.", "tin_can-1.1."): data for path, data in members.items()
        },
        lambda _: {"tin_can/__init__.py": b""},
    ],
)
def test_wheel_without_its_own_single_dist_info_is_refused(tmp_path: Path, change: object) -> None:
    assert callable(change)
    path = write_wheel(tmp_path / WHEEL, change(wheel_members("tin-can", "1.0")))
    with path.open("rb") as wheel, pytest.raises(IndexFailure) as caught:
        wheel_metadata(wheel, path.name)
    assert caught.value.code == "INVALID_METADATA"


@pytest.mark.parametrize("data", [b"", b"not a zip", b"PK\x05\x06" + bytes(18)])
def test_file_that_is_no_wheel_is_refused(data: bytes) -> None:
    with pytest.raises(IndexFailure, match=r"readable wheel|0 dist-info"):
        wheel_metadata(io.BytesIO(data), WHEEL)


def test_metadata_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / WHEEL
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("tin_can-1.0.dist-info/METADATA", bytes(20 << 20))
    with path.open("rb") as wheel, pytest.raises(IndexFailure, match="too large"):
        wheel_metadata(wheel, WHEEL)


def test_sdist_gives_the_pkg_info_of_its_top_folder(tmp_path: Path) -> None:
    text = static_pkg_info("tin-can", "1.0", ["lid"])
    path = sdist(tmp_path, "tin_can", "1.0", text)
    assert sdist_metadata(path, path.name) == text.encode()
    found = file_metadata(path, path.name, kind="sdist")
    assert (found.origin, found.requires_dist) == ("sdist", ("lid",))


def test_zipped_sdist_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "tin_can-1.0.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tin_can-1.0/PKG-INFO", static_pkg_info("tin-can", "1.0"))
    assert file_metadata(path, path.name, kind="sdist").name == "tin-can"


@pytest.mark.parametrize("pkg_info", [None, static_pkg_info("t", "1", metadata_version="1.1")])
def test_sdist_that_tells_nothing_needs_a_build(tmp_path: Path, pkg_info: str | None) -> None:
    path = sdist(tmp_path, "t", "1", pkg_info)
    with pytest.raises(IndexFailure) as caught:
        file_metadata(path, path.name, kind="sdist")
    assert caught.value.code == "NEEDS_BUILD"


@pytest.mark.parametrize("suffix", [".tar.gz", ".zip"])
def test_file_that_is_no_sdist_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t-1{suffix}"
    path.write_bytes(b"nonsense")
    with pytest.raises(IndexFailure, match="readable source distribution"):
        sdist_metadata(path, path.name)


def test_cut_off_sdist_is_refused(tmp_path: Path) -> None:
    path = sdist(tmp_path, "t", "1", None)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(IndexFailure, match="readable source distribution"):
        sdist_metadata(path, path.name)
