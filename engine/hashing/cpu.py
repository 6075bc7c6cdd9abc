"""SHA-256 through hashlib, in threads where that pays."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Sequence

# hashlib lets go of the interpreter lock only for messages of 2048 bytes and more, and handing a
# batch to threads costs about what hashing a quarter of a megabyte does.
_WORTH_A_THREAD = 16 * 1024
_WORTH_A_POOL = 1024 * 1024


class CpuHasher:
    """:class:`ppm.engine.ports.Hasher` over hashlib.

    Lanes may be used from several threads as long as no two of them use the same lane at once.
    """

    device = "cpu:hashlib"

    def __init__(self, *, threads: int = 0) -> None:
        """``threads`` is how many hash a large batch together; 0 takes one per processor."""
        self._threads = threads or os.cpu_count() or 1
        self._numbers = itertools.count()
        self._lanes: dict[int, hashlib._Hash] = {}

    def open(self) -> int:
        """A new lane."""
        lane = next(self._numbers)
        self._lanes[lane] = hashlib.sha256()
        return lane

    def update(self, lane: int, data: bytes | bytearray | memoryview) -> None:
        """Append bytes to a lane's message.

        Raises:
            LookupError: The lane is not open.
        """
        self._lanes[lane].update(data)

    def finish(self, lane: int) -> str:
        """Close the lane and return its digest.

        Raises:
            LookupError: The lane is not open.
        """
        return self._lanes.pop(lane).hexdigest()

    def digests(self, messages: Sequence[bytes | memoryview]) -> list[str]:
        """The digest of each message, in order."""
        total = sum(map(len, messages))
        threads = min(self._threads, len(messages))
        if threads < 2 or total < max(_WORTH_A_POOL, len(messages) * _WORTH_A_THREAD):  # noqa: PLR2004 - one thread is none
            return _digests(messages)
        return self._digests_in_threads(messages, threads)

    @staticmethod
    def _digests_in_threads(messages: Sequence[bytes | memoryview], threads: int) -> list[str]:
        from concurrent.futures import ThreadPoolExecutor

        # Every n-th message to each thread: neighbours tend to be of one size.
        results = [""] * len(messages)
        with ThreadPoolExecutor(threads) as pool:
            shares = pool.map(_digests, (messages[first::threads] for first in range(threads)))
            for first, share in enumerate(shares):
                results[first::threads] = share
        return results


def _digests(messages: Sequence[bytes | memoryview]) -> list[str]:
    return [hashlib.sha256(message).hexdigest() for message in messages]
