"""The live package source: asks the cache, then the indexes, and keeps what it learnt."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from functools import partial

from ppm.engine.errors import IndexFailure
from ppm.engine.index.cache import IndexCache
from ppm.engine.index.cached_source import CachedSource
from ppm.engine.index.failures import unknown_package
from ppm.engine.index.freshness import lifetime
from ppm.engine.index.ladder import BuildMetadata, MetadataLadder, WholeFile
from ppm.engine.index.listing import MAX_LIST_SIZE, listed_projects
from ppm.engine.index.model import CoreMetadata, DistributionFile, ProjectPage
from ppm.engine.index.once import OnceMap
from ppm.engine.index.response import TransportResponse
from ppm.engine.index.simple_api import ACCEPT, MAX_PAGE_SIZE, parse_page
from ppm.engine.index.stored import CachedPage
from ppm.engine.index.transport import Transport
from ppm.engine.ports import NotCached

_OK, _NOT_MODIFIED, _FORBIDDEN = 200, 304, 403
_ABSENT = frozenset({404, 410})
_HEURISTIC_LIFETIME = 600.0
_PAGES_AT_ONCE = 50


class IndexClient:
    """A :class:`ppm.engine.ports.LiveSource` over indexes on the web and in folders.

    The first index that has the project answers for it. Only "not found" leads to the next one:
    trouble and refused access fail, so that no other index can slip in.

    Args:
        indexes: Base URLs without credentials, each ending in ``/``, most important first.
        transport: Open while the client is used.
        cache: What is known, and where answers are kept.
        offline: Use the cache only, whatever the age of what it knows.
        whole_file: As in :class:`MetadataLadder`.
        build_metadata: As in :class:`MetadataLadder`.
        forbidden_is_absent: The indexes whose 403 means "not found" (static stores say so), if
            their own list of projects can be read and does not have that one.
        heuristic_lifetime: Seconds a page stays fresh whose index says nothing about it.
    """

    def __init__(
        self,
        indexes: Sequence[str],
        *,
        transport: Transport,
        cache: IndexCache,
        offline: bool = False,
        whole_file: WholeFile | None = None,
        build_metadata: BuildMetadata | None = None,
        forbidden_is_absent: Collection[str] = (),
        heuristic_lifetime: float = _HEURISTIC_LIFETIME,
    ) -> None:
        self._indexes = tuple(indexes)
        self._transport = transport
        self._cache = cache
        self._cached = CachedSource(indexes, cache, offline=offline)
        self._offline = offline
        self._ladder = MetadataLadder(
            transport, whole_file=whole_file, build_metadata=build_metadata
        )
        self._forbidden_is_absent = frozenset(forbidden_is_absent)
        self._heuristic_lifetime = heuristic_lifetime
        self._pages: OnceMap[str, ProjectPage] = OnceMap()
        self._lists: OnceMap[str, frozenset[str] | None] = OnceMap()
        self._files: OnceMap[tuple[str, str], CoreMetadata] = OnceMap()
        self._slots = asyncio.Semaphore(_PAGES_AT_ONCE)

    @property
    def requests(self) -> int:
        """How many HTTP requests its transport has made, retries and redirects among them."""
        return self._transport.requests

    async def page(self, name: str) -> ProjectPage:
        """As in the port.

        Raises:
            IndexFailure: ``UNKNOWN_PACKAGE``; ``OFFLINE``; transport failures; ``INDEX_CONTENT``
                and ``INDEX_VERSION`` for a page that cannot be read.
        """
        return await self._pages.once(name, partial(self._find, name))

    async def metadata(self, file: DistributionFile) -> CoreMetadata:
        """As in the port.

        Raises:
            IndexFailure: ``OFFLINE``; as :meth:`MetadataLadder.metadata`.
        """
        return await self._files.once((file.url, file.sha256), partial(self._learn, file))

    async def _find(self, name: str) -> ProjectPage:
        if self._offline:
            return await asyncio.to_thread(self._cached.page, name)
        for index in self._indexes:
            page = await self._page_on(index, name)
            if page is not None:
                return page
        raise unknown_package(name, self._indexes)

    async def _page_on(self, index: str, name: str) -> ProjectPage | None:
        folder = self._cached.folders.get(index)
        if folder is not None:
            return await asyncio.to_thread(folder.find, name)
        known, fresh = await asyncio.to_thread(self._known, index, name)
        if known is not None and fresh:
            return known.page
        async with self._slots:
            return await self._ask(index, name, known)

    def _known(self, index: str, name: str) -> tuple[CachedPage | None, bool]:
        """What the cache has of a project on an index, and whether that may be used unasked."""
        fresh = self._cache.fresh_page(index, name)
        return (fresh, True) if fresh is not None else (self._cache.page(index, name), False)

    async def _ask(self, index: str, name: str, known: CachedPage | None) -> ProjectPage | None:
        try:
            response, body = await self._transport.read(
                f"{index}{name}/", _request_headers(known), limit=MAX_PAGE_SIZE
            )
        except IndexFailure as failure:
            if failure.http_status != _FORBIDDEN or index not in self._forbidden_is_absent:
                raise
            listed = await self._lists.once(index, partial(self._list, index))
            if listed is None or name in listed:
                raise
            return await asyncio.to_thread(self._keep, index, name, None, {})
        # Parsing thousands of files and writing the entry would stop every other transfer.
        return await asyncio.to_thread(self._digest, index, name, response, body, known)

    async def _list(self, index: str) -> frozenset[str] | None:
        """The projects that an index lists, ``None`` if it shows no list."""
        try:
            response, body = await self._transport.read(
                index, _request_headers(None), limit=MAX_LIST_SIZE
            )
        except IndexFailure:  # The refusal of the page is the better answer.
            return None
        if response.status != _OK:
            return None
        kind = response.headers.get("Content-Type", "")
        return await asyncio.to_thread(listed_projects, body, kind)

    def _digest(
        self,
        index: str,
        name: str,
        response: TransportResponse,
        body: bytes,
        known: CachedPage | None,
    ) -> ProjectPage | None:
        headers = response.headers
        if response.status == _NOT_MODIFIED and known is not None:
            return self._keep(index, name, known.page, headers, confirmed=known)
        if response.status in _ABSENT:
            return self._keep(index, name, None, headers)
        if response.status != _OK:
            raise response.unexpected()
        page = parse_page(
            body,
            content_type=headers.get("Content-Type", ""),
            name=name,
            index=index,
            url=response.url,
        )
        return self._keep(index, name, page, headers)

    def _keep(
        self,
        index: str,
        name: str,
        page: ProjectPage | None,
        headers: Mapping[str, str],
        *,
        confirmed: CachedPage | None = None,
    ) -> ProjectPage | None:
        """Tell the cache; what a confirmation does not say again stays (RFC 9111 §3.2)."""
        etag = modified = ""
        default = self._heuristic_lifetime
        if confirmed is not None:
            etag, modified = confirmed.etag, confirmed.last_modified
            default = float(confirmed.lifetime)
        self._cache.put_page(
            index,
            name,
            page,
            etag=headers.get("ETag", etag) if page is not None else "",
            last_modified=headers.get("Last-Modified", modified) if page is not None else "",
            lifetime=lifetime(headers, default=default),
        )
        return page

    async def _learn(self, file: DistributionFile) -> CoreMetadata:
        try:
            return await asyncio.to_thread(self._cached.metadata, file)
        except NotCached:
            pass
        try:
            metadata = await self._ladder.metadata(file)
        except IndexFailure as failure:
            if failure.code == "INVALID_METADATA":
                await asyncio.to_thread(
                    self._cache.put_metadata, file, None, problem=failure.message
                )
            raise
        await asyncio.to_thread(self._cache.put_metadata, file, metadata)
        return metadata


def _request_headers(known: CachedPage | None) -> dict[str, str]:
    """What to ask with; a page that is known is asked about, not for (RFC 9110 §13.1)."""
    headers = {"Accept": ACCEPT, "Accept-Encoding": "gzip"}
    if known is not None and known.etag:
        headers["If-None-Match"] = known.etag
    elif known is not None and known.last_modified:
        headers["If-Modified-Since"] = known.last_modified
    return headers
