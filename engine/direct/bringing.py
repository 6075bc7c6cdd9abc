"""From a direct reference to an unpacked wheel in the store, and to what is known of the package.

What was locked once is had again only as it was: another digest is refused.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread
import msgspec

from ppm.engine.build.builder import Builder
from ppm.engine.build.model import SourceTree
from ppm.engine.build.source import unpack_sdist
from ppm.engine.direct.locked import build_key, pinned_url
from ppm.engine.direct.reference import Reference, parse_reference
from ppm.engine.direct.repository import Repositories
from ppm.engine.direct.tree import below, copy_tree, recipe_digest, tree_digest
from ppm.engine.environment.staging import staging
from ppm.engine.errors import ArtifactError, IndexFailure
from ppm.engine.fetch.pipeline import FetchedWheel
from ppm.engine.files import storage_errors
from ppm.engine.index.filenames import FileName, parse_filename
from ppm.engine.index.metadata import parse_metadata
from ppm.engine.index.model import DistributionFile
from ppm.engine.resolve.problem import Direct
from ppm.engine.store.blobs import BlobStore
from ppm.engine.store.model import WantedFile, WheelTree
from ppm.engine.store.wheels import WheelStore
from ppm.events.resolution import LockedFile
from ppm.projections.lock import LockedPackage

Fetch = Callable[[Sequence[WantedFile]], Awaitable[Sequence[FetchedWheel]]]


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Where things are: the project's ``root``, ``builds`` for folders in the making, the store."""

    root: Path
    builds: Path
    blobs: BlobStore
    wheels: WheelStore


