"""Packages that the project names a place for, before any index is asked about their names."""

from __future__ import annotations

from collections.abc import Sequence

from ppm.engine.index.model import CoreMetadata, DistributionFile, ProjectPage, Release
from ppm.engine.ports import LiveSource, PackageSource
from ppm.engine.resolve.problem import Direct


class Places:
    """What is known of the directly referenced packages of one problem."""

    def __init__(self, directs: Sequence[Direct]) -> None:
        self._directs = {direct.name: direct for direct in directs}
        self._metadata = {direct.file.url: direct.metadata for direct in directs}

    def source(self, name: str) -> str:
        """The reference of a package, ``""`` if it has none."""
        direct = self._directs.get(name)
        return direct.source if direct is not None else ""

    def page(self, name: str) -> ProjectPage | None:
        """The one release of a referenced package; no index has a say in it."""
        direct = self._directs.get(name)
        if direct is None:
            return None
        release = Release(version=direct.file.version, files=(direct.file,))
        return ProjectPage(name=name, index="", releases=(release,))

    def metadata(self, file: DistributionFile) -> CoreMetadata | None:
        """The metadata of a referenced package."""
        return self._metadata.get(file.url)


class PlacesFirst:
    """A package source that asks another one only for what has no place."""

    def __init__(self, places: Places, source: PackageSource) -> None:
        self._places = places
        self._source = source

    def page(self, name: str) -> ProjectPage:
        """See :class:`ppm.engine.ports.PackageSource`."""
        return self._places.page(name) or self._source.page(name)

    def metadata(self, file: DistributionFile) -> CoreMetadata:
        """See :class:`ppm.engine.ports.PackageSource`."""
        return self._places.metadata(file) or self._source.metadata(file)


class PlacesFirstLive:
    """The same for a live source."""

    def __init__(self, places: Places, source: LiveSource) -> None:
        self._places = places
        self._source = source

    async def page(self, name: str) -> ProjectPage:
        """See :class:`ppm.engine.ports.LiveSource`."""
        return self._places.page(name) or await self._source.page(name)

    async def metadata(self, file: DistributionFile) -> CoreMetadata:
        """See :class:`ppm.engine.ports.LiveSource`."""
        return self._places.metadata(file) or await self._source.metadata(file)
