"""The metadata of a wheel that stays on its server: only the parts that are needed are fetched.

The wheel is a file with holes. Reading into a hole stops the reader with the place that is missing;
the place is fetched and the reader starts again. The first request takes the file's tail, which
mostly holds both the directory and METADATA, since a wheel's dist-info comes last.
"""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Mapping
from typing import IO, NamedTuple, cast

from ppm.engine.errors import IndexFailure
from ppm.engine.index.model import DistributionFile
from ppm.engine.index.response import TransportResponse
from ppm.engine.index.transport import Transport
from ppm.engine.index.urls import Origin, origin_of
from ppm.engine.redact import redact_text

_TAIL = 64 << 10
_PIECE = 16 << 10
_MAX_PIECE = 16 << 20
_MAX_REQUESTS = 12
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")
_WHOLE, _PARTIAL = 200, 206


class MissingBytesError(Exception):
    """A reader came to a hole: the bytes from ``start`` to before ``end`` are not here."""

    def __init__(self, start: int, end: int) -> None:
        super().__init__(start, end)
        self.start = start
        self.end = end


class Place(NamedTuple):
    """A part of a file: the bytes from ``start`` to before ``end`` of ``total``."""

    start: int
    end: int
    total: int


class PartialFile:
    """A file of ``size`` bytes of which some are known.

    ``validator`` names the version of the file that the known bytes are of, or is ``""``.
    """

    def __init__(self, size: int, validator: str) -> None:
        self.size = size
        self.validator = validator
        self._parts: list[tuple[int, bytes]] = []

    def add(self, start: int, data: bytes) -> None:
        """Learn bytes."""
        self._parts.append((start, data))

    def read(self, start: int, size: int) -> bytes:
        """The bytes from ``start`` on, fewer only at the end of the file.

        Raises:
            MissingBytesError: Not all of them are known.
        """
        end = min(start + size, self.size)
        for first, data in self._parts:
            if first <= start and end <= first + len(data):
                return data[start - first : end - first]
        raise MissingBytesError(start, end)

    def stream(self) -> IO[bytes]:
        """A seekable stream over the file, at its beginning."""
        return cast("IO[bytes]", _Stream(self))


class _Stream(io.RawIOBase):
    def __init__(self, file: PartialFile) -> None:
        self._file = file
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._file.size}[whence]
        self._place = max(0, start + offset)
        return self._place

    def tell(self) -> int:
        return self._place

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(self._place, self._file.size if size < 0 else size)
        self._place += len(data)
        return data


class RangeReader:
    """Reads METADATA by HTTP ranges (RFC 9110 §14), and remembers which servers have none."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._without_ranges: set[Origin] = set()

    async def metadata(self, file: DistributionFile) -> bytes | None:
        """The bytes of METADATA, or ``None`` if the server does not serve parts of this file.

        Raises:
            IndexFailure: ``INVALID_METADATA`` for a wheel that is broken or of another project;
                ``HASH_MISMATCH`` for one of another size than promised; transport failures.
        """
        if origin_of(file.url) in self._without_ranges:
            return None
        wheel = await self._tail(file)
        if wheel is None:
            return None
        from ppm.engine.index.archive import wheel_metadata

        for _ in range(_MAX_REQUESTS):
            try:
                return await asyncio.to_thread(wheel_metadata, wheel.stream(), file.filename)
            except MissingBytesError as hole:
                if not await self._fill(file.url, wheel, hole.start, hole.end):
                    return None
        return None

    async def _tail(self, file: DistributionFile) -> PartialFile | None:
        response, data = await self._part(file.url, {"Range": f"bytes=-{_TAIL}"}, _TAIL)
        if response.status == _WHOLE:
            self._without_ranges.add(origin_of(file.url))
        place = _place(response, data)
        if place is None or place.end != place.total:
            return None
        if file.size and file.size != place.total:
            raise IndexFailure(
                f"{redact_text(file.url)} has {place.total} bytes, its index says {file.size}",
                code="HASH_MISMATCH",
                hint="ask whoever runs this index",
            )
        wheel = PartialFile(place.total, _validator(response.headers))
        wheel.add(place.start, data)
        return wheel

    async def _fill(self, url: str, wheel: PartialFile, start: int, end: int) -> bool:
        """Fetch the bytes from ``start`` to before ``end``; false if the server gave others."""
        end = min(max(end, start + _PIECE), wheel.size)
        if end - start > _MAX_PIECE:
            return False
        headers = {"Range": f"bytes={start}-{end - 1}"}
        if wheel.validator:
            headers["If-Range"] = wheel.validator
        response, data = await self._part(url, headers, end - start)
        if _place(response, data) != Place(start, end, wheel.size):
            return False
        wheel.add(start, data)
        return True

    async def _part(
        self, url: str, headers: Mapping[str, str], limit: int
    ) -> tuple[TransportResponse, bytes]:
        return await self._transport.read(url, headers, limit=limit, wanted=_PARTIAL)


def _place(response: TransportResponse, data: bytes) -> Place | None:
    """Which part of the file ``data`` is, if the answer is a part and what it says holds."""
    match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
    if response.status != _PARTIAL or match is None or "Content-Encoding" in response.headers:
        return None
    place = Place(int(match[1]), int(match[2]) + 1, int(match[3]))
    return place if place.end - place.start == len(data) and place.end <= place.total else None


def _validator(headers: Mapping[str, str]) -> str:
    """What ``If-Range`` may carry: a strong entity tag, else a date (RFC 9110 §13.1.5)."""
    tag = headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else headers.get("Last-Modified", "")
