"""Text from elsewhere (packages, indexes, files, histories) as it may be shown to a person."""

from __future__ import annotations

import re

_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)


def clean(text: str) -> str:
    """``text`` without control sequences, C1 codes and bidirectional overrides.

    Newlines and tabs stay. Each character taken out is shown as its code point.
    """
    return _CONTROL.sub(lambda match: f"<U+{ord(match[0]):04X}>", text)
