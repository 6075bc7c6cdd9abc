"""HTTP for everything that talks to an index: one session, bounded, retried, leaking no login.

Redirects are followed here and not by aiohttp, so that each hop is judged: at most ten, only to
http or https, never from https to http, and with the ``Authorization`` of the hop's own origin or
none. Bodies are handed on as the server sent them (no decompression), so that ranges and digests
mean what they say; :meth:`TransportResponse.read` undoes gzip, bounded, for pages and metadata.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType, TracebackType
from typing import Self

from yarl import URL

from ppm.engine.errors import IndexFailure
from ppm.engine.index.credentials import Credentials
from ppm.engine.index.http import aiohttp
from ppm.engine.index.http_errors import (
    RETRIED_STATUS,
    UNAUTHORIZED_STATUS,
    is_transient,
    redirect_failure,
    status_failure,
    translate,
)
from ppm.engine.index.response import TransportResponse
from ppm.engine.index.surroundings import load_certificates, proxies_here, proxy_for
from ppm.engine.index.urls import is_web, join_url, origin_of, split_fragment, split_login
from ppm.engine.redact import redact_text

_REDIRECT_STATUS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 10
_FIRST_DELAY = 0.25
_LONGEST_RETRY_AFTER = 30.0
_USER_AGENT = "ppm"
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Transport:
    """An HTTP client session, used as an asynchronous context manager.

    Args:
        credentials: Which origin gets which login.
        ca_file: Certificates to trust (a file, or a directory of hashed names) in place of the
            system's; ``None`` for the system's.
        attempts: How often one request is tried in all.
        connect_timeout: Seconds to wait for a connection.
        idle_timeout: Seconds to wait for the next bytes of an answer.
        connections: How many connections may be open at once.
        offline: Refuse every request: whatever wants one has no other way.
    """

    def __init__(
        self,
        *,
        credentials: Credentials,
        ca_file: str | None = None,
        attempts: int = 4,
        connect_timeout: float = 15.0,
        idle_timeout: float = 30.0,
        connections: int = 50,
        offline: bool = False,
    ) -> None:
        self._offline = offline
        self._credentials = credentials
        self._ca_file = ca_file
        self._proxies = proxies_here()
        self._attempts = attempts
        self._connections = connections
        self._timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=connect_timeout, sock_read=idle_timeout
        )
        self._session: aiohttp.ClientSession | None = None
        self._tls: ssl.SSLContext | None = None
        self._tls_lock = asyncio.Lock()
        self.requests = 0

    async def __aenter__(self) -> Self:
        """Open the session."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections, ttl_dns_cache=300),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=self._timeout,
            auto_decompress=False,
            trust_env=False,
            headers={"User-Agent": _USER_AGENT},
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the session and every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    @asynccontextmanager
    async def get(
        self, url: str, headers: Mapping[str, str] = _NO_HEADERS
    ) -> AsyncIterator[TransportResponse]:
        """GET ``url``; the body is read inside the context, or not at all.

        Every final status is the caller's to judge (200, 206, 304, 404, 416 …) except those below.
        ``Accept-Encoding`` is ``identity`` unless the caller asks for ``gzip``. A login in ``url``
        counts for its origin and this request.

        Raises:
            IndexFailure: ``INDEX_UNREACHABLE``, ``INDEX_TIMEOUT``, ``INDEX_UNAUTHORIZED`` (401,
                403, 407), ``INDEX_REDIRECT``, ``INDEX_HTTP_STATUS`` (429 and 5xx that retrying did
                not cure), ``INVALID_URL``.
        """
        response = await self._follow(url, headers)
        try:
            yield TransportResponse(response)
        finally:
            response.release()

    async def read(
        self, url: str, headers: Mapping[str, str] = _NO_HEADERS, *, limit: int, wanted: int = 200
    ) -> tuple[TransportResponse, bytes]:
        """GET ``url`` and its whole body, at most ``limit`` bytes; a broken transfer is retried.

        Only the body of an answer with the ``wanted`` status is read; others come without.

        Raises:
            IndexFailure: As :meth:`get` and :meth:`TransportResponse.read`.
        """
        for attempt in range(1, self._attempts + 1):
            async with self.get(url, headers) as response:
                if response.status != wanted:
                    return response, b""
                try:
                    return response, await response.read(limit)
                except IndexFailure as failure:
                    transient = failure.__cause__ is not None and is_transient(failure.__cause__)
                    if attempt == self._attempts or not transient:
                        raise
            await asyncio.sleep(_delay(attempt))
        raise AssertionError(url)

    async def _follow(self, url: str, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        if self._offline:
            raise IndexFailure(
                f"{redact_text(url)} would have to be fetched",
                code="OFFLINE",
                hint="run without --offline once",
            )
        here, login = split_login(split_fragment(url)[0])
        credentials = self._credentials if login is None else Credentials([url])
        if not is_web(here):
            raise _not_web(here)
        for hop in range(_MAX_REDIRECTS + 1):
            authorization = await _authorization(credentials, here, redirected=hop > 0)
            response = await self._attempt(here, _headers(headers, authorization))
            target = response.headers.get("Location")
            if response.status not in _REDIRECT_STATUS or target is None:
                return response
            response.release()
            here = _judge_redirect(here, target)
        raise redirect_failure(url, here, f"more than {_MAX_REDIRECTS} redirects")

    async def _attempt(self, url: str, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        for attempt in range(1, self._attempts + 1):
            delay = _delay(attempt)
            try:
                response = await self._request(url, headers)
            except (aiohttp.ClientError, TimeoutError) as error:
                if attempt == self._attempts or not is_transient(error):
                    raise translate(error, url) from error
            else:
                status = response.status
                if status not in RETRIED_STATUS and status not in UNAUTHORIZED_STATUS:
                    return response
                response.release()
                if attempt == self._attempts or status in UNAUTHORIZED_STATUS:
                    raise status_failure(status, url)
                delay = _asked_delay(response, url) or delay
            await asyncio.sleep(delay)
        raise AssertionError(url)

    async def _request(self, url: str, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        if self._session is None:
            raise RuntimeError("the transport is used outside its context")
        self.requests += 1
        target = _wire_url(url)
        proxy, for_proxy = proxy_for(url, self._proxies)
        tunnelled = target.scheme == "https"
        return await self._session.get(
            target,
            # A tunnel's request is for the server's eyes, all others pass through the proxy's.
            headers=headers if tunnelled else {**headers, **for_proxy},
            allow_redirects=False,
            ssl=await self._tls_context() if tunnelled else True,
            proxy=proxy,
            proxy_headers=for_proxy if tunnelled else None,
        )

    async def _tls_context(self) -> ssl.SSLContext:
        async with self._tls_lock:
            if self._tls is None:
                self._tls = await asyncio.to_thread(load_certificates, self._ca_file)
            return self._tls


async def _authorization(credentials: Credentials, url: str, *, redirected: bool) -> str | None:
    if credentials.ready:
        return credentials.authorization(url, redirected=redirected)
    return await asyncio.to_thread(credentials.authorization, url, redirected=redirected)


def _headers(headers: Mapping[str, str], authorization: str | None) -> dict[str, str]:
    merged = {"Accept-Encoding": "identity", **headers}
    if authorization is not None:
        merged["Authorization"] = authorization
    return merged


def _judge_redirect(here: str, location: str) -> str:
    target, _ = split_login(split_fragment(join_url(here, location))[0])
    if not is_web(target):
        raise redirect_failure(here, target, "only http and https are followed")
    if origin_of(here).scheme == "https" and origin_of(target).scheme == "http":
        raise redirect_failure(here, target, "that would leave https")
    return target


def _not_web(url: str) -> IndexFailure:
    return IndexFailure(
        f"{redact_text(url)} is not an http or https URL",
        code="INVALID_URL",
        hint="check how the URL is spelled",
    )


def _delay(attempt: int) -> float:
    """Seconds before the next try: doubling, and spread so that clients do not march in step."""
    doubled: float = _FIRST_DELAY * 2 ** (attempt - 1)
    return doubled * random.uniform(0.75, 1.25)  # noqa: S311 - no secret


def _asked_delay(response: aiohttp.ClientResponse, url: str) -> float | None:
    """The server's ``Retry-After`` in seconds (RFC 9110 §10.2.3).

    Raises:
        IndexFailure: It asks for more patience than a command has.
    """
    text = response.headers.get("Retry-After", "").strip()
    if not text:
        return None
    seconds = float(text) if text.isdecimal() else _seconds_until(text)
    if seconds is not None and seconds > _LONGEST_RETRY_AFTER:
        raise status_failure(
            response.status, url, hint=f"the server asks to come back in {seconds:.0f} seconds"
        )
    return seconds


def _seconds_until(http_date: str) -> float | None:
    from datetime import UTC, datetime
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(http_date)
    except ValueError:
        return None
    return max(0.0, (moment.replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds())


def _wire_url(url: str) -> URL:
    """``url`` as it goes on the wire: untouched if it can, for signed URLs bear no new quoting."""
    plain = url.isascii() and url.isprintable() and not any(sign in url for sign in ' "<>\\^`{|}')
    try:
        return URL(url, encoded=plain)
    except ValueError as error:
        raise _not_web(url) from error
