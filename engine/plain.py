"""Text from elsewhere (packages, indexes, files, histories) as it may be shown to a person."""

from __future__ import annotations

import re

_CONTROL = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
_LINE_BREAK = "[\t\n\u2028\u2029]"


def clean(text: str) -> str:
    """``text`` without control sequences, C1 codes and bidirectional overrides.

    Newlines and tabs stay. Each character taken out is shown as its code point.
    """
    return text if text.isprintable() else re.sub(_CONTROL, _code_point, text)


def clean_line(text: str) -> str:
    """As :func:`clean`, for what is one line or a cell of one: newlines and tabs are shown, too.

    Text from elsewhere cannot pass itself off as another row of a table.
    """
    return text if text.isprintable() else re.sub(_LINE_BREAK, _code_point, clean(text))


def _code_point(match: re.Match[str]) -> str:
    return f"<U+{ord(match[0]):04X}>"
