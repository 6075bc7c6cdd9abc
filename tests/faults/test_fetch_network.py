"""Servers that break off, stall, drip, lie: the bytes are right in the end, or the error is."""

from __future__ import annotations

import time

import anyio
import msgspec
import pytest
from unit.fetch.fileserver import Fault, FileServer
from unit.fetch.harness import QUICK, Bench, digest, some_bytes, want

from ppm.engine.errors import ArtifactError, IndexFailure
from ppm.engine.store.memory_blobs import MemoryBlobStore

BODY = some_bytes(200_000)
NAME = "p-1.0-py3-none-any.whl"


async def fetch_through(
    *faults: Fault, body: bytes = BODY, pinned: bool = True, **served: str | None
) -> tuple[Bench, FileServer]:
    """Fetch one file whose server commits ``faults``; the right bytes must be there afterwards."""
    bench = Bench()
    async with FileServer() as server:
        url = server.serve(NAME, body, *faults, **served)  # type: ignore[arg-type]
        (got,) = await bench.fetch(want(url, body if pinned else None))
    assert got.stored.sha256 == digest(body)
    assert isinstance(bench.blobs, MemoryBlobStore)
    assert bench.blobs.read(digest(body)) == body
    assert bench.blobs.partial == {}
    assert bench.progress.advanced == len(body)
    return bench, server


@pytest.mark.parametrize("pinned", [True, False])
@pytest.mark.parametrize("at", [0, 1, 4095, 4096, 60_000, 199_999])
def test_a_body_that_breaks_off_goes_on_where_it_stopped(at: int, *, pinned: bool) -> None:
    async def main() -> None:
        _, server = await fetch_through(Fault(hangs_up_after=at), pinned=pinned)
        assert server.ranges() == ["", f"bytes={at}-" if at else ""]
        assert server.requests[1].if_range == (server.files[f"/{NAME}"].etag if at else "")

    anyio.run(main)


def test_a_body_without_length_that_breaks_off_is_noticed_by_the_known_size() -> None:
    async def main() -> None:
        fault = Fault(hangs_up_after=60_000, no_length=True)
        _, server = await fetch_through(fault)
        assert server.ranges() == ["", "bytes=60000-"]

    anyio.run(main)


def test_a_stalled_body_is_given_up_and_resumed() -> None:
    async def main() -> None:
        started = time.monotonic()
        _, server = await fetch_through(Fault(stalls_after=60_000))
        assert server.ranges() == ["", "bytes=60000-"]
        assert 0.25 < time.monotonic() - started < 5

    anyio.run(main)


def test_a_server_error_before_the_file_is_retried() -> None:
    async def main() -> None:
        _, server = await fetch_through(Fault(status=500), Fault(status=503))
        assert len(server.requests) == 3

    anyio.run(main)


def test_a_server_that_ignores_ranges_starts_over() -> None:
    async def main() -> None:
        faults = Fault(hangs_up_after=60_000), Fault(ignores_range=True)
        _, server = await fetch_through(*faults)
        assert server.ranges() == ["", "bytes=60000-"]
        assert server.body_bytes == 60_000 + len(BODY)

    anyio.run(main)


def test_a_range_other_than_the_one_asked_for_is_not_taken() -> None:
    async def main() -> None:
        faults = Fault(hangs_up_after=60_000), Fault(shifts_range=-7)
        _, server = await fetch_through(*faults)
        assert server.ranges() == ["", "bytes=60000-", ""]

    anyio.run(main)


@pytest.mark.parametrize("pinned", [True, False])
def test_a_file_that_changes_between_tries_starts_over(*, pinned: bool) -> None:
    async def main() -> None:
        bench = Bench()
        new = some_bytes(150_000, seed=1)
        async with FileServer() as server:
            url = server.serve(NAME, BODY, Fault(hangs_up_after=60_000))
            file = want(url, sha256=digest(new)) if pinned else want(url)

            async def change() -> None:
                while not server.requests or server.running:  # noqa: ASYNC110 - no event to wait on
                    await anyio.sleep(0.001)
                server.serve(NAME, new)

            async with anyio.create_task_group() as group:
                group.start_soon(change)
                (got,) = await bench.fetch(file)
        assert got.stored.sha256 == digest(new)
        assert server.ranges() == ["", "bytes=60000-"]

    anyio.run(main)


def test_without_any_validator_a_pinned_file_resumes_and_an_unpinned_one_does_not() -> None:
    async def main() -> None:
        fault = Fault(hangs_up_after=60_000)
        _, server = await fetch_through(fault, etag="")
        assert [request.range for request in server.requests] == ["", "bytes=60000-"]
        _, server = await fetch_through(fault, etag="", pinned=False)
        assert [request.range for request in server.requests] == ["", ""]

    anyio.run(main)


def test_a_date_serves_where_there_is_no_strong_tag() -> None:
    async def main() -> None:
        date = "Sun, 22 Nov 2026 10:00:00 GMT"
        fault = Fault(hangs_up_after=60_000)
        _, server = await fetch_through(fault, etag='W/"weak"', last_modified=date)
        assert server.requests[1].if_range == date

    anyio.run(main)


