"""Whatever is done to an archive, it is read as it was or refused with a code: nothing else."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from support.archives import Member, archive, deflate, descriptor, members_of
from support.wheels import wheel_members

from ppm.engine.errors import ArtifactError
from ppm.engine.store.archive import Limits, locate, read_directory, read_member
from ppm.engine.store.paths import check_paths
from ppm.engine.store.wheel import plan_wheel, wheel_identity

LIMITS = Limits(entries=100, total=2**20, suspicious=2**20)
FILES = {"a.py": b"a = 1\n" * 30, "b/c.py": b"c", "b/\u00e9.txt": b"", "d/e/f.bin": bytes(500)}
STREAMED = Member(
    "streamed",
    b"s" * 50,
    local={"flags": 8, "crc": 0, "packed": 0, "size": 0},
    central={"flags": 8},
    descriptor=descriptor(b"s" * 50, len(deflate(b"s" * 50))),
)
ARCHIVES = [
    archive([*members_of(FILES), STREAMED]),
    archive(members_of(FILES, method=0)),
    archive(members_of(FILES), wide=True),
]
WHEEL = archive(members_of(wheel_members("demo", "1.0", entry_points="[console_scripts]\na=b:c\n")))
IDENTITY = wheel_identity("demo-1.0-py3-none-any.whl", "demo", "1.0")


def contents(data: bytes) -> dict[str, bytes] | None:
    """What is in the archive; ``None`` if it is refused."""

    def read_at(offset: int, length: int) -> bytes:
        assert offset >= 0
        assert length >= 0
        return data[offset : offset + length]

    try:
        directory = read_directory(read_at, len(data), LIMITS)
        locate(read_at, directory)
        return {
            entry.path: read_member(read_at, entry, 2**20)
            for entry in directory.entries
            if not entry.is_directory
        }
    except ArtifactError as refusal:
        well_told(refusal, "ZIP_", "PATH_")
        return None


def well_told(refusal: ArtifactError, *codes: str) -> None:
    assert refusal.code.startswith(codes)
    assert refusal.message.isprintable()


BYTES_CHANGED = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=4)


def mutated(data: bytes, changes: list[tuple[int, int]]) -> bytes:
    copy = bytearray(data)
    for place, value in changes:
        copy[place % len(copy)] = value
    return bytes(copy)


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(ARCHIVES), BYTES_CHANGED)
def test_changed_bytes_never_change_content_unnoticed(
    data: bytes, changes: list[tuple[int, int]]
) -> None:
    before, after = contents(data), contents(mutated(data, changes))
    assert before is not None
    if after is not None:
        # Names in both headers may agree on something else; content may not.
        assert sorted(after.values()) == sorted(before.values())


def test_every_single_byte_matters_or_does_not_mislead() -> None:
    data = ARCHIVES[0]
    before = contents(data)
    assert before is not None
    for place in range(len(data)):
        for flip in (0x01, 0x80):
            after = contents(mutated(data, [(place, data[place] ^ flip)]))
            assert after in (None, before)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(ARCHIVES), st.data())
def test_cut_doubled_and_inserted_bytes_are_refused(data: bytes, draw: st.DataObject) -> None:
    start = draw.draw(st.integers(0, len(data) - 1))
    end = draw.draw(st.integers(start + 1, len(data)))
    assert contents(data[:start] + data[end:]) is None
    assert contents(data[:end] + data[start:]) is None
    inserted = draw.draw(st.binary(min_size=1, max_size=60))
    assert contents(data[:start] + inserted + data[start:]) is None


@settings(max_examples=300, deadline=None)
@given(BYTES_CHANGED)
def test_a_changed_wheel_is_planned_or_refused(changes: list[tuple[int, int]]) -> None:
    data = mutated(WHEEL, changes)
    try:
        plan = plan_wheel(lambda offset, n: data[offset : offset + n], len(data), IDENTITY, LIMITS)
    except ArtifactError as refusal:
        well_told(refusal, "ZIP_", "PATH_", "WHEEL_", "RECORD_", "ENTRY_POINTS")
    else:
        assert plan.name == "demo"


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", b"PK\x05\x06" + bytes(18)]))
def test_noise_is_refused(data: bytes, end: bytes) -> None:
    found = contents(data + end)
    assert found is None or (found == {} and not data)


SEGMENTS = st.one_of(
    st.sampled_from(["..", ".", "", "con", "a.", "a ", "\\", "c:", "A", "a", "nul.txt", "\0", "~"]),
    st.text(max_size=6),
)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.lists(SEGMENTS, max_size=4).map("/".join), max_size=6))
def test_names_that_pass_stay_inside(names: list[str]) -> None:
    try:
        check_paths(names)
    except ArtifactError as refusal:
        well_told(refusal, "PATH_")
        return
    root = Path("/root/of/tree")
    for name in names:
        assert (root / name).is_relative_to(root)
        assert ".." not in name.split("/")
        assert Path(name).as_posix() == name
    assert len({name.lower() for name in names}) == len(names)


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,6}(/[a-z]{1,6}){0,2}\.py", fullmatch=True),
        st.binary(max_size=2000),
        max_size=8,
    ),
    st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
)
def test_agrees_with_the_standard_library(files: dict[str, bytes], method: int) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as out:
        for name, content in files.items():
            out.writestr(name, content)
    found = contents(buffer.getvalue())
    devices = {"con", "prn", "aux", "nul"}
    reserved = any(s.partition(".")[0] in devices for name in files for s in name.split("/"))
    assert found == files or (found is None and reserved)
