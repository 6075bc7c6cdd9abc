"""How long an answer may be used again without asking (RFC 9111 §4.2 and §5.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping

_DIRECTIVE = re.compile(r'([!#$%&\'*+.^_`|~\w-]+)(?:=(?:"([^"]*)"|([^\s,"]*)))?')
_LONGEST = 365 * 24 * 3600


def lifetime(headers: Mapping[str, str], *, default: float) -> float | None:
    """Seconds from now during which an answer is fresh.

    Args:
        headers: The answer's, case-insensitive.
        default: What holds where the server says nothing about it.

    Returns:
        ``None`` if the answer may not be kept at all, 0 if it must be asked about each time.
    """
    directives = _directives(headers.get("Cache-Control", ""))
    if "no-store" in directives:
        return None
    if "no-cache" in directives or headers.get("Vary", "").strip() == "*":
        return 0
    if "max-age" in directives:
        allowed = float(_seconds(directives["max-age"]))
    elif "Expires" in headers:
        allowed = _until_expiry(headers)
    elif not directives and "no-cache" in headers.get("Pragma", "").lower():
        return 0
    else:
        allowed = default
    return min(_LONGEST, max(0.0, allowed - _seconds(headers.get("Age", ""))))


def _directives(text: str) -> dict[str, str]:
    """The first of equal directives counts, names are in lower case."""
    found: dict[str, str] = {}
    for name, quoted, bare in _DIRECTIVE.findall(text):
        found.setdefault(name.lower(), quoted or bare)
    return found


def _seconds(text: str) -> int:
    """A count of seconds; what is none counts as 0: the answer is stale, not eternal."""
    stripped = text.strip()
    return int(stripped) if re.fullmatch(r"[0-9]{1,12}", stripped) else 0


def _until_expiry(headers: Mapping[str, str]) -> float:
    from datetime import UTC, datetime
    from email.utils import parsedate_to_datetime

    try:
        expires = parsedate_to_datetime(headers["Expires"]).replace(tzinfo=UTC)
    except ValueError:
        return 0.0
    try:
        sent = parsedate_to_datetime(headers["Date"]).replace(tzinfo=UTC)
    except (KeyError, ValueError):
        sent = datetime.now(UTC)
    return (expires - sent).total_seconds()
