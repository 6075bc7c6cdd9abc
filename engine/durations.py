"""Spans of time as people write them."""

from __future__ import annotations

from ppm.engine.errors import UsageError

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def seconds(text: str) -> int:
    """The seconds in ``30d``, ``12h``, ``2w``, ``90m`` or ``45s``.

    Raises:
        UsageError: It is no such thing.
    """
    number, unit = text[:-1], text[-1:]
    if unit not in _UNITS_S or not (number.isascii() and number.isdigit()) or len(number) > 9:  # noqa: PLR2004 - more than any machine lasts
        raise UsageError(f"{text!r} is no span of time: write 45s, 90m, 12h, 30d or 2w")
    return int(number) * _UNITS_S[unit]
