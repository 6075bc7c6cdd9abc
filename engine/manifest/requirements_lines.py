"""The logical lines of a requirements file, as pip makes them.

Read in this order: the encoding, continuations, comments, ``${VARIABLES}``
(pip's documentation, "Requirements File Format").
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping

import msgspec

_MARKS = (
    # The mark of UTF-16-LE is the beginning of the one of UTF-32-LE: the longer one is asked first.
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CODING = re.compile(rb"coding[:=]\s*([-\w.]+)")
_COMMENT = re.compile(r"(^|\s+)#.*$")
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")


class LogicalLine(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A line with its continuations.

    ``number`` is that of its first physical line; ``written`` the text before variables were
    expanded, the only one that may be shown; ``text`` the one after.
    """

    number: int
    written: str
    text: str


def decode(data: bytes) -> str:
    """The text of a requirements file: by its mark, its ``coding`` comment, UTF-8, or the locale.

    Raises:
        UnicodeError: The bytes are not text in the encoding that applies.
        LookupError: The comment names an encoding that does not exist.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding)
    for line in data.split(b"\n")[:2]:
        if line.startswith(b"#") and (match := _CODING.search(line)):
            return data.decode(match[1].decode("ascii"))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        import locale

        return data.decode(locale.getpreferredencoding(do_setlocale=False))


def logical_lines(text: str, environment: Mapping[str, str]) -> Iterator[LogicalLine]:
    """The lines that say something. Variables that are unset or empty stay as they are written."""

    def value(match: re.Match[str]) -> str:
        return environment.get(match[1]) or match[0]

    for number, joined in _joined(text):
        written = _COMMENT.sub("", joined).strip()
        if written:
            yield LogicalLine(number=number, written=written, text=_VARIABLE.sub(value, written))


def _joined(text: str) -> Iterator[tuple[int, str]]:
    """Lines with those after a backslash joined to them; a comment ends the joining."""
    start = 0
    parts: list[str] = []
    for number, physical in enumerate(text.splitlines(), 1):
        comment = _COMMENT.match(physical) is not None
        # The space keeps the comment apart from the line it is joined to.
        line = f" {physical}" if comment else physical
        start = start or number
        if line.endswith("\\") and not comment:
            parts.append(line.strip("\\"))
            continue
        yield start, "".join([*parts, line])
        start, parts = 0, []
    if parts:
        yield start, "".join(parts)
