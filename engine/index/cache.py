"""What was learnt from indexes, on disk: an HTTP cache (RFC 9111) of pages already parsed.

    PPM_HOME/index/pages/<2>/<62>.entry      one project on one index, or that it is not there
    PPM_HOME/index/metadata/<2>/<62>.entry   the core metadata of one file, for ever

Names are digests; credentials are in neither names nor contents. An entry that cannot be read, is
damaged or was written in another format is as good as absent. A warm command reads hundreds of
entries: this module loads no HTTP, no parser and no version arithmetic.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

from ppm.engine.files import storage_errors, write_atomic
from ppm.engine.index.model import CoreMetadata, DistributionFile, ProjectPage
from ppm.engine.index.simple_api import ACCEPT
from ppm.engine.index.stored import (
    CachedMetadata,
    CachedPage,
    pack_metadata,
    pack_page,
    unpack_metadata,
    unpack_page,
)


class IndexCache:
    """Pages and metadata on disk, and those of this run in memory.

    What was learnt in this run stays true for this run, however short the index says it is fresh: a
    command sees one state of the world, and asks for nothing twice.

    Args:
        root: The folder; made when something is first written.
        now: Seconds since the epoch.
    """

    def __init__(self, root: Path, *, now: Callable[[], float] = time.time) -> None:
        self._root = root
        self._now = now
        self._pages: dict[tuple[str, str], CachedPage] = {}
        self._metadata: dict[str, CachedMetadata] = {}
        self._learnt: set[tuple[str, str]] = set()
        self._believed: dict[str, ProjectPage | None] = {}
        self._doubting = False
        self._folders: set[Path] = set()

    def page(self, index: str, name: str) -> CachedPage | None:
        """What is known of a project on an index, fresh or not."""
        key = index, name
        if key not in self._pages:
            found = unpack_page(_read(self._page_path(index, name)))
            if found is None:
                return None
            self._pages[key] = found
        return self._pages[key]

    def fresh_page(self, index: str, name: str) -> CachedPage | None:
        """What is known and may be used without asking the index."""
        found = self.page(index, name)
        if found is None or (index, name) in self._learnt:
            return found
        if self._doubting or found.fresh_until <= self._now():
            return None
        self._believed[name] = found.page
        return found

    def doubt(self) -> dict[str, ProjectPage | None]:
        """Take nothing for fresh any more that was not learnt in this run.

        Returns:
            What has been taken for fresh so far: each project's page, ``None`` for "not there".
        """
        self._doubting = True
        believed, self._believed = self._believed, {}
        return believed

    def forget_page(self, index: str, name: str) -> None:
        """Have the index asked again the next time: what it said is not so.

        Raises:
            StorageError: The disk refused.
        """
        path = self._page_path(index, name)
        with storage_errors(path):
            path.unlink(missing_ok=True)

    def put_page(
        self,
        index: str,
        name: str,
        page: ProjectPage | None,
        *,
        etag: str = "",
        last_modified: str = "",
        lifetime: float | None,
    ) -> None:
        """Keep what an index just said.

        Args:
            index: The base URL of the index, without credentials.
            name: Normalised project name.
            page: ``None`` if the index does not have the project.
            etag: The validator of the answer, or ``""``.
            last_modified: The other validator, or ``""``.
            lifetime: Seconds the answer stays fresh; ``None`` keeps it for this run only.

        Raises:
            StorageError: The disk refused.
        """
        entry = CachedPage(
            page=page,
            etag=etag,
            last_modified=last_modified,
            lifetime=int(lifetime or 0),
            fresh_until=int(self._now() + lifetime) if lifetime else 0,
        )
        self._pages[index, name] = entry
        self._learnt.add((index, name))
        path = self._page_path(index, name)
        if lifetime is None:
            path.unlink(missing_ok=True)
        else:
            self._write(path, pack_page(entry))

    def metadata(self, file: DistributionFile) -> CachedMetadata | None:
        """What is known of a file's core metadata."""
        key = _metadata_key(file)
        if key not in self._metadata:
            found = unpack_metadata(_read(self._metadata_path(key)))
            if found is None:
                return None
            self._metadata[key] = found
        return self._metadata[key]

    def put_metadata(
        self, file: DistributionFile, metadata: CoreMetadata | None, *, problem: str = ""
    ) -> None:
        """Keep a file's core metadata, or why it has none, for ever.

        Kept for this run only is what was built, because another interpreter may build something
        else, and what is known of files on this machine, because they may change in place.

        Raises:
            StorageError: The disk refused.
        """
        key = _metadata_key(file)
        entry = CachedMetadata(metadata=metadata, problem=problem)
        self._metadata[key] = entry
        built = metadata is not None and metadata.origin == "build"
        if not built and not file.url.startswith("file:"):
            self._write(self._metadata_path(key), pack_metadata(entry))

    def _write(self, path: Path, data: bytes) -> None:
        if path.parent not in self._folders:
            with storage_errors(path):
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folders.add(path.parent)
        write_atomic(path, data, mode=0o600, durable=False)

    def _page_path(self, index: str, name: str) -> Path:
        return self._path("pages", _digest(index, f"{index}{name}/", ACCEPT))

    def _metadata_path(self, key: str) -> Path:
        return self._path("metadata", key)

    def _path(self, kind: str, digest: str) -> Path:
        return self._root / kind / digest[:2] / f"{digest[2:]}.entry"


def _metadata_key(file: DistributionFile) -> str:
    """The digest says which bytes, the address who spoke for them.

    Not the digest alone: metadata comes from a sibling or a range that nothing has checked against
    the digest yet, so one index could speak for another's files. A query is left out where there is
    a digest, because signed URLs change it each time.
    """
    address = file.url.partition("?")[0] if file.sha256 else file.url
    return _digest(address, file.sha256)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _read(path: Path) -> bytes:
    """The entry's bytes; none that can be read is as good as an empty one."""
    try:
        with path.open("rb") as stream:
            return stream.read()
    except OSError:
        return b""