def test_a_spliced_file_that_is_wrong_gets_one_try_from_the_beginning() -> None:
    async def main() -> None:
        faults = Fault(hangs_up_after=60_000), Fault(flips_byte=True)
        _, server = await fetch_through(*faults)
        assert server.ranges() == ["", "bytes=60000-", ""]

    anyio.run(main)


async def refused(*faults: Fault, code: str, **asked: int | str) -> tuple[Bench, ArtifactError]:
    bench = Bench(limits=msgspec.structs.replace(QUICK, maximum_size=1_000_000))
    async with FileServer() as server:
        url = server.serve(NAME, BODY, *faults)
        file = msgspec.structs.replace(want(url, BODY), **asked)
        with pytest.raises(ArtifactError) as caught:
            await bench.fetch(file)
    assert caught.value.code == code
    assert isinstance(bench.blobs, MemoryBlobStore)
    assert bench.blobs.blobs == {}
    assert bench.batches == []
    assert bench.shelf.unpacked == []
    assert bench.refused == [(NAME, code)]
    return bench, caught.value


def test_wrong_bytes_are_refused_with_both_digests_and_nothing_is_kept() -> None:
    async def main() -> None:
        bench, error = await refused(Fault(flips_byte=True), code="HASH_MISMATCH")
        wrong = bytearray(BODY)
        wrong[len(BODY) // 2] ^= 1
        assert NAME in error.message
        assert digest(BODY) in error.message
        assert digest(bytes(wrong)) in error.message
        assert error.hint
        assert isinstance(bench.blobs, MemoryBlobStore)
        assert bench.blobs.partial == {}

    anyio.run(main)


@pytest.mark.parametrize(
    ("fault", "size"),
    [
        (Fault(), 199_999),
        (Fault(no_length=True), 100_000),
        (Fault(extra=b"more"), 200_000),
        (Fault(extra=b"more", no_length=True), 200_000),
    ],
)
def test_a_size_that_is_not_the_promised_one_is_refused(fault: Fault, size: int) -> None:
    async def main() -> None:
        await refused(fault, code="SIZE_MISMATCH", size=size)

    anyio.run(main)


def test_a_body_that_always_breaks_off_at_the_same_place_is_told_as_truncated() -> None:
    async def main() -> None:
        faults = [Fault(hangs_up_after=0, ignores_range=True)] * 10
        faults[0] = Fault(hangs_up_after=60_000)
        bench, error = await refused(*faults, code="TRUNCATED")
        assert "of 200000 bytes" in error.message
        del bench

    anyio.run(main)


def test_more_bytes_than_ppm_takes_are_refused_announced_or_not() -> None:
    async def main() -> None:
        huge = bytes(1_000_001)
        for fault in (Fault(extra=huge), Fault(extra=huge, no_length=True)):
            _, error = await refused(fault, code="TOO_LARGE", size=0, sha256="")
            assert "1000000 bytes" in error.message

    anyio.run(main)


def test_a_slow_drip_below_the_minimum_rate_is_given_up() -> None:
    async def main() -> None:
        bench = Bench(limits=msgspec.structs.replace(QUICK, minimum_rate=10_000, attempts=2))
        async with FileServer() as server:
            url = server.serve(NAME, BODY, *[Fault(bytes_a_tick=10)] * 5)
            with pytest.raises(IndexFailure, match="slower than 10000 bytes a second") as caught:
                await bench.fetch(want(url, BODY))
        assert caught.value.code == "INDEX_TIMEOUT"
        assert len(server.requests) == 2

    anyio.run(main)


def test_the_total_time_holds_even_if_bytes_keep_coming() -> None:
    async def main() -> None:
        bench = Bench(limits=msgspec.structs.replace(QUICK, total_seconds=0.6))
        async with FileServer() as server:
            url = server.serve(NAME, BODY, Fault(bytes_a_tick=1000))
            started = time.monotonic()
            with pytest.raises(IndexFailure, match=r"not complete after 0\.6 seconds"):
                await bench.fetch(want(url, BODY))
        assert 0.5 < time.monotonic() - started < 3
        assert len(server.requests) == 1

    anyio.run(main)


def test_tries_that_get_further_do_not_use_up_the_attempts() -> None:
    async def main() -> None:
        body = some_bytes(2_000_000)
        bench = Bench(limits=msgspec.structs.replace(QUICK, progress_size=150_000, attempts=2))
        async with FileServer() as server:
            url = server.serve(NAME, body, *[Fault(hangs_up_after=200_000)] * 9)
            (got,) = await bench.fetch(want(url, body))
        assert got.stored.sha256 == digest(body)
        assert len(server.requests) == 10

    anyio.run(main)


def test_a_file_that_is_not_there_is_an_index_failure_at_once() -> None:
    async def main() -> None:
        async with FileServer() as server:
            with pytest.raises(IndexFailure, match="404"):
                await Bench().fetch(want(f"{server.url}/gone.whl"))
            assert len(server.requests) == 1

    anyio.run(main)
