"""Trying again: how often, after how long."""

from __future__ import annotations

import math
import random
import time

import anyio

from ppm.engine.errors import PpmError
from ppm.engine.fetch.limits import FetchLimits


class Broken(Exception):  # noqa: N818 - a signal between functions of this package
    """A try ended early; ``failure`` is what to raise if there is no other."""

    def __init__(self, failure: PpmError) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Tries:
    """The tries of one file; one that gets a good deal further makes the earlier ones forgotten.

    ``deadline`` is on the monotonic clock.
    """

    def __init__(self, limits: FetchLimits) -> None:
        self.deadline = time.monotonic() + limits.total_seconds
        self._limits = limits
        self._failed = 0
        self._reached = 0

    async def pause(self, broken: Broken, size: int) -> None:
        """Wait before the next try, of which ``size`` bytes are there already.

        Raises:
            PpmError: The failure that ``broken`` carries; there is no next try.
        """
        if size >= self._reached + self._limits.progress_size:
            self._reached, self._failed = size, 0
        self._failed += 1
        delay = self._delay()
        if self._failed >= self._limits.attempts or time.monotonic() + delay > self.deadline:
            raise broken.failure from broken.__cause__
        await anyio.sleep(delay)

    def _delay(self) -> float:
        limits = self._limits
        doubled = math.ldexp(limits.backoff_seconds, self._failed - 1)
        return min(doubled, limits.backoff_limit_seconds) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
