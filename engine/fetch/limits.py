"""How hard the pipeline tries, how much it takes, how long it waits."""

from __future__ import annotations

import msgspec

KIB = 1024
GIB = 1024**3


class FetchLimits(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Bounds of one :func:`ppm.engine.fetch.pipeline.fetch`.

    ``connections`` downloads run at once; ``unpackings`` wheels are handed to the pool at once (how
    many it works on is its own affair). A download is tried ``attempts`` times in a row without
    getting further by ``progress_size`` bytes; between tries it waits ``backoff_seconds``, doubled
    each time up to ``backoff_limit_seconds``, shortened by chance to as little as half.

    ``total_seconds`` bounds one file with all its tries, ``idle_seconds`` the wait for the next
    bytes, and over each ``rate_seconds`` at least ``minimum_rate`` bytes a second must arrive. Time
    spent waiting for this machine's own disk counts only for the first.

    Memory is bounded by ``piece_size`` times (``connections`` + ``queued_pieces``), plus what the
    transport buffers. ``maximum_size`` is in bytes and holds for every file.
    """

    connections: int = 50
    unpackings: int = 16
    attempts: int = 5
    progress_size: int = 1024 * KIB
    backoff_seconds: float = 0.25
    backoff_limit_seconds: float = 8.0
    total_seconds: float = 3600.0
    idle_seconds: float = 30.0
    minimum_rate: int = 1 * KIB
    rate_seconds: float = 30.0
    maximum_size: int = 10 * GIB
    piece_size: int = 256 * KIB
    queued_pieces: int = 16
