"""Every hasher gives the digests of FIPS 180-4, whatever the lengths and the splits."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppm.engine.hashing.cpu import CpuHasher
from ppm.engine.ports import Hasher

Make = Callable[[], Hasher]

IMPLEMENTATIONS: list[Make] = [CpuHasher, lambda: CpuHasher(threads=4)]
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
# FIPS 180-4 examples and the one-million-letter message of NIST's example set.
VECTORS = {
    b"": EMPTY,
    b"abc": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq": (
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    b"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
    b"ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu": (
        "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
    ),
    b"a" * 1_000_000: "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
}


@pytest.fixture(params=IMPLEMENTATIONS)
def make(request: pytest.FixtureRequest) -> Make:
    implementation: Make = request.param
    return implementation


def in_lane(hasher: Hasher, *pieces: bytes | bytearray | memoryview) -> str:
    lane = hasher.open()
    for piece in pieces:
        hasher.update(lane, piece)
    return hasher.finish(lane)


def expected(message: bytes) -> str:
    return hashlib.sha256(message).hexdigest()


def test_nist_vectors_at_once(make: Make) -> None:
    assert make().digests(list(VECTORS)) == list(VECTORS.values())


@pytest.mark.parametrize("message", VECTORS, ids=len)
def test_nist_vectors_in_a_lane(make: Make, message: bytes) -> None:
    assert in_lane(make(), message) == VECTORS[message]


def test_every_length_up_to_300(make: Make) -> None:
    messages = [(bytes(range(256)) * 2)[:length] for length in range(301)]
    hasher = make()
    assert hasher.digests(messages) == [expected(message) for message in messages]
    assert [in_lane(hasher, message) for message in messages] == hasher.digests(messages)


def test_no_messages_have_no_digests(make: Make) -> None:
    assert make().digests([]) == []


def test_a_lane_without_bytes_is_the_empty_message(make: Make) -> None:
    hasher = make()
    assert in_lane(hasher) == EMPTY
    assert in_lane(hasher, b"", b"") == EMPTY


def test_lanes_do_not_mix(make: Make) -> None:
    hasher = make()
    lanes = [hasher.open() for _ in range(100)]
    for step in range(3):
        for number, lane in enumerate(lanes):
            hasher.update(lane, f"{number}:{step};".encode() * number)
    digests = [hasher.finish(lane) for lane in reversed(lanes)][::-1]
    wanted = [b"".join(f"{n}:{s};".encode() * n for s in range(3)) for n in range(100)]
    assert digests == [expected(message) for message in wanted]


def test_a_finished_lane_is_gone(make: Make) -> None:
    hasher = make()
    lane = hasher.open()
    hasher.finish(lane)
    with pytest.raises(LookupError):
        hasher.finish(lane)
    with pytest.raises(LookupError):
        hasher.update(lane, b"x")


def test_any_buffer_will_do(make: Make) -> None:
    hasher = make()
    data = bytearray(b"0123456789" * 1000)
    whole = expected(bytes(data))
    assert in_lane(hasher, data) == whole
    assert in_lane(hasher, memoryview(data)) == whole
    assert hasher.digests([memoryview(data), bytes(data)]) == [whole, whole]


def test_a_buffer_may_be_used_again_after_update(make: Make) -> None:
    hasher = make()
    lane = hasher.open()
    buffer = bytearray(4096)
    for value in range(5):
        buffer[:] = bytes([value]) * 4096
        hasher.update(lane, buffer)
    assert hasher.finish(lane) == expected(b"".join(bytes([v]) * 4096 for v in range(5)))


def test_huge_messages_beside_empty_ones(make: Make) -> None:
    huge = bytes(range(256)) * (32 * 4096)
    messages: list[bytes | memoryview] = [b"", huge, b"", memoryview(huge)[1:], b"x"]
    wanted = [EMPTY, expected(huge), EMPTY, expected(huge[1:]), expected(b"x")]
    assert make().digests(messages) == wanted


def test_many_messages_keep_their_order(make: Make) -> None:
    messages = [str(number).encode() * (number % 5000) for number in range(5000)]
    assert make().digests(messages) == [expected(message) for message in messages]


@given(message=st.binary(max_size=5000), data=st.data())
def test_splits_do_not_matter(message: bytes, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(message)), max_size=8).map(sorted))
    bounds = [0, *cuts, len(message)]
    pieces = [message[a:b] for a, b in itertools.pairwise(bounds)]
    for implementation in IMPLEMENTATIONS:
        assert in_lane(implementation(), *pieces) == expected(message)


@given(st.lists(st.binary(max_size=300), max_size=40))
def test_batches_are_as_good_as_one_by_one(messages: list[bytes]) -> None:
    for implementation in IMPLEMENTATIONS:
        assert implementation().digests(messages) == [expected(m) for m in messages]


def test_the_device_is_named(make: Make) -> None:
    kind, _, name = make().device.partition(":")
    assert kind in {"cpu", "cuda"}
    assert name
