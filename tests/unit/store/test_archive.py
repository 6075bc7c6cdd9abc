from __future__ import annotations

import io
import os
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from support.archives import Member, archive, members_of, wide_sizes

from ppm.engine.errors import ArtifactError
from ppm.engine.store.archive import (
    Limits,
    file_reader,
    locate,
    read_directory,
    read_member,
)
from ppm.engine.store.zipformat import ReadAt

FILES = {"a/one.py": b"1" * 100, "a/b/two.py": b"2" * 1000, "three": b""}
LIMITS = Limits()


def reader(data: bytes) -> ReadAt:
    return lambda offset, length: data[offset : offset + length]


def contents(data: bytes, limits: Limits = LIMITS) -> dict[str, bytes]:
    read_at = reader(data)
    directory = read_directory(read_at, len(data), limits)
    assert len(locate(read_at, directory)) == len(directory.entries)
    return {
        entry.path: read_member(read_at, entry, 2**20)
        for entry in directory.entries
        if not entry.is_directory
    }


def zipped(files: Mapping[str, bytes], **options: object) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as out:  # type: ignore[arg-type]
        for name, content in files.items():
            out.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_reads_what_zipfile_writes(method: int) -> None:
    assert contents(zipped(FILES, compression=method)) == FILES


def test_reads_what_zipfile_writes_to_a_pipe() -> None:
    class Pipe(io.RawIOBase):
        data = b""

        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            Pipe.data += bytes(data)  # type: ignore[call-overload]
            return len(data)  # type: ignore[arg-type]

    with zipfile.ZipFile(Pipe(), "w", zipfile.ZIP_DEFLATED) as out:  # type: ignore[call-overload]
        for name, content in FILES.items():
            out.writestr(name, content)
    assert contents(Pipe.data) == FILES


def test_reads_more_members_than_16_bits_count() -> None:
    names = [f"{number % 100}/{number}" for number in range(65_600)]
    data = zipped(dict.fromkeys(names, b""))
    directory = read_directory(reader(data), len(data), LIMITS)
    assert [entry.path for entry in directory.entries] == names
    assert len(locate(reader(data), directory)) == len(names)


def test_an_empty_archive_has_no_members() -> None:
    assert contents(archive([])) == {}


def test_reads_a_file(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(zipped(FILES))
    descriptor = os.open(path, os.O_RDONLY)
    try:
        read_at = file_reader(descriptor, os.fstat(descriptor).st_size)
        directory = read_directory(read_at, path.stat().st_size, LIMITS)
        assert [entry.path for entry in directory.entries] == list(FILES)
        assert [entry.size for entry in directory.entries] == [100, 1000, 0]
    finally:
        os.close(descriptor)


def test_the_directory_alone_needs_the_end_of_the_archive_alone() -> None:
    data = zipped({f"{number}.bin": os.urandom(10_000) for number in range(50)})
    asked: list[tuple[int, int]] = []

    def read_at(offset: int, length: int) -> bytes:
        asked.append((offset, length))
        return data[offset : offset + length]

    directory = read_directory(read_at, len(data), LIMITS)
    assert len(directory.entries) == 50
    assert min(offset for offset, _ in asked) == directory.offset
    asked.clear()
    read_member(read_at, directory.entries[7], 2**20)
    assert sum(length for _, length in asked) < 10_100


def test_a_member_above_the_limit_is_not_read() -> None:
    data = zipped(FILES)
    directory = read_directory(reader(data), len(data), LIMITS)
    with pytest.raises(ArtifactError) as caught:
        read_member(reader(data), directory.entries[1], 999)
    assert caught.value.code == "ZIP_LIMIT_SIZE"


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (Limits(entries=2), "ZIP_LIMIT_ENTRIES"),
        (Limits(directory=100), "ZIP_LIMIT_ENTRIES"),
        (Limits(total=1099), "ZIP_LIMIT_SIZE"),
        (Limits(suspicious=1000, ratio=2), "ZIP_BOMB"),
    ],
)
def test_limits(limits: Limits, code: str) -> None:
    data = zipped(FILES, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(ArtifactError) as caught:
        contents(data, limits)
    assert caught.value.code == code


def test_limits_are_generous_to_what_reaches_them() -> None:
    data = zipped(FILES, compression=zipfile.ZIP_DEFLATED)
    assert contents(data, Limits(entries=3, total=1100, suspicious=1100, ratio=1)) == FILES
    assert contents(data, Limits(suspicious=0, ratio=1 + 1100 // len(data))) == FILES


def test_sizes_beyond_32_bits_are_understood() -> None:
    size = 5 * 2**32
    wide = {"size": 0xFFFFFFFF, "packed": 0xFFFFFFFF, "extra": wide_sizes(size, size)}
    data = archive([Member("huge", local=wide, central=wide)])
    (entry,) = read_directory(
        reader(data), len(data), Limits(total=2**40, suspicious=2**40)
    ).entries
    assert (entry.size, entry.compressed_size) == (size, size)


def test_modes_are_kept() -> None:
    data = archive([Member("run", mode=0o100755), Member("read", mode=0o100644)])
    modes = [entry.mode for entry in read_directory(reader(data), len(data), LIMITS).entries]
    assert modes == [0o100755, 0o100644]


@pytest.mark.parametrize("build", [lambda names: zipped(names, compression=8), None])
def test_three_thousand_members_are_quick(
    build: Callable[[Mapping[str, bytes]], bytes] | None,
) -> None:
    files = {f"package/module{n % 60}/file_number_{n}.py": b"x = 1\n" for n in range(3000)}
    data = build(files) if build else archive(members_of(files))
    best = 9.0
    for _ in range(5):
        began = time.process_time()
        locate(reader(data), read_directory(reader(data), len(data), LIMITS))
        best = min(best, time.process_time() - began)
    # Measured: 12 ms on a slow 2-core machine; a tenfold slip would show.
    assert best < 0.12
