"""Resuming a download: what to ask for, and what the answer means (RFC 9110 §13.1.5, §14).

Pure: headers in, decisions out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

_CONTENT_RANGE = re.compile(r"(?ai)^bytes\s+(\d{1,19})-(\d{1,19})/(\d{1,19}|\*)$")
_UNSATISFIED = re.compile(r"(?ai)^bytes\s+\*/(\d{1,19})$")
_STRONG_ETAG = re.compile(r'^"[\x21\x23-\x7e]*"$')
_DATE = re.compile(r"^[A-Za-z0-9,:+ -]+$")
_DECIMAL = re.compile(r"(?a)^\d{1,19}$")

VALIDATOR_LIMIT = 1024
"""Longer ones are not remembered."""

OK = 200
PARTIAL_CONTENT = 206
RANGE_NOT_SATISFIABLE = 416


class Body(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What an answer carries: the bytes from ``start`` to the end of a file of ``total`` bytes.

    ``total`` is 0 where the server does not say. ``validator`` is what ``If-Range`` may repeat
    later, or ``""``. ``complete`` says that nothing is missing and no body follows.
    """

    start: int
    total: int
    validator: str
    complete: bool = False


def range_headers(offset: int, validator: str) -> dict[str, str]:
    """What to send to get the bytes from ``offset`` on, or all of them if the file has changed."""
    if offset == 0:
        return {}
    headers = {"Range": f"bytes={offset}-"}
    if validator:
        headers["If-Range"] = validator
    return headers


def validator_of(headers: Mapping[str, str]) -> str:
    """The strong entity tag, else the date of the last change, else ``""``."""
    return as_validator(headers.get("ETag", "")) or as_validator(headers.get("Last-Modified", ""))


def as_validator(text: str) -> str:
    """``text`` if it can be sent as ``If-Range``: a strong entity tag or a date; else ``""``."""
    text = text.strip()
    fits = len(text) <= VALIDATOR_LIMIT and (_STRONG_ETAG.match(text) or _DATE.match(text))
    return text if fits else ""


def body_of(
    status: int, headers: Mapping[str, str], *, offset: int, validator: str = ""
) -> Body | None:
    """What the answer to a request for the bytes from ``offset`` on carries.

    Args:
        status: 200, 206 or 416; others are not for this function.
        headers: Case-insensitive.
        offset: What was asked for; 0 means that no range was.
        validator: What ``If-Range`` said, ``""`` if nothing.

    Returns:
        ``None`` if the answer does not continue what is there, so that the file must be asked for
        again from its first byte.
    """
    current = validator_of(headers)
    if status == OK:
        return Body(start=0, total=_content_length(headers), validator=current)
    if offset == 0 or (validator and current and current != validator):
        return None
    said = headers.get("Content-Range", "").strip()
    if status == RANGE_NOT_SATISFIABLE:
        return _nothing_left(said, offset, current)
    return _rest(said, _content_length(headers), offset, current)


def _nothing_left(said: str, offset: int, validator: str) -> Body | None:
    match = _UNSATISFIED.match(said)
    if match is None or int(match[1]) != offset:
        return None
    return Body(start=offset, total=offset, validator=validator, complete=True)


def _rest(said: str, length: int, offset: int, validator: str) -> Body | None:
    match = _CONTENT_RANGE.match(said)
    if match is None or int(match[1]) != offset or int(match[2]) < offset:
        return None
    end = int(match[2]) + 1
    if match[3] != "*" and int(match[3]) != end:
        return None
    if length and length != end - offset:
        return None
    return Body(start=offset, total=end, validator=validator)


def _content_length(headers: Mapping[str, str]) -> int:
    text = headers.get("Content-Length", "").strip()
    return int(text) if _DECIMAL.match(text) else 0
