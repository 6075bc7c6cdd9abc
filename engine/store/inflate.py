"""Inflating members: exactly the declared bytes or a refusal, never more memory than declared."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Protocol

from ppm.engine.errors import ArtifactError
from ppm.engine.store.zipformat import DEFLATED, ReadAt, refuse

_DAMAGED: tuple[type[Exception], ...] = (zlib.error,)
try:
    # Intel's library inflates two to three times faster; it has no build for some platforms.
    from isal.isal_zlib import IsalError, crc32, decompressobj
except ImportError:
    from zlib import crc32, decompressobj  # type: ignore[assignment]
else:
    _DAMAGED = (IsalError, zlib.error)  # type: ignore[assignment] # its stub calls it an instance

_RAW_DEFLATE = -15
_READ = 256 * 1024
_WRITE = 1024 * 1024


class Packed(Protocol):
    """What inflating needs to know of a member."""

    @property
    def path(self) -> str: ...  # noqa: D102
    @property
    def method(self) -> int: ...  # noqa: D102
    @property
    def crc(self) -> int: ...  # noqa: D102
    @property
    def compressed_size(self) -> int: ...  # noqa: D102
    @property
    def size(self) -> int: ...  # noqa: D102


def whole(data: bytes, member: Packed) -> bytes:
    """The content of a member of which ``data`` are the packed bytes.

    Raises:
        ArtifactError: ``ZIP_DATA``, ``ZIP_SIZE`` or ``ZIP_CRC``.
    """
    if len(data) != member.compressed_size:
        raise refuse("ZIP_DATA", f"the data of {member.path!a} is cut short")
    content = data
    if member.method == DEFLATED:
        inflater = decompressobj(_RAW_DEFLATE)
        try:
            # One byte more than declared, so that a longer stream shows itself.
            content = inflater.decompress(data, member.size + 1)
        except _DAMAGED as error:
            raise refuse("ZIP_DATA", f"the data of {member.path!a} is damaged") from error
        _check_end(inflater.eof, inflater.unused_data, member, len(content))
    if len(content) != member.size:
        raise _wrong_size(member)
    if crc32(content) != member.crc:
        raise refuse("ZIP_CRC", f"the checksum of {member.path!a} does not fit its content")
    return content


def pieces(read_at: ReadAt, start: int, member: Packed) -> Iterator[bytes]:
    """The content of a member whose packed bytes begin at ``start``, in pieces of about a megabyte.

    The pieces may only be trusted once the iterator has ended.

    Raises:
        ArtifactError: As :func:`whole`, possibly after some pieces.
    """
    source = _stored(read_at, start, member)
    if member.method == DEFLATED:
        source = _inflated(source, member)
    done, crc = 0, 0
    for piece in source:
        done += len(piece)
        if done > member.size:
            raise _wrong_size(member)
        crc = crc32(piece, crc)
        yield piece
    if done != member.size:
        raise _wrong_size(member)
    if crc != member.crc:
        raise refuse("ZIP_CRC", f"the checksum of {member.path!a} does not fit its content")


def _stored(read_at: ReadAt, start: int, member: Packed) -> Iterator[bytes]:
    end = start + member.compressed_size
    while start < end:
        data = read_at(start, min(_READ, end - start))
        if not data:
            raise refuse("ZIP_DATA", f"the data of {member.path!a} is cut short")
        start += len(data)
        yield data


def _inflated(source: Iterator[bytes], member: Packed) -> Iterator[bytes]:
    inflater = decompressobj(_RAW_DEFLATE)
    done = 0
    for data in source:
        rest, full = data, True
        # A full piece may have left output behind even when all input was taken.
        while (rest or full) and not inflater.eof:
            try:
                piece = inflater.decompress(rest, _WRITE)
            except _DAMAGED as error:
                raise refuse("ZIP_DATA", f"the data of {member.path!a} is damaged") from error
            rest, full = inflater.unconsumed_tail, len(piece) == _WRITE
            done += len(piece)
            yield piece
        if inflater.eof:
            break
    if next(source, b""):
        raise refuse("ZIP_DATA", f"the data of {member.path!a} goes on behind its end")
    _check_end(inflater.eof, inflater.unused_data, member, done)


def _check_end(ended: bool, unused: bytes, member: Packed, length: int) -> None:
    if length > member.size:
        raise _wrong_size(member)
    if not ended:
        raise refuse("ZIP_DATA", f"the data of {member.path!a} is cut short")
    if unused:
        raise refuse("ZIP_DATA", f"the data of {member.path!a} goes on behind its end")


def _wrong_size(member: Packed) -> ArtifactError:
    return refuse("ZIP_SIZE", f"{member.path!a} does not unpack to {member.size} bytes")
