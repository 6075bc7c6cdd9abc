"""Version wishes as people write them in settings, turned into PEP 440 specifiers.

Beside PEP 440 itself: ``^1.2`` and ``~1.2`` as Poetry means them, and a bare version.
"""

from __future__ import annotations

import re

_CLAUSE = r"(===|~=|==|!=|<=|>=|<|>)\s*([^\s,;()<>=!~^|]+)\Z"
_SHORTHAND = r"([\^~]?)\s*v?(\d+(?:\.\d+)*)\Z"
_WILDCARD = r"(\d+(?:\.\d+)*)\.\*\Z"
_EXACT = r"(?i)\d+(?:\.\d+)*[-_.]?(?:a|b|c|rc|alpha|beta|pre|preview|post|dev|\+)[\w.+-]*\Z"


def is_specifier(text: str) -> bool:
    """Whether ``text`` has the shape of a PEP 440 specifier set (versions are not looked into)."""
    return all(re.match(_CLAUSE, clause.strip()) for clause in text.rstrip(", ").split(","))


def specifier_of(text: str) -> str:
    """The PEP 440 specifier set for a wish such as ``^3.10``, ``2.4.*``, ``3.12`` or ``>=3.10``.

    A bare release means itself and what is below it (``3.12`` is ``==3.12.*``); ``*`` means no
    constraint and gives ``""``.

    Raises:
        ValueError: There is no such specifier; the text says why.
    """
    if "||" in text:
        raise ValueError("alternatives (||) cannot be written as one specifier")
    clauses = [clause.strip() for clause in text.split(",") if clause.strip()]
    if not clauses:
        raise ValueError("is empty")
    return ",".join(filter(None, (_clause(clause) for clause in clauses)))


def _clause(text: str) -> str:
    if text == "*":
        return ""
    if match := re.match(_SHORTHAND, text):
        operator, version = match.groups()
        return f">={version},<{_upper_bound(operator, version)}" if operator else f"=={version}.*"
    if re.match(_WILDCARD, text) or re.match(_EXACT, text):
        return f"=={text}"
    if match := re.match(_CLAUSE, text):
        return match[1] + match[2]
    raise ValueError(f"{text!r} is not a version specifier")


def _upper_bound(operator: str, version: str) -> str:
    """The first version that ``^`` (leftmost non-zero part) or ``~`` (second part) leaves out."""
    parts = [int(part) for part in version.split(".")]
    last = len(parts) - 1
    if operator == "~":
        bumped = min(1, last)
    else:
        bumped = next((place for place, part in enumerate(parts) if part), last)
    bound = [*parts[:bumped], parts[bumped] + 1, *([0] * (last - bumped))]
    return ".".join(map(str, bound))
