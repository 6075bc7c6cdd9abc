"""The ledger's bytes as lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from ppm.events.chain import line_digest
from ppm.events.envelope import Head

_CHUNK = 1 << 16
_TAIL_BYTES = 64 * 1024


def whole_lines(file: BinaryIO) -> Iterator[list[bytes]]:
    """The lines from where ``file`` stands, without their newlines, many at a time.

    A last line without newline is not one yet, and is left out.
    """
    rest = b""
    while chunk := file.read(_CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        if lines:
            yield lines


def last_line_end(file: BinaryIO, end: int) -> int:
    """Where the last line that ends at or before ``end`` does; 0 where none does."""
    while end > 0:
        start = max(0, end - _TAIL_BYTES)
        file.seek(start)
        cut = file.read(end - start).rfind(b"\n")
        if cut >= 0:
            return start + cut + 1
        end = start
    return 0


def line_ending_at(file: BinaryIO, end: int) -> bytes | None:
    """The line (without newline) whose newline is the byte before ``end``, or None."""
    size = _TAIL_BYTES
    while True:
        start = max(0, end - size)
        file.seek(start)
        chunk = file.read(end - start)
        if len(chunk) != end - start or not chunk.endswith(b"\n"):
            return None
        cut = chunk.rfind(b"\n", 0, -1)
        if cut >= 0 or start == 0:
            return chunk[cut + 1 : -1]
        size *= 4


def chain_end(file: BinaryIO) -> Head | None:
    """The last place, if each line names the digest of the one before it."""
    seq, digest, end = 0, Head().digest, 0
    for lines in whole_lines(file):
        for line in lines:
            if b'"prev":"%b"' % digest.encode() not in line:
                return None
            digest = line_digest(line)
            end += len(line) + 1
        seq += len(lines)
    return Head(seq, digest, end)


def place_of(line: bytes, end: int) -> Head:
    """The place of a line that ends at ``end``; the beginning, if it does not tell its number."""
    name, _, rest = line.partition(b":")
    number = rest.partition(b",")[0]
    if name != b'{"seq"' or not number.isdigit():
        return Head()
    return Head(int(number), line_digest(line), end)
