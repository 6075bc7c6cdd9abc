"""Ending downloads that stall, drip or take too long.

One task looks at all running tries a few times a second, so that a chunk costs two readings of a
clock and no timer of its own.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import anyio

from ppm.engine.fetch.limits import FetchLimits

_SLOWEST_LOOK_S = 1.0
_FASTEST_LOOK_S = 0.02
_LOOKS_PER_LIMIT = 8


class Pace:
    """How one try gets on.

    ``verdict`` is ``""``, or why the try was ended. Only the time between :meth:`waiting` and
    :meth:`arrived` counts for the idle limit and the rate: the rest is this machine's own.
    """

    def __init__(self, limits: FetchLimits, deadline: float) -> None:
        self.scope = anyio.CancelScope()
        self.verdict = ""
        self._limits = limits
        self._deadline = deadline
        self._since = 0.0
        self._waited = 0.0
        self._bytes = 0

    def waiting(self) -> None:
        """The next bytes are asked for."""
        self._since = time.monotonic()

    def arrived(self, size: int) -> None:
        """They are here."""
        self._waited += time.monotonic() - self._since
        self._since = 0.0
        self._bytes += size

    def look(self, now: float) -> None:
        """Judge; a try that fails is cancelled."""
        self.verdict = self.verdict or self._judge(now)
        if self.verdict:
            self.scope.cancel()

    def _judge(self, now: float) -> str:
        limits = self._limits
        if now > self._deadline:
            return f"not complete after {limits.total_seconds:g} seconds"
        waiting = now - self._since if self._since else 0.0
        if waiting > limits.idle_seconds:
            return f"no bytes for {limits.idle_seconds:g} seconds"
        waited = self._waited + waiting
        if waited < limits.rate_seconds:
            return ""
        if self._bytes < limits.minimum_rate * waited:
            return f"slower than {limits.minimum_rate} bytes a second"
        self._waited, self._bytes = -waiting, 0
        return ""


class Watch:
    """Looks at every running try until it is cancelled."""

    def __init__(self, limits: FetchLimits) -> None:
        self._limits = limits
        self._paces: set[Pace] = set()

    @contextmanager
    def over(self, deadline: float) -> Iterator[Pace]:
        """A try, until ``deadline`` on the monotonic clock at the latest.

        The block ends early, without an exception, once the pace has a verdict.
        """
        pace = Pace(self._limits, deadline)
        self._paces.add(pace)
        try:
            with pace.scope:
                yield pace
        finally:
            self._paces.discard(pace)

    async def run(self) -> None:
        """Look, for ever."""
        limits = self._limits
        shortest = min(limits.idle_seconds, limits.rate_seconds, limits.total_seconds)
        pause = min(max(shortest / _LOOKS_PER_LIMIT, _FASTEST_LOOK_S), _SLOWEST_LOOK_S)
        while True:
            await anyio.sleep(pause)
            now = time.monotonic()
            for pace in tuple(self._paces):
                pace.look(now)
