"""A hasher whose digests the CPU checks by sample: hardware that computes wrongly says nothing."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence

from ppm.engine.errors import HashingFailure
from ppm.engine.ports import Hasher

# Of a batch one message and one more of every so many is checked; of lanes the first and one of
# every so many.
_MESSAGES = 256
_LANES = 16


class CheckedHasher:
    """:class:`ppm.engine.ports.Hasher` over another one.

    Which messages are checked follows from ``seed``, which a contradiction names.
    """

    def __init__(self, hasher: Hasher, *, seed: int) -> None:
        self.device = hasher.device
        self._hasher = hasher
        self._seed = seed
        self._chance = random.Random(seed)  # noqa: S311 - a sample, no secret
        self._opened = 0
        self._watched: dict[int, hashlib._Hash] = {}

    def open(self) -> int:
        """A new lane."""
        lane = self._hasher.open()
        if self._opened == 0 or self._chance.randrange(_LANES) == 0:
            self._watched[lane] = hashlib.sha256()
        self._opened += 1
        return lane

    def update(self, lane: int, data: bytes | bytearray | memoryview) -> None:
        """Append bytes to a lane's message.

        Raises:
            LookupError: The lane is not open.
        """
        self._hasher.update(lane, data)
        if lane in self._watched:
            self._watched[lane].update(data)

    def finish(self, lane: int) -> str:
        """Close the lane and return its digest.

        Raises:
            LookupError: The lane is not open.
            HashingFailure: ``code="GPU_CONTRADICTED"``.
        """
        digest = self._hasher.finish(lane)
        watched = self._watched.pop(lane, None)
        if watched is not None:
            self._compare(digest, watched.hexdigest())
        return digest

    def digests(self, messages: Sequence[bytes | memoryview]) -> list[str]:
        """The digest of each message, in order.

        Raises:
            HashingFailure: ``code="GPU_CONTRADICTED"``.
        """
        digests = self._hasher.digests(messages)
        count = len(messages)
        sample = self._chance.sample(range(count), min(count, 1 + count // _MESSAGES))
        for place in sample:
            self._compare(digests[place], hashlib.sha256(messages[place]).hexdigest())
        return digests

    def _compare(self, digest: str, wanted: str) -> None:
        if digest != wanted:
            raise HashingFailure(
                f"{self.device} computed the digest {digest} where the CPU finds {wanted} "
                f"(sample of seed {self._seed})",
                code="GPU_CONTRADICTED",
                hint="nothing that it computed was used; have the device and its driver checked",
            )
