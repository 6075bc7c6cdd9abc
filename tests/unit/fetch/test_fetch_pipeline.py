from __future__ import annotations

import time
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import anyio
import msgspec
import pytest
from unit.fetch.fileserver import FileServer
from unit.fetch.harness import QUICK, Bench, digest, some_bytes, want

from ppm.engine.errors import ArtifactError, IndexFailure, StorageError
from ppm.engine.fetch.pipeline import FetchedWheel
from ppm.engine.hashing.cpu import CpuHasher
from ppm.engine.store.blobs import BlobStore
from ppm.engine.store.memory_blobs import MemoryBlobStore
from ppm.engine.store.model import StoredFile


@pytest.fixture(params=["memory", "directory"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> MemoryBlobStore | BlobStore:
    return MemoryBlobStore() if request.param == "memory" else BlobStore(tmp_path / "store")


def test_files_arrive_whole_recorded_and_unpacked_in_the_order_they_were_wanted(
    blobs: MemoryBlobStore | BlobStore,
) -> None:
    bodies = [some_bytes(size) for size in (1, 4096, 100_000, 0, 70_001)]

    async def main() -> None:
        bench = Bench(blobs=blobs)
        async with FileServer() as server:
            wanted = [
                want(server.serve(f"p{number}-1.0-py3-none-any.whl", body), body)
                for number, body in enumerate(bodies)
            ]
            got = await bench.fetch(*wanted)
        assert [item.stored.wanted for item in got] == wanted
        assert [item.stored.sha256 for item in got] == [digest(body) for body in bodies]
        assert [item.stored.size for item in got] == [len(body) for body in bodies]
        assert all(item.stored.fresh and item.stored.device == "cpu:hashlib" for item in got)
        assert [item.tree and item.tree.sha256 for item in got] == [digest(b) for b in bodies]
        for body in bodies:
            assert await anyio.to_thread.run_sync(blobs.read, digest(body)) == body
        assert sorted(bench.recorded) == sorted(file.filename for file in wanted)
        # One file of unknown size (0) makes the sum unknown.
        assert bench.progress.expected == (5, 0)
        assert bench.progress.advanced == sum(map(len, bodies))
        assert {request.accept_encoding for request in server.requests} == {"identity"}

    anyio.run(main)


def test_what_is_stored_and_unpacked_asks_nobody_anything() -> None:
    async def main() -> None:
        bench = Bench()
        body = some_bytes(5000)
        async with FileServer() as server:
            file = want(server.serve("p-1.0.whl", body), body)
            (first,) = await bench.fetch(file)
            (again,) = await bench.fetch(file)
        assert len(server.requests) == 1
        assert first.stored.fresh
        assert again == FetchedWheel(
            stored=StoredFile(
                wanted=file, sha256=file.sha256, size=len(body), device="", fresh=False
            ),
            tree=first.tree,
        )
        assert bench.recorded == ["p-1.0.whl"]
        assert bench.shelf.unpacked == ["p-1.0.whl"]

    anyio.run(main)


def test_a_stored_wheel_whose_tree_is_gone_is_unpacked_without_a_download() -> None:
    async def main() -> None:
        bench = Bench()
        body = some_bytes(5000)
        async with FileServer() as server:
            file = want(server.serve("p-1.0.whl", body), body)
            await bench.fetch(file)
            bench.shelf.trees.clear()
            (again,) = await bench.fetch(file)
        assert len(server.requests) == 1
        assert again.tree is not None
        assert bench.shelf.unpacked == ["p-1.0.whl", "p-1.0.whl"]
        assert bench.recorded == ["p-1.0.whl"]

    anyio.run(main)


def test_one_digest_is_downloaded_and_unpacked_once_however_often_it_is_wanted() -> None:
    async def main() -> None:
        bench = Bench()
        body = some_bytes(50_000)
        async with FileServer() as server:
            here = want(server.serve("p-1.0.whl", body), body)
            mirror = want(server.serve("mirror/p-1.0.whl", body), body)
            got = await bench.fetch(here, mirror, here)
        assert len(server.requests) == 1
        assert [item.stored.fresh for item in got] == [True, False, False]
        assert [item.stored.wanted for item in got] == [here, mirror, here]
        assert len({item.stored.sha256 for item in got}) == 1
        assert bench.recorded == ["p-1.0.whl"]
        assert bench.shelf.unpacked == ["p-1.0.whl"]

    anyio.run(main)


def test_files_without_a_digest_are_taken_as_they_come_once_for_each_address() -> None:
    async def main() -> None:
        bench = Bench()
        body = some_bytes(50_000)
        async with FileServer() as server:
            here = want(server.serve("p-1.0.whl", body))
            mirror = want(server.serve("mirror/p-1.0.whl", body))
            got = await bench.fetch(here, mirror, here)
        assert len(server.requests) == 2
        assert {item.stored.sha256 for item in got} == {digest(body)}
        assert [item.stored.fresh for item in got] == [True, True, False]
        assert bench.shelf.unpacked == ["p-1.0.whl"]

    anyio.run(main)


def test_an_sdist_has_no_tree() -> None:
    async def main() -> None:
        bench = Bench()
        body = some_bytes(50_000)
        async with FileServer() as server:
            (got,) = await bench.fetch(want(server.serve("p-1.0.tar.gz", body), body, kind="sdist"))
        assert got.tree is None
        assert bench.shelf.unpacked == []

    anyio.run(main)


def test_the_largest_file_is_asked_for_first_and_never_more_at_once_than_allowed() -> None:
    async def main() -> None:
        bench = Bench(limits=msgspec.structs.replace(QUICK, connections=3))
        sizes = [1000 * number for number in range(1, 13)]
        async with FileServer() as server:
            await bench.fetch(
                *(want(server.serve(f"p{n}.whl", some_bytes(n)), some_bytes(n)) for n in sizes)
            )
            asked = [int(request.path[2:-4]) for request in server.requests]
            assert sorted(asked) == sizes
            # A slow opener may fall behind; nobody gets ahead of more than the two beside it.
            ranks = [(12_000 - size) // 1000 for size in asked]
            assert all(rank <= place + 2 for place, rank in enumerate(ranks))
            assert server.most_at_once <= 3

    anyio.run(main)


def test_files_are_recorded_only_after_one_sync_that_covers_them() -> None:
    async def main() -> None:
        happened: list[str] = []

        class NotingStore(MemoryBlobStore):
            def sync(self) -> None:
                happened.append("sync")

        class NotingBench(Bench):
            async def _note_stored(self, files: Sequence[StoredFile]) -> None:
                assert all(self.blobs.has(file.sha256) for file in files)
                happened.extend(["record"] * len(files))
                await anyio.sleep(0.05)

        async with FileServer() as server:
            bodies = [some_bytes(100, number) for number in range(20)]
            await NotingBench(blobs=NotingStore()).fetch(
                *(want(server.serve(f"p{n}.whl", body), body) for n, body in enumerate(bodies))
            )
        assert happened.count("record") == 20
        assert happened[0] == "sync"
        # While one batch is being recorded the others gather: far fewer syncs than files.
        assert happened.count("sync") <= 5

    anyio.run(main)


@pytest.mark.parametrize("form", ["file:///{}", "file://localhost/{}", "/{}"])
def test_local_files_are_taken_without_a_server(form: str, tmp_path: Path) -> None:
    async def main() -> None:
        body = some_bytes(3_000_000)
        path = tmp_path / "a wheel-1.0.whl"
        path.write_bytes(body)
        text = str(path).lstrip("/")
        url = form.format(text.replace(" ", "%20") if form.startswith("file") else text)
        bench = Bench()
        (got,) = await bench.fetch(want(url, body))
        assert bench.blobs.has(digest(body))
        assert got.stored.size == len(body)

    anyio.run(main)


def test_a_local_file_that_is_missing_or_elsewhere_is_named(tmp_path: Path) -> None:
    async def main() -> None:
        with pytest.raises(ArtifactError, match=r"gone\.whl: no such file") as missing:
            await Bench().fetch(want((tmp_path / "gone.whl").as_uri()))
        assert missing.value.code == "MISSING_FILE"
        with pytest.raises(IndexFailure, match="another machine"):
            await Bench().fetch(want("file://far.example/p.whl"))
        with pytest.raises(StorageError):
            await Bench().fetch(want(tmp_path.as_uri() + "/."))

    anyio.run(main)


def test_a_file_far_larger_than_the_bounds_never_stands_in_memory(tmp_path: Path) -> None:
    size = 48 * 1024 * 1024
    path = tmp_path / "large.whl"
    path.write_bytes(some_bytes(1024 * 1024) * 48)

    async def main() -> int:
        bench = Bench(blobs=BlobStore(tmp_path / "store"))
        tracemalloc.start()
        (got,) = await bench.fetch(want(path.as_uri(), size=size))
        assert got.stored.size == size
        return tracemalloc.get_traced_memory()[1]

    try:
        assert anyio.run(main) < 24 * 1024 * 1024
    finally:
        tracemalloc.stop()


class SlowHasher(CpuHasher):
    """Sleeps; inside the event loop the suite's blockbuster would not let it."""

    def __init__(self) -> None:
        super().__init__()
        self.updates = 0
        self.open_lanes = 0

    def open(self) -> int:
        self.open_lanes += 1
        return super().open()

    def update(self, lane: int, data: bytes | bytearray | memoryview) -> None:
        self.updates += 1
        time.sleep(0.02)
        super().update(lane, data)

    def finish(self, lane: int) -> str:
        self.open_lanes -= 1
        return super().finish(lane)


def test_the_event_loop_goes_on_while_files_are_hashed_and_written(tmp_path: Path) -> None:
    async def main() -> None:
        hasher = SlowHasher()
        bench = Bench(blobs=BlobStore(tmp_path / "store"), hasher=hasher)
        gaps: list[float] = []

        async def beat() -> None:
            while True:
                before = time.monotonic()
                await anyio.sleep(0.001)
                gaps.append(time.monotonic() - before)

        bodies = [some_bytes(30_000, seed) for seed in range(10)]
        async with FileServer() as server, anyio.create_task_group() as group:
            group.start_soon(beat)
            await bench.fetch(
                *(want(server.serve(f"p{n}.whl", body), body) for n, body in enumerate(bodies))
            )
            group.cancel_scope.cancel()
        assert hasher.open_lanes == 0
        assert hasher.updates * 0.02 > 0.2
        # The hasher alone took longer than that; the loop kept beating all the while.
        assert len(gaps) > hasher.updates
        assert sorted(gaps)[len(gaps) // 2] < 0.02

    anyio.run(main)


def test_small_files_reach_the_hasher_in_one_update_each() -> None:
    async def main() -> None:
        hasher = SlowHasher()
        bodies = [some_bytes(3000, seed) for seed in range(10)]
        async with FileServer() as server:
            await Bench(hasher=hasher).fetch(
                *(want(server.serve(f"p{n}.whl", body), body) for n, body in enumerate(bodies))
            )
        assert hasher.updates == 10

    anyio.run(main)


def test_nothing_wanted_is_nothing_done() -> None:
    bench = Bench()
    assert anyio.run(bench.fetch) == ()
    assert bench.progress.lines == []
