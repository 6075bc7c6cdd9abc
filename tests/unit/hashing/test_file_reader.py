"""Many files hashed in batches: in order, each once, in bounded memory."""

from __future__ import annotations

import hashlib
import os
import random
import tracemalloc
from pathlib import Path

from ppm.engine.folders import walk
from ppm.engine.hashing.cpu import CpuHasher
from ppm.engine.hashing.files import FileReader, Sized, digests_of_files


def sized(path: Path) -> Sized:
    return Sized(str(path), path.stat().st_size)


def test_digests_come_in_order_whatever_the_sizes(tmp_path: Path) -> None:
    chance = random.Random(3)
    contents = [chance.randbytes(chance.choice([0, 1, 100, 5_000, 100_000])) for _ in range(1500)]
    contents[700] = chance.randbytes(6_000_000)
    files = []
    for number, content in enumerate(contents):
        path = tmp_path / str(number)
        path.write_bytes(content)
        files.append(sized(path))
    found = list(digests_of_files(files, CpuHasher()))
    assert found == [hashlib.sha256(content).hexdigest() for content in contents]


def test_a_file_that_is_gone_or_has_grown_is_read_as_it_is_now(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_bytes(b"more than that")
    files = [Sized(str(tmp_path / "gone"), 3), Sized(str(kept), 3), Sized(str(kept), 300)]
    digest = hashlib.sha256(b"more than that").hexdigest()
    assert list(digests_of_files(files, CpuHasher())) == [None, digest, digest]


def test_memory_has_a_bound(tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    files = []
    for number in range(40):
        path = tmp_path / str(number)
        path.write_bytes(content)
        files.append(sized(path))
    tracemalloc.start()
    count = len(list(digests_of_files(files, CpuHasher())))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 40
    assert peak < 64_000_000


def test_a_file_with_two_names_is_read_once_and_counts_twice(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"content")
    os.link(tmp_path / "one", tmp_path / "two")
    (tmp_path / "link").symlink_to("one")
    found = sorted(one for one in walk(str(tmp_path)) if one.kind == "file")
    reader = FileReader(CpuHasher())
    digest = hashlib.sha256(b"content").hexdigest()
    assert reader.digests(str(tmp_path), found) == [digest, digest]
    assert (reader.files, reader.size) == (2, 7)
    (tmp_path / "two").write_bytes(b"other!!")
    assert reader.digests(str(tmp_path), found) == [digest, digest]
    reader.forget()
    assert reader.digests(str(tmp_path), found) != [digest, digest]
