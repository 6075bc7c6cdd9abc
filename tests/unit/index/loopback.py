"""A real HTTP server on 127.0.0.1 in a thread of its own, told what to answer, noting requests.

A path has one reply or several, which are given one after the other, the last one for ever.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from aiohttp import web


@dataclass(frozen=True, kw_only=True)
class Reply:
    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    ranges: bool = False
    silent_for: float = 0.0
    stops_after: int | None = None


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Answer = Reply | Sequence[Reply] | Handler


@dataclass(frozen=True)
class Asked:
    path: str
    headers: Mapping[str, str]


class Loopback:
    """Serves ``answers`` (by path with query) until the context ends; other paths answer 404."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[Asked] = []
        self._tls = tls
        self._given: dict[str, int] = {}
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="loopback")
        self.port = 0

    @property
    def url(self) -> str:
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://127.0.0.1:{self.port}"

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        server = web.ServerRunner(web.Server(self._answer), shutdown_timeout=0.1)
        await server.setup()
        site = web.TCPSite(server, "127.0.0.1", 0, ssl_context=self._tls)
        await site.start()
        self.port = server.addresses[0][1]
        self._ready.set()
        await self._stop.wait()
        await server.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        assert isinstance(request, web.BaseRequest)
        path = request.path_qs
        self.asked.append(Asked(path, request.headers))
        answer = self.answers.get(path)
        if answer is None:
            return web.Response(status=404)
        if callable(answer):
            return await answer(request)  # type: ignore[arg-type]
        if not isinstance(answer, Reply):
            place = self._given.get(path, 0)
            self._given[path] = place + 1
            answer = answer[min(place, len(answer) - 1)]
        return await _send(request, answer)


async def _send(request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
    await asyncio.sleep(reply.silent_for)
    if reply.stops_after is not None:
        return await _break_off(request, reply, reply.stops_after)
    if reply.ranges:
        return _ranged(request, reply)
    return web.Response(body=reply.body, status=reply.status, headers=reply.headers)


async def _break_off(request: web.BaseRequest, reply: Reply, size: int) -> web.StreamResponse:
    headers = {**reply.headers, "Content-Length": str(len(reply.body))}
    response = web.StreamResponse(status=reply.status, headers=headers)
    await response.prepare(request)
    await response.write(reply.body[:size])
    assert request.transport is not None
    request.transport.abort()
    return response


def _ranged(request: web.BaseRequest, reply: Reply) -> web.Response:
    """RFC 9110 §14: one range, `bytes=a-b`, `bytes=a-` or `bytes=-n`."""
    total = len(reply.body)
    headers = {**reply.headers, "Accept-Ranges": "bytes"}
    asked = request.headers.get("Range")
    condition = request.headers.get("If-Range")
    if asked is None or (condition is not None and condition != reply.headers.get("ETag")):
        return web.Response(body=reply.body, headers=headers)
    first, _, last = asked.removeprefix("bytes=").partition("-")
    start = int(first) if first else max(0, total - int(last))
    end = min(int(last), total - 1) if first and last else total - 1
    if start >= total:
        headers["Content-Range"] = f"bytes */{total}"
        return web.Response(status=416, headers=headers)
    headers["Content-Range"] = f"bytes {start}-{end}/{total}"
    return web.Response(status=206, body=reply.body[start : end + 1], headers=headers)
