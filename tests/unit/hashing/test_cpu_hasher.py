from __future__ import annotations

import hashlib
import threading

import pytest

from ppm.engine.hashing import cpu
from ppm.engine.hashing.cpu import CpuHasher


class CountingBuffer:
    """Counts in which threads digests are taken."""

    def __init__(self) -> None:
        self.threads: set[int] = set()
        self.all_here = threading.Barrier(2, timeout=20)

    def digests(self, messages: list[bytes]) -> list[str]:
        self.threads.add(threading.get_ident())
        self.all_here.wait()
        return [hashlib.sha256(message).hexdigest() for message in messages]


def test_a_large_batch_is_shared_between_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    # Both shares must be under way at once, or the barrier breaks.
    watched = CountingBuffer()
    monkeypatch.setattr(cpu, "_digests", watched.digests)
    messages = [bytes([number]) * 2**20 for number in range(5)]
    wanted = [hashlib.sha256(message).hexdigest() for message in messages]
    assert CpuHasher(threads=2).digests(messages) == wanted
    assert len(watched.threads) == 2
    assert threading.get_ident() not in watched.threads


@pytest.mark.parametrize(
    "messages",
    [[b"x" * 100] * 50_000, [b"x" * 2**22], [b"x" * 1000] * 10],
    ids=["many small ones", "a single one", "a small batch"],
)
def test_a_batch_that_would_not_gain_starts_no_thread(messages: list[bytes]) -> None:
    before = threading.active_count()
    started = threading.Thread.start
    try:
        threading.Thread.start = _no_start  # type: ignore[method-assign]
        digests = CpuHasher(threads=4).digests(messages)
    finally:
        threading.Thread.start = started  # type: ignore[method-assign]
    assert digests == [hashlib.sha256(message).hexdigest() for message in messages]
    assert threading.active_count() == before


def _no_start(_self: threading.Thread) -> None:
    raise AssertionError("a thread was started")


def test_lanes_may_be_opened_from_several_threads() -> None:
    hasher = CpuHasher()
    lanes: list[int] = []

    def work() -> None:
        lanes.extend(hasher.open() for _ in range(1000))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(lanes)) == 4000
