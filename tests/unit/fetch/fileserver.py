"""A file server on 127.0.0.1 that obeys RFC 9110 until it is told to misbehave.

Each path has its bytes and a script: the n-th request for it meets the n-th fault, the ones after
the script's end are answered properly.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from aiohttp import web


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What one answer does wrong. Sizes are in bytes of the body sent by this answer."""

    status: int = 0
    hangs_up_after: int | None = None
    stalls_after: int | None = None
    bytes_a_tick: int = 0
    ignores_range: bool = False
    shifts_range: int = 0
    flips_byte: bool = False
    no_length: bool = False
    extra: bytes = b""


@dataclass(kw_only=True)
class Served:
    body: bytes
    etag: str = ""
    last_modified: str = ""
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True)
class Request:
    path: str
    range: str
    if_range: str
    accept_encoding: str


TICK = 0.05


class FileServer:
    """An asynchronous context manager; ``requests`` notes every request in order."""

    def __init__(self) -> None:
        self.files: dict[str, Served] = {}
        self.requests: list[Request] = []
        self.running = 0
        self.most_at_once = 0
        self.body_bytes = 0
        self.url = ""

    def serve(
        self,
        name: str,
        body: bytes,
        *faults: Fault,
        etag: str | None = None,
        last_modified: str = "",
    ) -> str:
        """Offer ``body`` as ``name``; returns the URL. ``etag`` defaults to one from the bytes."""
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"' if etag is None else etag
        self.files[f"/{name}"] = Served(
            body=body, etag=tag, last_modified=last_modified, faults=list(faults)
        )
        return f"{self.url}/{name}"

    def ranges(self) -> list[str]:
        return [request.range for request in self.requests]

    async def __aenter__(self) -> Self:
        self._runner = web.ServerRunner(web.Server(self._answer), shutdown_timeout=0.05)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        headers = request.headers
        self.requests.append(
            Request(
                request.path,
                headers.get("Range", ""),
                headers.get("If-Range", ""),
                headers.get("Accept-Encoding", ""),
            )
        )
        served = self.files.get(request.path)
        if served is None:
            return web.Response(status=404)
        fault = served.faults.pop(0) if served.faults else Fault()
        if fault.status:
            return web.Response(status=fault.status)
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        try:
            return await self._send(request, served, fault)
        finally:
            self.running -= 1

    async def _send(
        self, request: web.BaseRequest, served: Served, fault: Fault
    ) -> web.StreamResponse:
        start, response = _head(request, served, fault)
        body = bytearray(served.body[start:])
        if fault.flips_byte and body:
            body[len(body) // 2] ^= 1
        body += fault.extra
        if response.status == 416:
            return response
        if not fault.no_length:
            response.content_length = len(body)
        await response.prepare(request)
        await self._send_body(request, response, bytes(body), fault)
        return response

    async def _send_body(
        self, request: web.BaseRequest, response: web.StreamResponse, body: bytes, fault: Fault
    ) -> None:
        end = len(body)
        stops = [stop for stop in (fault.hangs_up_after, fault.stalls_after) if stop is not None]
        sent = 0
        limit = min([end, *stops])
        while sent < limit:
            step = min(fault.bytes_a_tick or 1 << 18, limit - sent)
            await response.write(body[sent : sent + step])
            sent += step
            self.body_bytes += step
            if fault.bytes_a_tick:
                await asyncio.sleep(TICK)
        if fault.stalls_after is not None:
            await asyncio.sleep(60)
        if fault.hangs_up_after is not None:
            assert request.transport is not None
            request.transport.close()
            return
        await response.write_eof()


def _head(request: web.BaseRequest, served: Served, fault: Fault) -> tuple[int, web.StreamResponse]:
    """Where the body starts, and the answer without it (RFC 9110 §14)."""
    headers = {}
    if served.etag:
        headers["ETag"] = served.etag
    if served.last_modified:
        headers["Last-Modified"] = served.last_modified
    asked = request.headers.get("Range", "")
    condition = request.headers.get("If-Range", "")
    current = {served.etag, served.last_modified} - {""}
    if not asked or fault.ignores_range or (condition and condition not in current):
        return 0, web.StreamResponse(headers=headers)
    start = int(asked.removeprefix("bytes=").removesuffix("-"))
    total = len(served.body)
    if start >= total:
        return 0, web.Response(status=416, headers={**headers, "Content-Range": f"bytes */{total}"})
    start += fault.shifts_range
    headers["Content-Range"] = f"bytes {start}-{total - 1}/{total}"
    return start, web.StreamResponse(status=206, headers=headers)
