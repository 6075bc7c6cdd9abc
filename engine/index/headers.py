"""The header block of METADATA and PKG-INFO: e-mail headers (RFC 822), read for their own sake.

Of a METADATA file only a handful of fields matter for resolving, and the standard e-mail parser
spends ten times as long on it as this reader of ``Name: value`` lines.
"""

from __future__ import annotations

import re

_HEADER = re.compile(r"([!-9;-~]+)[ \t]*:[ \t]*")
_FOLDED = (" ", "\t")


def read_headers(data: bytes) -> dict[str, list[str]]:
    """Every header's values by lower-case name, in order; folded lines stay joined by newlines.

    Reading ends at the first empty line, or at the first line that is no header.

    Raises:
        UnicodeDecodeError: The headers are not UTF-8.
    """
    end = min((at for at in (data.find(b"\n\n"), data.find(b"\n\r\n")) if at >= 0), default=-1)
    text = (data if end < 0 else data[:end]).decode("utf-8")
    headers: dict[str, list[str]] = {}
    values: list[str] | None = None
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if line.startswith(_FOLDED):
            if values is not None:
                values[-1] += "\n" + line.strip()
            continue
        match = _HEADER.match(line)
        if match is None:
            break
        values = headers.setdefault(match[1].lower(), [])
        values.append(line[match.end() :].rstrip())
    return headers
