"""Every hasher gives the digests of FIPS 180-4, whatever the lengths and the splits."""

from __future__ import annotations

import functools
import hashlib
import itertools
import os
import random
from collections.abc import Callable

import build_gpu
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.host_lanes import SMALL_WINDOW, HostDevice, cuda_build, host_library

from ppm.engine.errors import HashingFailure
from ppm.engine.hashing.checked import CheckedHasher
from ppm.engine.hashing.cpu import CpuHasher
from ppm.engine.hashing.cuda import cuda_hasher
from ppm.engine.hashing.lanes import LaneHasher
from ppm.engine.hashing.library import LibraryHasher
from ppm.engine.ports import Hasher

Make = Callable[[], Hasher]
DEVICES = ("/dev/nvidia0", "/dev/dxg")


@functools.cache
def on_cuda() -> Hasher | str:
    try:
        return cuda_hasher(window=SMALL_WINDOW)
    except HashingFailure as failure:
        return failure.message


@functools.cache
def in_cuda_library() -> Hasher | str:
    if not any(map(os.path.exists, DEVICES)):
        return "no CUDA device"
    try:
        return LibraryHasher(cuda_build(), window=SMALL_WINDOW)
    except HashingFailure as failure:
        return failure.message


def cuda() -> Hasher:
    """The same one for every test: starting a device takes its time."""
    hasher = on_cuda()
    if isinstance(hasher, str):
        pytest.skip(hasher)
    return hasher


def cuda_library() -> Hasher:
    if build_gpu.nvcc() is None:
        pytest.skip("no nvcc")
    hasher = in_cuda_library()
    if isinstance(hasher, str):
        pytest.skip(hasher)
    return hasher


IMPLEMENTATIONS = [
    pytest.param(CpuHasher, id="hashlib"),
    pytest.param(lambda: CpuHasher(threads=4), id="hashlib in threads"),
    pytest.param(lambda: CheckedHasher(CpuHasher(), seed=1), id="hashlib checked"),
    pytest.param(lambda: LibraryHasher(host_library()), id="library on the host"),
    pytest.param(
        lambda: LibraryHasher(host_library(), window=SMALL_WINDOW),
        id="library on the host with small windows",
    ),
    pytest.param(lambda: LaneHasher(HostDevice()), id="lanes on the host"),
    pytest.param(cuda, id="cuda through CuPy", marks=pytest.mark.gpu),
    pytest.param(cuda_library, id="cuda through the library", marks=pytest.mark.gpu),
]
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
    # SHA256ShortMsg.rsp and SHA256LongMsg.rsp of NIST's validation system.
    bytes.fromhex("d3"): "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1",
    bytes.fromhex("11af"): "5ca7133fa735326081558ac312c620eeca9970d1e70a4b95533d956f072d1f98",
    bytes.fromhex("b4190e"): "dff2e73091f6c05e528896c4c831b9448653dc2ff043528f6769437bc7b975c2",
    bytes.fromhex("74ba2521"): "b16aa56be3880d18cd41e68384cf1ec8c17680c45a02b1575dc1518923ae8b0e",
    bytes.fromhex(
        "451101250ec6f26652249d59dc974b7361d571a8101cdfd36aba3b5854d3ae086b5fdd4597721b66e3c0dc5d"
        "8c606d9657d0e323283a5217d1f53f2f284f57b85c8a61ac8924711f895c5ed90ef17745ed2d728abd22a5f7"
        "a13479a462d71b56c19a74a40b655c58edfe0a188ad2cf46cbf30524f65d423c837dd1ff2bf462ac41980073"
        "45bb44dbb7b1c861298cdf61982a833afc728fae1eda2f87aa2c9480858bec"
    ): "3c593aa539fdcdae516cdf2f15000f6634185c88f505b39775fb9ab137a10aa2",
}
# SHA256Monte.rsp: the seed and the first two checkpoints of a thousand steps each.
MONTE_CARLO = (
    "6d1e72ad03ddeb5de891e572e2396f8da015d899ef0e79503152d6010a3fe691",
    "e93c330ae5447738c8aa85d71a6c80f2a58381d05872d26bdd39f1fcd4f2b788",
    "2e78f8c8772ea7c9331d41ed3f9cdf27d8f514a99342ee766ee3b8b0d0b121c0",
)


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


def test_nist_monte_carlo(make: Make) -> None:
    hasher = make()
    for seed, wanted in itertools.pairwise(MONTE_CARLO):
        last = [bytes.fromhex(seed)] * 3
        for _ in range(1000):
            digest = bytes.fromhex(hasher.digests([b"".join(last)])[0])
            last = [*last[1:], digest]
        assert last[-1].hex() == wanted


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


def test_ten_thousand_lanes_of_wildly_different_lengths(make: Make) -> None:
    chance = random.Random(256)
    pool = chance.randbytes(2_000_000)
    sizes = [int(2 ** chance.triangular(0, 11, 3)) for _ in range(9_990)]
    sizes += [int(2 ** chance.uniform(16, 20)) for _ in range(10)]
    messages = [memoryview(pool)[chance.randrange(1000) :][:size] for size in sizes]
    wanted = [hashlib.sha256(message).hexdigest() for message in messages]
    hasher = make()
    assert hasher.digests(messages) == wanted
    lanes = [hasher.open() for _ in messages]
    for lane, message in zip(lanes, messages, strict=True):
        hasher.update(lane, message[:100])
    for lane, message in zip(lanes, messages, strict=True):
        hasher.update(lane, message[100:])
    order = chance.sample(range(len(lanes)), len(lanes))
    digests = {place: hasher.finish(lanes[place]) for place in order}
    assert [digests[place] for place in range(len(lanes))] == wanted


def test_a_huge_message_in_a_lane(make: Make) -> None:
    huge = random.Random(64).randbytes(1024) * (64 * 1024 + 1)
    assert len(huge) > 64 * 1024 * 1024
    hasher = make()
    beside = hasher.open()
    hasher.update(beside, b"beside")
    assert in_lane(hasher, huge[:1], huge[1:50_000_000], huge[50_000_000:]) == expected(huge)
    assert hasher.finish(beside) == expected(b"beside")


@pytest.mark.parametrize("make", IMPLEMENTATIONS)
@given(message=st.binary(max_size=5000), data=st.data())
def test_splits_do_not_matter(make: Make, message: bytes, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(message)), max_size=8).map(sorted))
    bounds = [0, *cuts, len(message)]
    pieces = [message[a:b] for a, b in itertools.pairwise(bounds)]
    assert in_lane(make(), *pieces) == expected(message)


@pytest.mark.parametrize("make", IMPLEMENTATIONS)
@given(messages=st.lists(st.binary(max_size=300), max_size=40))
def test_batches_are_as_good_as_one_by_one(make: Make, messages: list[bytes]) -> None:
    assert make().digests(messages) == [expected(message) for message in messages]


def test_the_device_is_named(make: Make) -> None:
    kind, _, name = make().device.partition(":")
    assert kind in {"cpu", "cuda"}
    assert name
