"""Unpacking source distributions: decent ones whole, of hostile ones nothing outside."""

from __future__ import annotations

import gzip
import io
import os
import struct
import tarfile
from pathlib import Path

import pytest
from support.sdists import Member, regular, special, write_sdist

from ppm.engine.build.model import SourceLimits
from ppm.engine.build.source import unpack_sdist
from ppm.engine.errors import ArtifactError, StorageError

NAME = "demo-1.0.tar.gz"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "deep" / "target"
    folder.mkdir(parents=True)
    return folder


def unpack(target: Path, *members: Member, limits: SourceLimits | None = None) -> Path:
    archive = write_sdist(target.parents[1] / NAME, members)
    return unpack_sdist(archive, NAME, target, limits)


def code_of(target: Path, *members: Member, limits: SourceLimits | None = None) -> str:
    with pytest.raises(ArtifactError) as caught:
        unpack(target, *members, limits=limits)
    outside = [path for path in target.parents[1].rglob("*") if not path.is_relative_to(target)]
    assert sorted(path.name for path in outside) == ["deep", NAME]
    return caught.value.code


def test_files_folders_modes_and_times_come_out(target: Path) -> None:
    root = unpack(
        target,
        special("demo-1.0", tarfile.DIRTYPE),
        regular("demo-1.0/setup.py", b"import this\n", mode=0o6777),
        regular("./demo-1.0/src//pkg/data.txt", b"x" * 700_000, mode=0o600),
    )
    assert root == target / "demo-1.0"
    assert (root / "setup.py").read_bytes() == b"import this\n"
    assert (root / "setup.py").stat().st_mode & 0o7777 == 0o755
    data = (root / "src/pkg/data.txt").stat()
    assert (data.st_mode & 0o7777, data.st_size, data.st_mtime) == (0o644, 700_000, 1_600_000_000)


def test_modes_do_not_depend_on_the_umask(target: Path) -> None:
    before = os.umask(0o077)
    try:
        root = unpack(target, regular("demo-1.0/run", mode=0o755))
    finally:
        os.umask(before)
    assert (root / "run").stat().st_mode & 0o7777 == 0o755


def test_links_that_stay_inside_are_kept(target: Path) -> None:
    root = unpack(
        target,
        special("demo-1.0/docs/readme", tarfile.SYMTYPE, target="../README"),
        special("demo-1.0/latest", tarfile.SYMTYPE, target="./docs/"),
        regular("demo-1.0/README", b"hello\n"),
        special("demo-1.0/docs/copy", tarfile.LNKTYPE, target="demo-1.0/README"),
    )
    assert (root / "docs/readme").read_bytes() == b"hello\n"
    assert (root / "latest/copy").read_bytes() == b"hello\n"


@pytest.mark.parametrize("filename", ["demo-1.0.zip", "demo-1.0.tar.bz2", "demo-1.0.tgz"])
def test_only_the_standard_format_is_taken(target: Path, filename: str) -> None:
    archive = write_sdist(target.parents[1] / filename, [regular("demo-1.0/x")])
    with pytest.raises(ArtifactError) as caught:
        unpack_sdist(archive, filename, target)
    assert caught.value.code == "SDIST_FORMAT"
    assert caught.value.hint


@pytest.mark.parametrize(
    "path",
    ["/demo-1.0/x", "demo-1.0/../../x", "../x", "..", "demo-1.0/a/../x", "demo-1.0/" + "a/" * 600],
)
def test_names_that_lead_elsewhere_are_refused(target: Path, path: str) -> None:
    assert code_of(target, regular("demo-1.0/ok"), regular(path)) == "SDIST_PATH"


@pytest.mark.parametrize(
    "target_text", ["/etc/passwd", "../..", "../../x", "a/../../..", "x/../y", ""]
)
@pytest.mark.parametrize("where", ["demo-1.0/link", "demo-1.0/sub/link"])
def test_symbolic_links_that_may_lead_out_are_refused(
    target: Path, where: str, target_text: str
) -> None:
    if (where, target_text) == ("demo-1.0/sub/link", "../.."):
        where = "demo-1.0/link"
    link = special(where, tarfile.SYMTYPE, target=target_text)
    assert code_of(target, regular("demo-1.0/ok"), link) == "SDIST_LINK"


def test_nothing_is_written_through_a_link(target: Path) -> None:
    link = special("demo-1.0/here", tarfile.SYMTYPE, target="elsewhere")
    through = regular("demo-1.0/here/x")
    assert code_of(target, link, through) == "SDIST_DUPLICATE"


def test_a_file_over_a_link_is_refused(target: Path) -> None:
    link = special("demo-1.0/here", tarfile.SYMTYPE, target="elsewhere")
    assert code_of(target, link, regular("demo-1.0/here")) == "SDIST_DUPLICATE"


