"""An index that is a folder: a tree of project pages in files, or wheels lying side by side."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ppm.engine.index.failures import refused_page, unknown_package, unreadable
from ppm.engine.index.filenames import FileName, parse_filename
from ppm.engine.index.model import CoreMetadata, DistributionFile, ProjectPage
from ppm.engine.index.page import PageBuilder
from ppm.engine.index.simple_api import MAX_PAGE_SIZE, parse_page
from ppm.engine.index.urls import folder_path

_PAGES = {
    "index.json": "application/vnd.pypi.simple.v1+json",
    "index.html": "text/html",
}


class FolderSource:
    """A :class:`ppm.engine.ports.PackageSource` over a folder.

    A project that has a folder of its own is listed by the page in it (``index.json`` or
    ``index.html``), or else by the files in it. All other projects are looked for among the files
    that lie directly in the index's folder.

    Args:
        url: The folder's ``file:`` URL.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/") + "/"
        self._folder = folder_path(url)
        self._flat: dict[str, list[Path]] | None = None
        self._metadata: dict[str, CoreMetadata] = {}

    def page(self, name: str) -> ProjectPage:
        """As in the port; ``UNKNOWN_PACKAGE`` where the folder has nothing of that name."""
        page = self.find(name)
        if page is None:
            raise unknown_package(name, [self.url])
        return page

    def find(self, name: str) -> ProjectPage | None:
        """The project's page, or ``None``.

        Raises:
            IndexFailure: ``INDEX_UNREACHABLE``: there is no such folder.
        """
        own = self._folder / name
        if not own.is_dir():
            return self._list(name, self._flat_files().get(name, ()))
        for basename, content_type in _PAGES.items():
            if (own / basename).is_file():
                return self._read_page(name, own / basename, content_type)
        return self._list(name, _files_in(own))

    def metadata(self, file: DistributionFile) -> CoreMetadata:
        """As in the port, also ``NEEDS_BUILD``."""
        if file.url not in self._metadata:
            self._metadata[file.url] = local_metadata(file)
        return self._metadata[file.url]

    def _read_page(self, name: str, path: Path, content_type: str) -> ProjectPage:
        with path.open("rb") as stream:
            body = stream.read(MAX_PAGE_SIZE + 1)
        if len(body) > MAX_PAGE_SIZE:
            raise refused_page(path.as_uri(), f"has more than {MAX_PAGE_SIZE} bytes")
        return parse_page(
            body, content_type=content_type, name=name, index=self.url, url=path.absolute().as_uri()
        )

    def _list(self, name: str, paths: Iterable[Path]) -> ProjectPage | None:
        builder = PageBuilder(name=name, index=self.url, base=self.url)
        for path in sorted(paths):
            builder.add(path.name, path.absolute().as_uri(), sha256="", size=path.stat().st_size)
        page = builder.build()
        return page if page.releases else None

    def _flat_files(self) -> dict[str, list[Path]]:
        if self._flat is None:
            # Several threads ask at once: none may see it half filled.
            flat: dict[str, list[Path]] = {}
            for path in _files_in(self._folder):
                found = parse_filename(path.name)
                if isinstance(found, FileName):
                    flat.setdefault(found.name, []).append(path)
            self._flat = flat
        return self._flat


def local_metadata(file: DistributionFile) -> CoreMetadata:
    """The core metadata of a file on this machine, by its ``file:`` URL.

    Raises:
        IndexFailure: ``INVALID_METADATA``, ``NEEDS_BUILD``.
    """
    from ppm.engine.index.archive import file_metadata

    return file_metadata(folder_path(file.url), file.filename, kind=file.kind)


def _files_in(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_file()]
    except OSError as error:
        raise unreadable(folder, error) from error
