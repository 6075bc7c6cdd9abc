"""Cancelled, killed, failing halfway, crowded, out of disk: nothing half-done has a final name."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import anyio
import msgspec
import pytest
from anyio.abc import Process
from unit.fetch import fetch_child
from unit.fetch.fileserver import Fault, FileServer
from unit.fetch.harness import QUICK, Bench, Shelf, digest, some_bytes, want

from ppm.engine.errors import ArtifactError, PpmError, StorageError
from ppm.engine.store.blobs import BlobStore
from ppm.engine.store.model import StoredFile, WantedFile

BODY = some_bytes(200_000)
NAME = "p-1.0-py3-none-any.whl"
PATIENT = msgspec.structs.replace(QUICK, idle_seconds=30, rate_seconds=30)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def partials(store: Path) -> list[Path]:
    return sorted((store / "blobs" / "incoming").iterdir(), key=lambda path: -path.stat().st_size)


def blobs_in(store: Path) -> list[str]:
    return sorted(path.name for path in (store / "blobs" / "sha256").glob("*/*"))


async def until_stalled(server: FileServer, size: int) -> None:
    with anyio.fail_after(10):
        while server.body_bytes < size:  # noqa: ASYNC110 - the server's counter has no event
            await anyio.sleep(0.005)
        await anyio.sleep(0.1)


async def cancel_halfway(store: Path, server: FileServer) -> None:
    bench = Bench(blobs=BlobStore(store), limits=PATIENT)
    async with anyio.create_task_group() as group:
        group.start_soon(bench.fetch, want(f"{server.url}/{NAME}", BODY))
        await until_stalled(server, 150_000)
        group.cancel_scope.cancel()
    assert bench.batches == []


async def fetch_again(store: Path, server: FileServer) -> None:
    bench = Bench(blobs=BlobStore(store))
    (got,) = await bench.fetch(want(f"{server.url}/{NAME}", BODY))
    assert got.stored.fresh
    assert bench.progress.advanced == len(BODY)


def assert_only_the_blob_is_left(store: Path) -> None:
    assert BlobStore(store).read(digest(BODY)) == BODY
    assert partials(store) == []


def test_a_cancelled_download_leaves_a_partial_file_and_the_next_run_goes_on(store: Path) -> None:
    async def main() -> None:
        async with FileServer() as server:
            server.serve(NAME, BODY, Fault(stalls_after=150_000))
            await cancel_halfway(store, server)
            assert blobs_in(store) == []
            kept = partials(store)[0].stat().st_size
            assert 100_000 < kept <= 150_000
            await fetch_again(store, server)
        assert server.ranges() == ["", f"bytes={kept}-"]
        assert server.requests[1].if_range == server.files[f"/{NAME}"].etag

    anyio.run(main)
    assert_only_the_blob_is_left(store)


def test_an_interrupted_download_without_a_digest_leaves_nothing(store: Path) -> None:
    async def main() -> None:
        async with FileServer() as server:
            url = server.serve(NAME, BODY, Fault(stalls_after=150_000))
            async with anyio.create_task_group() as group:
                bench = Bench(blobs=BlobStore(store), limits=PATIENT)
                group.start_soon(bench.fetch, want(url))
                await until_stalled(server, 150_000)
                group.cancel_scope.cancel()

    anyio.run(main)
    assert partials(store) == []
    assert blobs_in(store) == []


def test_a_file_that_changed_since_the_interruption_is_fetched_anew(store: Path) -> None:
    async def main() -> None:
        async with FileServer() as server:
            server.serve(NAME, some_bytes(200_000, seed=9), Fault(stalls_after=150_000))
            await cancel_halfway(store, server)
            server.serve(NAME, BODY)
            await fetch_again(store, server)
        assert len(server.requests) == 2

    anyio.run(main)
    assert_only_the_blob_is_left(store)


@pytest.mark.parametrize("damage", ["flipped", "longer", "note"])
def test_a_damaged_partial_file_costs_a_download_and_no_more(store: Path, damage: str) -> None:
    async def main() -> None:
        async with FileServer() as server:
            server.serve(NAME, BODY, Fault(stalls_after=150_000))
            await cancel_halfway(store, server)
            await anyio.to_thread.run_sync(hurt)
            await fetch_again(store, server)

    def hurt() -> None:
        bytes_so_far, note = partials(store)
        match damage:
            case "flipped":
                bytes_so_far.write_bytes(b"?" + bytes_so_far.read_bytes()[1:])
            case "longer":
                bytes_so_far.write_bytes(BODY + b"more")
            case "note":
                note.write_bytes(b"\0\r\nInjected: yes\r\n")

    anyio.run(main)
    assert_only_the_blob_is_left(store)


def test_a_partial_file_that_is_whole_needs_no_request(store: Path) -> None:
    async def main() -> None:
        async with FileServer() as server:
            server.serve(NAME, BODY, Fault(stalls_after=150_000))
            await cancel_halfway(store, server)
            await anyio.to_thread.run_sync(partials(store)[0].write_bytes, BODY)
            await fetch_again(store, server)
        assert len(server.requests) == 1

    anyio.run(main)
    assert_only_the_blob_is_left(store)


def test_a_partial_file_that_is_whole_is_recognised_where_the_size_is_unknown(store: Path) -> None:
    async def main() -> None:
        async with FileServer() as server:
            server.serve(NAME, BODY, Fault(stalls_after=150_000))
            await cancel_halfway(store, server)
            await anyio.to_thread.run_sync(partials(store)[0].write_bytes, BODY)
            bench = Bench(blobs=BlobStore(store))
            await bench.fetch(want(f"{server.url}/{NAME}", sha256=digest(BODY)))
        assert server.ranges() == ["", f"bytes={len(BODY)}-"]
        assert server.body_bytes == 150_000

    anyio.run(main)
    assert_only_the_blob_is_left(store)


def child(store: Path, wanted: Sequence[WantedFile]) -> list[str]:
    script = Path(fetch_child.__file__ or "")
    files = [part for file in wanted for part in (file.url, file.sha256, str(file.size))]
    return [sys.executable, str(script), str(store), *files]


@pytest.fixture
def children_find_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))


async def start_child(store: Path, *wanted: WantedFile) -> Process:
    return await anyio.open_process(child(store, wanted), stdout=None, stderr=None)


@pytest.mark.usefixtures("children_find_the_tests")
def test_a_killed_process_leaves_a_partial_file_and_the_next_one_goes_on(store: Path) -> None:
    async def main() -> None:
        async with FileServer() as server:
            url = server.serve(NAME, BODY, *[Fault(stalls_after=150_000, bytes_a_tick=50_000)] * 9)
            async with await start_child(store, want(url, BODY)) as process:
                await until_stalled(server, 150_000)
                process.kill()
                await process.wait()
            assert blobs_in(store) == []
            server.files[f"/{NAME}"].faults.clear()
            asked = len(server.requests)
            await fetch_again(store, server)
        (last,) = server.requests[asked:]
        assert last.range
        assert last.if_range == server.files[f"/{NAME}"].etag

    anyio.run(main)
    assert_only_the_blob_is_left(store)


@pytest.mark.usefixtures("children_find_the_tests")
def test_two_processes_fetch_the_same_files_into_one_store(store: Path) -> None:
    bodies = [some_bytes(3000 * number, number) for number in range(1, 25)]

    async def main() -> None:
        async with FileServer() as server:
            slowly = Fault(bytes_a_tick=20_000)
            wanted = [
                want(server.serve(f"p{number}-1.0.whl", body, slowly, slowly), body)
                for number, body in enumerate(bodies)
            ]
            async with (
                await start_child(store, *wanted) as one,
                await start_child(store, *wanted) as other,
            ):
                assert await one.wait() == 0
                assert await other.wait() == 0

    anyio.run(main)
    found = BlobStore(store)
    assert sorted(found.read(sha256) for sha256 in found.digests()) == sorted(bodies)
    assert partials(store) == []


@pytest.mark.parametrize("where", ["download", "unpack", "record"])
def test_one_failure_ends_everything_at_once(store: Path, where: str) -> None:
    class Failing(Bench):
        async def _note_stored(self, files: Sequence[StoredFile]) -> None:
            await super()._note_stored(files)
            if where == "record":
                raise PpmError("the ledger is full")

    async def main() -> None:
        refuses = frozenset({NAME}) if where == "unpack" else frozenset[str]()
        bench = Failing(blobs=BlobStore(store), shelf=Shelf(refuses=refuses), limits=PATIENT)
        async with FileServer() as server:
            fault = Fault(flips_byte=where == "download")
            bad = want(server.serve(NAME, BODY, fault), BODY)
            rest = [
                want(server.serve(f"slow{n}.whl", BODY + bytes([n]), Fault(stalls_after=150_000)))
                for n in range(8)
            ]
            started = time.monotonic()
            with pytest.raises(PpmError) as caught:
                await bench.fetch(*rest, bad)
            assert time.monotonic() - started < 5
        code = {"download": "HASH_MISMATCH", "unpack": "HOSTILE", "record": "FAILED"}[where]
        assert caught.value.code == code
        assert bench.refused == ([] if where == "record" else [(NAME, code)])
        assert bench.recorded == ([] if where == "download" else [NAME])

    anyio.run(main)
    assert blobs_in(store) == ([] if where == "download" else [digest(BODY)])
    assert partials(store) == []


def test_a_programming_error_is_not_hidden_behind_what_follows_from_it(store: Path) -> None:
    class Faulty(Shelf):
        def tree(self, sha256: str) -> None:
            raise ZeroDivisionError(sha256)

    async def main() -> None:
        bench = Bench(blobs=BlobStore(store), shelf=Faulty())
        await bench.fetch(want("http://127.0.0.1:9/p.whl", b"x"))

    with pytest.raises(ZeroDivisionError):
        anyio.run(main)


def test_what_is_on_its_way_into_the_store_is_recorded_although_the_run_is_cancelled(
    store: Path,
) -> None:
    class Slow(Bench):
        began = False

        async def _note_stored(self, files: Sequence[StoredFile]) -> None:
            self.began = True
            await anyio.sleep(0.1)
            await super()._note_stored(files)

    async def main() -> None:
        bench = Slow(blobs=BlobStore(store))
        async with FileServer() as server, anyio.create_task_group() as group:
            group.start_soon(bench.fetch, want(server.serve(NAME, BODY), BODY))
            while not bench.began:  # noqa: ASYNC110 - a flag is all there is
                await anyio.sleep(0.001)
            group.cancel_scope.cancel()
        assert bench.recorded == [NAME]
        assert bench.shelf.unpacked == []

    anyio.run(main)
    assert blobs_in(store) == [digest(BODY)]


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_takes_no_more_is_told_and_the_next_run_succeeds(store: Path) -> None:
    async def main() -> None:
        async with FileServer() as server:
            file = want(server.serve(NAME, BODY), BODY)
            with files_no_larger_than(100_000), pytest.raises(StorageError):
                await Bench(blobs=BlobStore(store)).fetch(file)
            assert blobs_in(store) == []
            await fetch_again(store, server)

    anyio.run(main)
    assert_only_the_blob_is_left(store)


def test_a_refused_file_is_told_before_the_others_are_given_up(store: Path) -> None:
    async def main() -> None:
        bench = Bench(blobs=BlobStore(store))
        async with FileServer() as server:
            url = server.serve(NAME, BODY, Fault(flips_byte=True))
            with pytest.raises(ArtifactError):
                await bench.fetch(want(url, BODY))
        assert bench.refused == [(NAME, "HASH_MISMATCH")]

    anyio.run(main)