@pytest.mark.parametrize("source", ["/etc/passwd", "../x", "demo-1.0/missing", "demo-1.0/link"])
def test_hard_links_to_anything_but_an_earlier_file_are_refused(target: Path, source: str) -> None:
    link = special("demo-1.0/link", tarfile.SYMTYPE, target="ok")
    hard = special("demo-1.0/hard", tarfile.LNKTYPE, target=source)
    expected = "SDIST_PATH" if source.startswith(("/", "..")) else "SDIST_LINK"
    assert code_of(target, regular("demo-1.0/ok"), link, hard) == expected


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_and_pipes_are_refused(target: Path, kind: bytes) -> None:
    assert code_of(target, special("demo-1.0/null", kind)) == "SDIST_MEMBER"


def test_sparse_files_are_refused(target: Path) -> None:
    member, _ = regular("demo-1.0/sparse", b"")
    member.pax_headers = {"GNU.sparse.size": str(2**40), "GNU.sparse.map": "0,0"}
    assert code_of(target, (member, b"")) == "SDIST_MEMBER"


@pytest.mark.parametrize(
    "members",
    [
        (regular("demo-1.0/a"), regular("other/a")),
        (regular("demo-1.0/a"), special("other", tarfile.DIRTYPE)),
        (regular("README"),),
        (),
        (special(".", tarfile.DIRTYPE),),
    ],
)
def test_there_is_one_top_folder(target: Path, members: tuple[Member, ...]) -> None:
    assert code_of(target, *members) == "SDIST_LAYOUT"


@pytest.mark.parametrize(
    "members",
    [
        (regular("demo-1.0/a"), regular("demo-1.0/a")),
        (regular("demo-1.0/a"), regular("demo-1.0/a/b")),
        (regular("demo-1.0/a/b"), regular("demo-1.0/a")),
    ],
)
def test_two_members_for_one_place_are_refused(target: Path, members: tuple[Member, ...]) -> None:
    assert code_of(target, *members) == "SDIST_DUPLICATE"


def test_too_many_members_are_refused(target: Path) -> None:
    members = [regular(f"demo-1.0/{number}") for number in range(11)]
    assert code_of(target, *members, limits=SourceLimits(members=10)) == "SDIST_TOO_LARGE"


def test_too_much_content_is_refused(target: Path) -> None:
    large = regular("demo-1.0/large", os.urandom(200_000))
    assert code_of(target, large, limits=SourceLimits(size=100_000)) == "SDIST_TOO_LARGE"


def test_content_that_was_packed_all_too_well_is_refused(target: Path) -> None:
    bomb = regular("demo-1.0/zeros", bytes(3_000_000))
    limits = SourceLimits(ratio_from=1_000_000)
    assert code_of(target, bomb, limits=limits) == "SDIST_TOO_LARGE"


def test_a_header_as_large_as_memory_is_refused(target: Path) -> None:
    header = tarfile.TarInfo("demo-1.0/x")
    header.type, header.size = tarfile.XHDTYPE, 5 * 2**30
    path = target.parents[1] / NAME
    path.write_bytes(gzip.compress(header.tobuf(tarfile.GNU_FORMAT) + bytes(10_000)))
    with pytest.raises(ArtifactError) as caught:
        unpack_sdist(path, NAME, target)
    assert caught.value.code == "SDIST_TOO_LARGE"


def raw_archive() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member, content = regular("demo-1.0/x", bytes(range(256)) * 40)
        archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def corruptions() -> dict[str, bytes]:
    whole = raw_archive()
    packed = gzip.compress(whole, mtime=0)
    member = tarfile.TarInfo("demo-1.0/x")
    member.type, member.size = tarfile.XHDTYPE, 0
    chain = member.tobuf() * 3000
    negative = bytearray(whole)
    negative[124:136] = b"\xff" * 12
    negative[148:156] = b"%06o\0 " % (sum(negative[:148]) + 8 * 32 + sum(negative[156:512]))
    return {
        "no gzip": whole,
        "empty": b"",
        "cut": packed[:-20],
        "cut inside": gzip.compress(whole[:2000]),
        "wrong checksum": packed[:-8] + struct.pack("<2I", 1, len(whole)),
        "garbage": gzip.compress(b"\x01garbage" * 400),
        "chain of headers": gzip.compress(chain + whole),
        "negative size": gzip.compress(bytes(negative)),
    }


@pytest.mark.parametrize("case", list(corruptions()))
def test_archives_that_do_not_parse_are_refused(target: Path, case: str) -> None:
    path = target.parents[1] / NAME
    path.write_bytes(corruptions()[case])
    with pytest.raises(ArtifactError) as caught:
        unpack_sdist(path, NAME, target)
    assert caught.value.code in {"SDIST_CORRUPT", "SDIST_TOO_LARGE", "SDIST_LAYOUT"}, case


def test_a_disk_that_refuses_is_no_fault_of_the_archive(target: Path) -> None:
    target.rmdir()
    with pytest.raises(StorageError):
        unpack(target, regular("demo-1.0/x"))
