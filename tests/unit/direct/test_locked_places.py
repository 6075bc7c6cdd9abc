"""Packages that are from no index in a ``pylock.toml``: written, read, and not believed blindly."""

from __future__ import annotations

import msgspec
import pytest
from packaging.pylock import Pylock
from support.universe import LINUX

from ppm.engine.errors import ProjectError
from ppm.engine.lockfile import parse_pylock, render_pylock
from ppm.events.resolution import LockedFile
from ppm.projections.lock import LockedPackage

ARCHIVE = "https://host.example/a-1.0.tar.gz"
DIGEST = "ab" * 32
COMMIT = "c0ffee" + "0" * 34
PLACES = [
    ("https://host.example/a-1.0.tar.gz", "https://host.example/a-1.0.tar.gz", "sdist"),
    (
        "https://host.example/a-1.0.tar.gz#subdirectory=x%20y",
        "https://host.example/a-1.0.tar.gz#subdirectory=x%20y",
        "sdist",
    ),
    ("file:./w/a-1.0-py3-none-any.whl", "file:./w/a-1.0-py3-none-any.whl", "wheel"),
    ("file:./libs/a", "file:./libs/a", "directory"),
    ("file:../a#editable=true", "file:../a", "editable"),
    ("git+https://host.example/a.git@main", f"git+https://host.example/a.git@{COMMIT}", "git"),
    (
        "git+ssh://git@host.example/a#subdirectory=x",
        f"git+ssh://git@host.example/a@{COMMIT}#subdirectory=x",
        "git",
    ),
]


def package(source: str, url: str, kind: str) -> LockedPackage:
    is_tree = kind not in {"wheel", "sdist"}
    filename = "a" if is_tree else url.partition("#")[0].rpartition("/")[2]
    return LockedPackage(
        name="a",
        version="1.0",
        index="",
        extras=(),
        groups=("",),
        requires_python="",
        dependencies=(),
        files=(
            LockedFile(
                filename=filename, url=url, sha256="ab" * 32, size=0 if is_tree else 7, kind=kind
            ),
        ),
        source=source,
    )


@pytest.mark.parametrize(("source", "url", "kind"), PLACES)
def test_it_is_read_back_without_loss(source: str, url: str, kind: str) -> None:
    import tomllib

    written = package(source, url, kind)
    data = render_pylock([written])
    Pylock.from_dict(tomllib.loads(data.decode()))
    assert parse_pylock(data, LINUX) == (written,)


@pytest.mark.parametrize(("source", "url", "kind"), PLACES)
def test_a_note_that_leads_elsewhere_is_not_believed(source: str, url: str, kind: str) -> None:
    lying = msgspec.structs.replace(package(source, url, kind), source="file:./elsewhere")
    text = render_pylock([package(source, url, kind)]).decode()
    data = text.replace(f'source = "{source}"', f'source = "{lying.source}"').encode()
    if kind in {"wheel", "sdist"}:
        (found,) = parse_pylock(data, LINUX)
        assert found.source == source
    else:
        with pytest.raises(ProjectError) as caught:
            parse_pylock(data, LINUX)
        assert "nothing says which sources it had" in caught.value.message


@pytest.mark.parametrize(
    "entry",
    [
        'vcs = {type = "git", url = "ext::sh -c id", commit-id = "0"}',
        'vcs = {type = "git", url = "https://host.example/a", commit-id = "--upload-pack=id"}',
        'directory = {path = "../../../etc"}',
        f'archive = {{url = "{ARCHIVE}", subdirectory = "../x", hashes = {{sha256 = "{DIGEST}"}}}}',
    ],
)
def test_unsafe_places_of_other_tools_are_refused(entry: str) -> None:
    text = f'lock-version = "1.0"\ncreated-by = "other"\n[[packages]]\nname = "a"\n{entry}\n'
    with pytest.raises(ProjectError) as caught:
        parse_pylock(text.encode(), LINUX)
    assert caught.value.code == "LOCK_INVALID"