class Bringer:
    """Brings packages that the project names a place for.

    Args:
        places: Where things are.
        builder: Builds what is no wheel.
        fetch: Has archives in the store, wheels unpacked.
        repositories: The git cache.
        asked: References with their logins, by their source.
        offline: Never use the network.
    """

    def __init__(
        self,
        *,
        places: Places,
        builder: Builder,
        fetch: Fetch,
        repositories: Repositories,
        asked: Mapping[str, Reference],
        offline: bool,
    ) -> None:
        self._places = places
        self._builder = builder
        self._fetch = fetch
        self._repositories = repositories
        self._asked = asked
        self._offline = offline

    async def learn(self, name: str, reference: Reference, pinned: LockedFile | None) -> Direct:
        """What the package is.

        Args:
            name: What the project calls it, normalised.
            reference: Where it is.
            pinned: What the lock has of this very reference, if it is to stay.

        Raises:
            ArtifactError: ``WHEEL_NAME``: another project is there; ``HASH_MISMATCH``: not what was
                asked for or pinned; as reading it refuses it.
            IndexFailure, BuildError, StorageError: It cannot be had.
        """
        file, tree = await self._bring(name, reference, pinned)
        path = self._places.wheels.directory(tree.sha256) / tree.dist_info / "METADATA"
        content = await anyio.to_thread.run_sync(_read, path)
        wheel = f"{name.replace('-', '_')}-{tree.version}-py3-none-any.whl"
        metadata = parse_metadata(content, filename=wheel, origin="wheel")
        return Direct(
            name=name,
            source=reference.source,
            file=DistributionFile(
                filename=file.filename,
                url=file.url,
                kind=file.kind,
                version=metadata.version,
                sha256=file.sha256,
                size=file.size,
            ),
            metadata=metadata,
        )

    async def tree(self, package: LockedPackage) -> WheelTree:
        """The unpacked wheel of a locked package.

        Raises: as :meth:`learn`.
        """
        reference = self._asked.get(package.source) or parse_reference(package.source)
        (file,) = package.files
        return (await self._bring(package.name, reference, file))[1]

    async def _bring(
        self, name: str, reference: Reference, pinned: LockedFile | None
    ) -> tuple[LockedFile, WheelTree]:
        if reference.kind == "archive":
            return await self._archive(name, reference, pinned)
        if reference.kind == "git":
            return await self._git(name, reference, pinned)
        return await self._folder(name, reference, pinned)

    async def _archive(
        self, name: str, reference: Reference, pinned: LockedFile | None
    ) -> tuple[LockedFile, WheelTree]:
        wanted = self._wanted(name, reference, pinned)
        if self._offline and reference.url and not await self._has(wanted.sha256):
            raise IndexFailure(
                f"{reference.place} is not in the store",
                code="OFFLINE",
                hint="run without --offline once",
            )
        (fetched,) = await self._fetch([wanted])
        file = LockedFile(
            filename=wanted.filename,
            url=pinned_url(reference),
            sha256=fetched.stored.sha256,
            size=fetched.stored.size,
            kind=wanted.kind,
        )
        if fetched.tree is not None:
            return file, fetched.tree
        prepare = partial(self._unpack, file, reference.subdirectory)
        return file, await self._built(name, file, prepare)

    def _wanted(self, name: str, reference: Reference, pinned: LockedFile | None) -> WantedFile:
        """What to fetch; the name of a wheel or source distribution has to be the project's."""
        filename = reference.filename
        found = parse_filename(filename)
        is_wheel = filename.endswith(".whl")
        if is_wheel and (not isinstance(found, FileName) or found.name != name):
            raise ArtifactError(
                f"{filename} is no wheel of {name}",
                code="WHEEL_NAME",
                hint="correct the name before the @, or the URL after it",
            )
        known = isinstance(found, FileName) and found.name == name
        path = reference.on_disk(self._places.root) if reference.path else None
        return WantedFile(
            name=name,
            version=found.version if known and isinstance(found, FileName) else "",
            filename=filename,
            url=path.as_uri() if path is not None else reference.url,
            sha256=pinned.sha256 if pinned is not None else reference.sha256,
            # Another size is another digest: one error for a file that is not the locked one.
            size=0,
            kind="wheel" if is_wheel else "sdist",
        )

    async def _folder(
        self, name: str, reference: Reference, pinned: LockedFile | None
    ) -> tuple[LockedFile, WheelTree]:
        folder = reference.on_disk(self._places.root)
        digest = recipe_digest if reference.editable else tree_digest
        file = LockedFile(
            filename=name,
            url=pinned_url(reference),
            sha256=await anyio.to_thread.run_sync(digest, folder),
            size=0,
            kind="editable" if reference.editable else "directory",
        )
        _require_pinned(name, file, pinned)
        prepare = partial(_stay, folder) if reference.editable else partial(_copied, folder, file)
        return file, await self._built(name, file, prepare)

    async def _git(
        self, name: str, reference: Reference, pinned: LockedFile | None
    ) -> tuple[LockedFile, WheelTree]:
        if pinned is not None:
            commit = parse_reference(pinned.url).revision
        else:
            commit = await self._repositories.commit(reference.url, reference.revision)
        async with _staged(self._places.builds) as room:
            tree = room / "tree"
            await self._repositories.check_out(reference.url, commit, tree)
            file = LockedFile(
                filename=name,
                url=pinned_url(reference, commit),
                sha256=await anyio.to_thread.run_sync(tree_digest, tree),
                size=0,
                kind="git",
            )
            _require_pinned(name, file, pinned)
            prepare = partial(_below, tree, reference.subdirectory)
            return file, await self._built(name, file, prepare)

    async def _built(
        self, name: str, file: LockedFile, prepare: Callable[[Path], Path]
    ) -> WheelTree:
        source = SourceTree(
            name=name,
            label=f"{name} from {file.url}",
            key=build_key(file, self._places.root),
            prepare=prepare,
            editable=file.kind == "editable",
        )
        return (await self._builder.wheel_of(source)).tree

    def _unpack(self, file: LockedFile, subdirectory: str, target: Path) -> Path:
        self._places.blobs.verify(file.sha256)
        with storage_errors(target):
            target.mkdir()
        return below(
            unpack_sdist(self._places.blobs.path(file.sha256), file.filename, target), subdirectory
        )

    async def _has(self, sha256: str) -> bool:
        return bool(sha256) and await anyio.to_thread.run_sync(self._places.blobs.has, sha256)


def _require_pinned(name: str, file: LockedFile, pinned: LockedFile | None) -> None:
    if pinned is not None and pinned.sha256 != file.sha256:
        raise ArtifactError(
            f"{name}: {file.url} is not what was locked: its sources have the digest {file.sha256},"
            f" the lock has {pinned.sha256}",
            code="HASH_MISMATCH",
            hint="run `ppm lock` to take it as it is now",
        )


def _stay(folder: Path, _room: Path) -> Path:
    return folder


def _below(tree: Path, subdirectory: str, _room: Path) -> Path:
    return below(tree, subdirectory)


def _copied(folder: Path, file: LockedFile, target: Path) -> Path:
    """A copy to build from; it has to be what was digested."""
    copy_tree(folder, target)
    if tree_digest(target) != file.sha256:
        raise ArtifactError(
            f"{folder} changed while it was read",
            code="HASH_MISMATCH",
            hint="run the command again",
        )
    return target


@asynccontextmanager
async def _staged(parent: Path) -> AsyncIterator[Path]:
    """A folder in the making; removing it may take a while and leaves the loop."""
    made = staging(parent)
    path = await anyio.to_thread.run_sync(made.__enter__)
    try:
        yield path
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(made.__exit__, None, None, None)


def _read(path: Path) -> bytes:
    with storage_errors(path):
        return path.read_bytes()
