"""The metadata ladder: the cheapest way to a file's core metadata that works.

For a wheel: its metadata sibling (PEP 658), parts of it by ranges, all of it. For a source
distribution: its PKG-INFO if that is static (PEP 643), else a build. A rung that the server does
not have leads to the next; a rung that gives something wrong fails.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import aiofiles

from ppm.engine.errors import IndexFailure
from ppm.engine.index.metadata import (
    MAX_METADATA_SIZE,
    check_identity,
    parse_metadata,
)
from ppm.engine.index.model import CoreMetadata, DistributionFile
from ppm.engine.index.ranges import RangeReader
from ppm.engine.index.transport import Transport
from ppm.engine.index.urls import folder_path
from ppm.engine.redact import redact_text

WholeFile = Callable[[DistributionFile], Awaitable[Path]]
BuildMetadata = Callable[[DistributionFile], Awaitable[CoreMetadata]]

_MAX_FILE_SIZE = 10 << 30
_OK = 200


class MetadataLadder:
    """Answers what a distribution file needs.

    Args:
        transport: For siblings, ranges and whole files.
        whole_file: Gives the path of a complete, verified copy of a file, which stays the giver's.
            Without it the file is downloaded to a temporary place and forgotten.
        build_metadata: Builds the metadata of a source distribution that has none that is static.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        whole_file: WholeFile | None = None,
        build_metadata: BuildMetadata | None = None,
    ) -> None:
        self._transport = transport
        self._ranges = RangeReader(transport)
        self._whole_file = whole_file
        self._build_metadata = build_metadata

    async def metadata(self, file: DistributionFile) -> CoreMetadata:
        """Climb.

        Raises:
            IndexFailure: ``INVALID_METADATA`` for a file that has to be left out; ``NEEDS_BUILD``
                where only a build can tell and nobody builds; ``HASH_MISMATCH``; transport
                failures.
        """
        if file.kind == "sdist":
            return await self._of_sdist(file)
        if file.url.startswith("file:"):
            return await self._of_whole_file(file)
        sibling = await self._sibling(file) if file.metadata else None
        if sibling is not None:
            return parse_metadata(sibling, filename=file.filename, origin="sibling")
        part = await self._ranges.metadata(file)
        if part is not None:
            return parse_metadata(part, filename=file.filename, origin="range")
        return await self._of_whole_file(file)

    async def _sibling(self, file: DistributionFile) -> bytes | None:
        """The metadata file beside the wheel, or ``None`` where the server has none after all."""
        path, mark, query = file.url.partition("?")
        url = f"{path}.metadata{mark}{query}"
        try:
            response, data = await self._transport.read(
                url, {"Accept-Encoding": "gzip"}, limit=MAX_METADATA_SIZE
            )
        except IndexFailure as failure:
            # Stores of objects answer 403 for what they do not have; the next rung tells which.
            if failure.code == "INDEX_UNAUTHORIZED":
                return None
            raise
        if response.status != _OK:
            return None
        if file.metadata != "true" and hashlib.sha256(data).hexdigest() != file.metadata:
            raise _mismatch(file, "has a metadata file with another SHA-256 than the index said")
        return data

    async def _of_whole_file(self, file: DistributionFile) -> CoreMetadata:
        async with self._local(file) as path:
            from ppm.engine.index.archive import file_metadata

            return await asyncio.to_thread(file_metadata, path, file.filename, kind=file.kind)

    async def _of_sdist(self, file: DistributionFile) -> CoreMetadata:
        try:
            return await self._of_whole_file(file)
        except IndexFailure as failure:
            if failure.code != "NEEDS_BUILD" or self._build_metadata is None:
                raise
        built = await self._build_metadata(file)
        check_identity(built, file.filename)
        return built

    @asynccontextmanager
    async def _local(self, file: DistributionFile) -> AsyncIterator[Path]:
        """A complete copy of ``file`` on this machine, while the context is open."""
        if file.url.startswith("file:"):
            yield folder_path(file.url)
        elif self._whole_file is not None:
            yield await self._whole_file(file)
        else:
            folder = await asyncio.to_thread(mkdtemp, prefix="ppm-")
            try:
                path = Path(folder, file.filename)
                await self._download(file, path)
                yield path
            finally:
                # A cancelled task waits no more, but the thread goes on to the end.
                await asyncio.shield(asyncio.to_thread(rmtree, folder))

    async def _download(self, file: DistributionFile, path: Path) -> None:
        digest = hashlib.sha256()
        size = 0
        async with self._transport.get(file.url) as response:
            if response.status != _OK:
                raise response.unexpected()
            async with aiofiles.open(path, "wb") as target:
                async for chunk in response.chunks():
                    size += len(chunk)
                    if size > (file.size or _MAX_FILE_SIZE):
                        raise _mismatch(file, "is larger than the index said")
                    digest.update(chunk)
                    await target.write(chunk)
        if file.size and size != file.size:
            raise _mismatch(file, "is smaller than the index said")
        if file.sha256 and digest.hexdigest() != file.sha256:
            raise _mismatch(file, "has another SHA-256 than the index said")


def _mismatch(file: DistributionFile, what: str) -> IndexFailure:
    return IndexFailure(
        f"{redact_text(file.url)} {what}",
        code="HASH_MISMATCH",
        hint="the file was changed on its way or on the server: do not use it",
    )
