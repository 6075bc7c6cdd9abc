"""However a server breaks its answers up, what reaches the store is the file or nothing."""

from __future__ import annotations

import anyio
import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.fetch.fileserver import Fault, FileServer
from unit.fetch.harness import QUICK, Bench, digest, some_bytes, want

from ppm.engine.errors import ArtifactError, IndexFailure
from ppm.engine.fetch.ranges import as_validator, body_of, range_headers
from ppm.engine.store.memory_blobs import MemoryBlobStore

SIZE = 30_000
BODY = some_bytes(SIZE)
LIMITS = msgspec.structs.replace(QUICK, backoff_seconds=0.0, piece_size=2000, idle_seconds=10)

faults = st.builds(
    Fault,
    hangs_up_after=st.none() | st.integers(0, SIZE),
    ignores_range=st.booleans(),
    shifts_range=st.integers(-3, 3),
    flips_byte=st.sampled_from([False, False, False, True]),
    no_length=st.booleans(),
)


@given(
    script=st.lists(faults, max_size=5),
    etag=st.sampled_from([None, "", 'W/"weak"']),
    knows_size=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_any_script_of_faults_gives_the_pinned_bytes_or_an_error_and_nothing_stored(
    script: list[Fault], etag: str | None, *, knows_size: bool
) -> None:
    async def main() -> None:
        bench = Bench(limits=LIMITS)
        assert isinstance(bench.blobs, MemoryBlobStore)
        async with FileServer() as server:
            url = server.serve("p.whl", BODY, *script, etag=etag)
            file = want(url, sha256=digest(BODY), size=SIZE if knows_size else 0)
            try:
                await bench.fetch(file)
            except (ArtifactError, IndexFailure):
                assert bench.blobs.blobs == {}
                assert bench.recorded == []
            else:
                assert bench.blobs.read(digest(BODY)) == BODY
                assert bench.recorded == ["p.whl"]
                assert bench.blobs.partial == {}

    anyio.run(main)


numbers = st.integers(0, 10**12)


@given(first=numbers, last=numbers, total=numbers, offset=st.integers(1, 10**12))
def test_a_part_is_taken_only_if_it_is_the_rest_of_the_file_from_the_offset(
    first: int, last: int, total: int, offset: int
) -> None:
    headers = {"Content-Range": f"bytes {first}-{last}/{total}"}
    body = body_of(206, headers, offset=offset)
    assert (body is not None) == (first == offset <= last and last + 1 == total)
    if body is not None:
        assert (body.start, body.total) == (offset, total)


@given(said=st.text(max_size=30), status=st.sampled_from([206, 416]))
def test_what_is_no_content_range_continues_nothing(said: str, status: int) -> None:
    body = body_of(status, {"Content-Range": said}, offset=5)
    assert body is None or said.strip().lower().startswith("bytes")


@given(text=st.text(max_size=2000))
def test_a_validator_is_always_fit_for_a_header(text: str) -> None:
    validator = as_validator(text)
    assert validator == "" or validator == text.strip()
    assert validator.isascii()
    assert not any(sign < " " for sign in validator)
    assert range_headers(0, validator) == {}
    assert ("If-Range" in range_headers(7, validator)) == bool(validator)
