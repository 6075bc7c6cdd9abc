"""The package source of a warm command: what the cache knows, read without waiting."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from ppm.engine.errors import IndexFailure
from ppm.engine.index.cache import IndexCache
from ppm.engine.index.failures import invalid_metadata_again, not_in_cache, unknown_package
from ppm.engine.index.model import CoreMetadata, DistributionFile, ProjectPage
from ppm.engine.ports import NotCached

if TYPE_CHECKING:
    from ppm.engine.index.folder import FolderSource


class CachedSource:
    """A :class:`ppm.engine.ports.PackageSource` over the cache and over folders.

    The first index that has the project answers. An index whose answer is not known, or no longer
    fresh, is not passed over: the project could be there.

    Args:
        indexes: Base URLs without credentials, each ending in ``/``, most important first.
        cache: What is known.
        offline: Answers of any age count, and what is missing is a failure.
    """

    def __init__(self, indexes: Sequence[str], cache: IndexCache, *, offline: bool = False) -> None:
        self._indexes = tuple(indexes)
        self._cache = cache
        self._offline = offline

    def page(self, name: str) -> ProjectPage:
        """As in the port; offline also ``IndexFailure`` with ``OFFLINE``."""
        for index in self._indexes:
            page = self._page_on(index, name)
            if page is not None:
                return page
        raise unknown_package(name, self._indexes)

    def metadata(self, file: DistributionFile) -> CoreMetadata:
        """As in the port; offline also ``IndexFailure`` with ``OFFLINE``."""
        known = self._cache.metadata(file)
        if known is not None and known.metadata is not None:
            return known.metadata
        if known is not None:
            raise invalid_metadata_again(known.problem)
        if file.url.startswith("file:"):
            return self._local_metadata(file)
        raise self._missing(f"the metadata of {file.filename}")

    def _page_on(self, index: str, name: str) -> ProjectPage | None:
        if index in self.folders:
            return self.folders[index].find(name)
        known = (
            self._cache.page(index, name) if self._offline else self._cache.fresh_page(index, name)
        )
        if known is None:
            raise self._missing(f"the page of {name}")
        return known.page

    def _local_metadata(self, file: DistributionFile) -> CoreMetadata:
        from ppm.engine.index.folder import local_metadata

        try:
            return local_metadata(file)
        except IndexFailure as failure:
            if failure.code == "NEEDS_BUILD" and not self._offline:
                raise NotCached(file.filename) from failure
            raise

    @cached_property
    def folders(self) -> dict[str, FolderSource]:
        """The indexes that are folders."""
        local = [index for index in self._indexes if index.startswith("file:")]
        if not local:
            return {}
        from ppm.engine.index.folder import FolderSource

        return {index: FolderSource(index) for index in local}

    def _missing(self, what: str) -> Exception:
        return not_in_cache(what) if self._offline else NotCached(what)
