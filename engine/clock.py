"""Time and identities: the system's, and one that steps evenly for tests and demonstrations."""

from __future__ import annotations

import os
import time


def _uuid7(milliseconds: int, random_bytes: bytes) -> str:
    """UUIDv7 text (RFC 9562 section 5.7) from 48 bits of Unix milliseconds and 10 random bytes."""
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | int.from_bytes(random_bytes, "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _rfc3339(microseconds: int) -> str:
    seconds, fraction = divmod(microseconds, 1_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{fraction:06d}Z"


class SystemClock:
    """The machine's clock and randomness."""

    def now(self) -> str:
        """The time of day, see :class:`ppm.engine.ports.Clock`."""
        return _rfc3339(time.time_ns() // 1_000)

    def elapsed_us(self) -> int:
        """Monotonic microseconds."""
        return time.monotonic_ns() // 1_000

    def new_id(self) -> str:
        """A fresh UUIDv7."""
        return _uuid7(time.time_ns() // 1_000_000, os.urandom(10))


class SteppingClock:
    """Every question moves time on by one step; identities count up.

    Args:
        start_us: The first answer, microseconds since 1970.
        step_us: How far each question moves.
    """

    def __init__(self, start_us: int = 1_795_329_540_000_000, step_us: int = 1_000) -> None:
        self._now_us = start_us
        self._step_us = step_us
        self._ids = 0

    def _step(self) -> int:
        self._now_us += self._step_us
        return self._now_us

    def now(self) -> str:
        """The next time."""
        return _rfc3339(self._step())

    def elapsed_us(self) -> int:
        """The next time, in microseconds."""
        return self._step()

    def new_id(self) -> str:
        """The next identity."""
        self._ids += 1
        return _uuid7(self._now_us // 1_000, self._ids.to_bytes(10, "big"))
