"""Package sources for targets that are not the running machine.

Nothing is built for them. What a source distribution needs is known from its static metadata or
from a wheel of the same release; where neither is, the release is left out with that reason. What
a build on this machine once said does not count elsewhere.
"""

from __future__ import annotations

from ppm.engine.errors import IndexFailure
from ppm.engine.index.filenames import FileName, parse_filename
from ppm.engine.index.model import CoreMetadata, DistributionFile, ProjectPage
from ppm.engine.ports import LiveSource, PackageSource
from ppm.engine.resolve.catalogue import CANNOT_TELL

_BUILT = "build"


class ForeignSource:
    """A :class:`ppm.engine.ports.PackageSource` that takes nobody's build for an answer."""

    def __init__(self, source: PackageSource) -> None:
        self._source = source

    def page(self, name: str) -> ProjectPage:
        """As in the port."""
        return self._source.page(name)

    def metadata(self, file: DistributionFile) -> CoreMetadata:
        """As in the port; ``FOREIGN_SDIST`` where only a build could tell."""
        known = _Known(file)
        try:
            known.take(self._source.metadata(file))
        except IndexFailure as failure:
            known.refuse(failure)
        if known.metadata is not None:
            return known.metadata
        return self._source.metadata(known.wheel(self._source.page(known.project)))


class AskedOnce:
    """A :class:`ppm.engine.ports.LiveSource` that asks for each page once, however old it gets."""

    def __init__(self, source: LiveSource) -> None:
        self._source = source
        self._pages: dict[str, ProjectPage] = {}

    async def page(self, name: str) -> ProjectPage:
        """As in the port."""
        known = self._pages.get(name)
        if known is None:
            known = self._pages[name] = await self._source.page(name)
        return known

    async def metadata(self, file: DistributionFile) -> CoreMetadata:
        """As in the port."""
        return await self._source.metadata(file)


class LiveForeignSource:
    """The same as :class:`ForeignSource` for the live index.

    Args:
        pages: Gives the pages.
        files: Gives the metadata, and builds nothing for it.
    """

    def __init__(self, pages: LiveSource, files: LiveSource) -> None:
        self._pages = pages
        self._files = files

    async def page(self, name: str) -> ProjectPage:
        """As in the port."""
        return await self._pages.page(name)

    async def metadata(self, file: DistributionFile) -> CoreMetadata:
        """As in the port; ``FOREIGN_SDIST`` where only a build could tell."""
        known = _Known(file)
        try:
            known.take(await self._files.metadata(file))
        except IndexFailure as failure:
            known.refuse(failure)
        if known.metadata is not None:
            return known.metadata
        return await self._files.metadata(known.wheel(await self._pages.page(known.project)))


class _Known:
    """What is found out about one file."""

    def __init__(self, file: DistributionFile) -> None:
        named = parse_filename(file.filename)
        self.project = named.name if isinstance(named, FileName) else ""
        self.metadata: CoreMetadata | None = None
        self._file = file

    def take(self, metadata: CoreMetadata) -> None:
        if metadata.origin != _BUILT:
            self.metadata = metadata

    def refuse(self, failure: IndexFailure) -> None:
        """Go on only where somebody who builds would know."""
        if failure.code != "NEEDS_BUILD":
            raise failure

    def wheel(self, page: ProjectPage) -> DistributionFile:
        """A wheel of the same release, one for every platform if there is one."""
        wheels = [
            file
            for release in page.releases
            if release.version == self._file.version
            for file in release.files
            if file.kind == "wheel"
        ]
        if wheels:
            return min(wheels, key=lambda it: (not it.filename.endswith("-any.whl"), it.filename))
        raise IndexFailure(
            f"{self._file.filename} has no static metadata, its release no wheel, and it cannot be"
            " built here for another target",
            code=CANNOT_TELL,
        )
