"""An HTTP answer as PPM sees it: status, headers, bounded bytes."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Mapping

from multidict import CIMultiDict, CIMultiDictProxy

from ppm.engine.errors import IndexFailure
from ppm.engine.index.http import aiohttp
from ppm.engine.index.http_errors import status_failure, translate
from ppm.engine.redact import redact_text

_CHUNK = 1 << 18
_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_IDENTITY = frozenset({"", "identity"})
_GZIP = frozenset({"gzip", "x-gzip"})


class TransportResponse:
    """A final answer (no redirect), whose body is read once, inside the transport's context.

    ``headers`` are case-insensitive; one that comes several times is one list. ``url`` is where the
    answer came from after redirects, without credentials.
    """

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status: int = response.status
        self.headers: Mapping[str, str] = _merged(response.headers)
        self.url: str = str(response.url)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body's bytes as they are on the wire (still compressed if the server did that).

        Raises:
            IndexFailure: ``INDEX_UNREACHABLE`` or ``INDEX_TIMEOUT``: the transfer broke, or ended
                before the promised length.
        """
        try:
            async for chunk in self._response.content.iter_chunked(_CHUNK):
                yield chunk
        except (aiohttp.ClientError, TimeoutError) as error:
            raise translate(error, self.url) from error

    async def read(self, limit: int) -> bytes:
        """The whole body, gzip undone, refusing to hold more than ``limit`` bytes.

        Raises:
            IndexFailure: As :meth:`chunks`; ``INDEX_TOO_LARGE`` beyond the limit;
                ``INDEX_CONTENT`` for an encoding that was not asked for or does not decode.
        """
        if self._said_length() > limit:
            raise self._too_large(limit)
        encoding = self.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in _IDENTITY | _GZIP:
            raise self._undecodable(encoding)
        decoder = zlib.decompressobj(_GZIP_WINDOW) if encoding in _GZIP else None
        body = bytearray()
        async for chunk in self.chunks():
            body += chunk if decoder is None else self._inflate(decoder, chunk, limit - len(body))
            if len(body) > limit:
                raise self._too_large(limit)
        if decoder is not None and not decoder.eof:
            raise self._undecodable(encoding)
        return bytes(body)

    def unexpected(self) -> IndexFailure:
        """The failure to raise for a status the caller has no use for."""
        return status_failure(self.status, self.url)

    def _inflate(self, decoder: zlib._Decompress, chunk: bytes, room: int) -> bytes:
        try:
            # One byte more than fits tells the caller that the limit is passed; 0 means no limit.
            return decoder.decompress(chunk, room + 1)
        except zlib.error as error:
            raise self._undecodable("gzip") from error

    def _said_length(self) -> int:
        text = self.headers.get("Content-Length", "")
        return int(text) if text.isdecimal() else 0

    def _too_large(self, limit: int) -> IndexFailure:
        return IndexFailure(
            f"{redact_text(self.url)} sends more than {limit} bytes",
            code="INDEX_TOO_LARGE",
            hint="ask whoever runs this index",
        )

    def _undecodable(self, encoding: str) -> IndexFailure:
        return IndexFailure(
            f"{redact_text(self.url)} sends a body that is not valid {encoding}",
            code="INDEX_CONTENT",
            hint="ask whoever runs this index",
        )


def _merged(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    """Equal names joined (RFC 9110 §5.3)."""
    merged: CIMultiDict[str] = CIMultiDict()
    for name, value in headers.items():
        merged[name] = f"{merged[name]}, {value}" if name in merged else value
    return merged
