"""Wheels and metadata of source distributions, each built once and then remembered."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Protocol, TypeAlias

import anyio
import anyio.to_thread
import msgspec
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from ppm.engine.build.cache import BuiltWheels
from ppm.engine.build.frontend import Workplace, build_editable, build_metadata, build_wheel
from ppm.engine.build.lineage import Step, Waiting, building
from ppm.engine.build.model import (
    BackendWheel,
    BuildEnvironment,
    BuiltRecord,
    BuiltWheel,
    HookLimits,
    Provision,
    SourceLimits,
    SourceTree,
)
from ppm.engine.build.provision import Provisioner, Trees, step_of
from ppm.engine.build.remembered import Remembered
from ppm.engine.build.room import Room, build_room
from ppm.engine.build.source import check_format, unpack_sdist
from ppm.engine.environment.interpreter import Interpreter
from ppm.engine.environment.staging import remove_stale_in
from ppm.engine.errors import ArtifactError, BuildError, StorageError
from ppm.engine.fetch.refused import OnRefused, refusal_told
from ppm.engine.files import storage_errors
from ppm.engine.index.failures import invalid_metadata
from ppm.engine.index.filenames import FileName, parse_filename
from ppm.engine.index.metadata import parse_metadata
from ppm.engine.index.model import CoreMetadata, DistributionFile
from ppm.engine.paths import HomePaths
from ppm.engine.ports import Progress
from ppm.engine.store.blobs import CHUNK, BlobStore
from ppm.engine.store.model import StoredFile, WantedFile, WheelTree
from ppm.events.artifact import ArtifactBuilt

FetchSource: TypeAlias = Callable[[WantedFile], Awaitable[StoredFile]]
"""Brings one source distribution into the blob store, checked against what is known of it."""

OnBuilt: TypeAlias = Callable[[ArtifactBuilt], Awaitable[None]]
"""Told of each wheel built just now, once it is synced and unpacked."""


class Unpacker(Protocol):
    """Unpacks wheels of the store strictly: :class:`ppm.engine.store.workers.UnpackPool`."""

    async def unpack(self, sha256: str, filename: str, name: str, version: str) -> WheelTree:
        """The tree of a stored wheel; ``ArtifactError`` for one that is not what it should be."""
        ...


class BuildSettings(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """``jobs`` hooks run at once, 0 for as many as there are processors."""

    jobs: int = 0
    hooks: HookLimits = HookLimits()
    sources: SourceLimits = SourceLimits()


class Builder:
    """Builds for one interpreter, for as long as one command runs.

    What is asked for twice is built once, and what failed is not tried again.

    Args:
        home: ``PPM_HOME``: builds run in ``store/builds``, records are in ``store/built``.
        interpreter: What wheels are built for, and with.
        blobs: Where source distributions are and wheels go.
        trees: Where wheels are unpacked.
        unpacker: Unpacks what was built.
        fetch_source: Brings source distributions that the store does not have.
        provisioner: Makes the environments.
        progress: Is told what is being built.
        on_built: Is told what was built.
        on_refused: Is told of source distributions that are refused.
        settings: Bounds.
    """

    def __init__(
        self,
        *,
        home: HomePaths,
        interpreter: Interpreter,
        blobs: BlobStore,
        trees: Trees,
        unpacker: Unpacker,
        fetch_source: FetchSource,
        provisioner: Provisioner,
        progress: Progress,
        on_built: OnBuilt | None = None,
        on_refused: OnRefused | None = None,
        settings: BuildSettings | None = None,
    ) -> None:
        self._builds = home.store / "builds"
        self._cache = BuiltWheels(home.store / "built", blobs)
        self._interpreter = interpreter
        self._blobs = blobs
        self._trees = trees
        self._unpacker = unpacker
        self._fetch_source = fetch_source
        self._provisioner = provisioner
        self._progress = progress
        self._on_built = on_built
        self._on_refused = on_refused
        self._settings = settings or BuildSettings()
        self._slots = anyio.CapacityLimiter(self._settings.jobs or os.cpu_count() or 1)
        self._waiting = Waiting()
        self._wheels: Remembered[BuiltWheel] = Remembered()
        self._metadata: Remembered[CoreMetadata] = Remembered()
        self._tidied = False

    async def wheel_for(self, wanted: WantedFile) -> BuiltWheel:
        """The wheel of a source distribution, from an earlier build or a new one.

        Raises:
            ArtifactError: ``SDIST_…``: the source distribution is refused; or its blob is corrupt.
            BuildError: ``BUILD_…``; ``BUILD_WHEEL`` for a wheel that is not what it should be.
            IndexFailure: It, or what it needs to be built, cannot be fetched.
            StorageError: The disk refused.
        """
        check_format(wanted.filename)
        step = step_of(wanted)
        with self._waiting.waits_for(step):
            return await self._wheels.get(step.key, partial(self._wheel, wanted))

    async def metadata_for(self, file: DistributionFile) -> CoreMetadata:
        """The metadata that the wheel of a source distribution has or would have.

        What is static in the source distribution itself is not looked at: asking is dearer.

        Raises:
            IndexFailure: ``INVALID_METADATA`` for a file to be left out; else as :meth:`wheel_for`.
            ArtifactError: As :meth:`wheel_for`.
            BuildError: As :meth:`wheel_for`.
            StorageError: As :meth:`wheel_for`.
        """
        wanted = _wanted(file)
        step = step_of(wanted)
        with self._waiting.waits_for(step):
            return await self._metadata.get(step.key, partial(self._built_metadata, wanted))

    async def wheel_of(self, tree: SourceTree) -> BuiltWheel:
        """The wheel of a source tree, from an earlier build or a new one.

        Raises:
            BuildError: As :meth:`wheel_for`; ``BUILD_EDITABLE``.
            PpmError: As ``tree.prepare``.
        """
        with self._waiting.waits_for(Step(tree.key, tree.label)):
            return await self._wheels.get(tree.key, partial(self._wheel_of, tree))

    async def _wheel_of(self, tree: SourceTree) -> BuiltWheel:
        known = await self._known(tree.name, tree.key)
        if known is not None:
            return known
        await self._tidy()
        async with build_room(self._builds) as room:
            source = await anyio.to_thread.run_sync(tree.prepare, room.source / "tree")
            place = self._place(tree.label, source, room)
            with building(Step(tree.key, tree.label)):
                self._progress.stage(f"building {tree.label}")
                build = build_editable if tree.editable else build_wheel
                made = await build(place, self._provision(tree.label, room))
            return await self._take_in(made, tree.name, _version(made.path.name), tree.key)

    async def _wheel(self, wanted: WantedFile) -> BuiltWheel:
        source = await self._source(wanted)
        known = await self._known(wanted.name, source, wanted.version)
        if known is not None:
            return known
        async with self._workplace(wanted, source) as (place, provision):
            self._progress.stage(f"building {place.label}")
            made = await build_wheel(place, provision)
            return await self._take_in(made, wanted.name, wanted.version, source)

    async def _built_metadata(self, wanted: WantedFile) -> CoreMetadata:
        source = await self._source(wanted)
        wheel = await self._known(wanted.name, source, wanted.version)
        if wheel is None:
            async with self._workplace(wanted, source) as (place, provision):
                self._progress.stage(f"preparing the metadata of {place.label}")
                content = await build_metadata(place, provision)
            if content is not None:
                return parse_metadata(content, filename=wanted.filename, origin="build")
            wheel = await self._wheels.get(step_of(wanted).key, partial(self._wheel, wanted))
        path = self._trees.directory(wheel.tree.sha256) / wheel.tree.dist_info / "METADATA"
        content = await anyio.to_thread.run_sync(_read, path)
        return parse_metadata(content, filename=wanted.filename, origin="build")

    async def _source(self, wanted: WantedFile) -> str:
        """The digest of the source distribution, which is in the store."""
        if wanted.sha256:
            here = await anyio.to_thread.run_sync(self._blobs.has, wanted.sha256)
            if here:
                return wanted.sha256
        return (await self._fetch_source(wanted)).sha256

    async def _known(self, name: str, source: str, version: str = "") -> BuiltWheel | None:
        """The wheel of an earlier build, if it is still whole."""
        record = await anyio.to_thread.run_sync(
            self._cache.find, source, self._interpreter.build_key
        )
        if record is None:
            return None
        try:
            tree = await self._unpacker.unpack(
                record.sha256, record.filename, name, version or record.version
            )
        except ArtifactError:
            return None
        return BuiltWheel(record=record, tree=tree, fresh=False)

    @asynccontextmanager
    async def _workplace(
        self, wanted: WantedFile, source: str
    ) -> AsyncIterator[tuple[Workplace, Provision]]:
        """The unpacked source in a room of its own, and how environments are made there."""
        await self._tidy()
        label = f"{wanted.name} {wanted.version}"
        async with build_room(self._builds) as room:
            async with refusal_told(wanted, self._on_refused):
                tree = await anyio.to_thread.run_sync(self._unpack, wanted, source, room)

            with building(step_of(wanted)):
                yield self._place(label, tree, room), self._provision(label, room)

    def _provision(self, label: str, room: Room) -> Provision:
        async def provision(requires: tuple[str, ...]) -> BuildEnvironment:
            return await self._provisioner.provision(
                requires,
                room=room.root,
                label=label,
                waiting=self._waiting,
                wheel_for=self.wheel_for,
            )

        return provision

    def _place(self, label: str, tree: Path, room: Room) -> Workplace:
        return Workplace(
            label=label,
            source=tree,
            output=room.output,
            temporary=room.temporary,
            limits=self._settings.hooks,
            slots=self._slots,
        )

    def _unpack(self, wanted: WantedFile, source: str, room: Room) -> Path:
        self._blobs.verify(source)
        return unpack_sdist(
            self._blobs.path(source), wanted.filename, room.source, self._settings.sources
        )

    async def _tidy(self) -> None:
        """Once: remove the rooms of commands that were killed."""
        if not self._tidied:
            self._tidied = True
            # What cannot be removed is no reason not to build.
            with suppress(StorageError):
                await anyio.to_thread.run_sync(remove_stale_in, self._builds)

    async def _take_in(
        self, made: BackendWheel, name: str, version: str, source: str
    ) -> BuiltWheel:
        """Check a wheel and put it into the store, unpacked and on record."""
        filename, label = made.path.name, f"{name} {version}"
        self._check_tags(filename, label)
        sha256, size = await anyio.to_thread.run_sync(_put, made.path, self._blobs)
        try:
            tree = await self._unpacker.unpack(sha256, filename, name, version)
        except ArtifactError as error:
            await anyio.to_thread.run_sync(self._blobs.remove, sha256)
            raise _unfit(label, error.message) from error
        record = BuiltRecord(
            name=tree.name,
            version=tree.version,
            filename=filename,
            sha256=sha256,
            size=size,
            source_sha256=source,
            backend=made.backend,
            requires=made.requires,
        )
        await anyio.to_thread.run_sync(self._cache.keep, record, self._interpreter.build_key)
        if self._on_built is not None:
            await self._on_built(record.event())
        return BuiltWheel(record=record, tree=tree, fresh=True)

    def _check_tags(self, filename: str, label: str) -> None:
        try:
            tags = {str(tag) for tag in parse_wheel_filename(filename)[3]}
        except InvalidWheelFilename as error:
            raise _unfit(label, str(error)) from error
        if tags.isdisjoint(self._interpreter.target.tags):
            raise _unfit(label, f"{filename} does not run on {self._interpreter.target.name}")


def _version(filename: str) -> str:
    """The version that a wheel has by its name, ``""`` where that is none."""
    found = parse_filename(filename)
    return found.version if isinstance(found, FileName) else ""


def _put(path: Path, blobs: BlobStore) -> tuple[str, int]:
    """Copy a file into the blob store; its digest and size. Blocks."""
    digest = hashlib.sha256()
    with storage_errors(path), path.open("rb") as file, blobs.incoming() as incoming:
        while data := file.read(CHUNK):
            digest.update(data)
            incoming.write(data)
        size = incoming.size
        incoming.commit(digest.hexdigest())
    blobs.sync()
    return digest.hexdigest(), size


def _read(path: Path) -> bytes:
    with storage_errors(path):
        return path.read_bytes()


def _wanted(file: DistributionFile) -> WantedFile:
    found = parse_filename(file.filename)
    if not isinstance(found, FileName):
        raise invalid_metadata(file.filename, found)
    try:
        check_format(file.filename)
    except ArtifactError as error:
        raise invalid_metadata(file.filename, error.message) from error
    return WantedFile(
        name=found.name,
        version=file.version,
        filename=file.filename,
        url=file.url,
        sha256=file.sha256,
        size=file.size,
        kind=file.kind,
    )


def _unfit(label: str, reason: str) -> BuildError:
    return BuildError(
        f"the wheel built of {label} is refused: {reason}",
        code="BUILD_WHEEL",
        hint="tell the project's authors, or choose a version that has a wheel",
    )
