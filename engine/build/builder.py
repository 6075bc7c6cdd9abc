"""Wheels and metadata of source distributions, each built once and then remembered."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Protocol, TypeAlias, TypeVar

import anyio
import anyio.to_thread
import msgspec

from ppm.engine.build.cache import BuiltWheels
from ppm.engine.build.frontend import Workplace, build_metadata, build_wheel
from ppm.engine.build.lineage import CONTEXTUAL, Waiting, building
from ppm.engine.build.model import (
    BackendWheel,
    BuildEnvironment,
    BuiltRecord,
    BuiltWheel,
    HookLimits,
    SourceLimits,
)
from ppm.engine.build.provision import Provisioner, step_of
from ppm.engine.build.room import Room, build_room
from ppm.engine.build.source import check_format, unpack_sdist
from ppm.engine.environment.interpreter import Interpreter
from ppm.engine.environment.staging import remove_stale_in
from ppm.engine.errors import ArtifactError, BuildError, PpmError
from ppm.engine.files import storage_errors
from ppm.engine.index.filenames import FileName, parse_filename
from ppm.engine.index.metadata import invalid_metadata, parse_metadata
from ppm.engine.index.model import CoreMetadata, DistributionFile
from ppm.engine.index.once import OnceMap
from ppm.engine.paths import HomePaths
from ppm.engine.ports import Progress
from ppm.engine.store.blobs import CHUNK, BlobStore
from ppm.engine.store.model import StoredFile, WantedFile, WheelTree
from ppm.events.artifact import ArtifactBuilt

T = TypeVar("T")

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
        unpacker: Unpacks what was built.
        fetch_source: Brings source distributions that the store does not have.
        provisioner: Makes the environments.
        progress: Is told what is being built.
        on_built: Is told what was built.
        settings: Bounds.
    """

    def __init__(
        self,
        *,
        home: HomePaths,
        interpreter: Interpreter,
        blobs: BlobStore,
        unpacker: Unpacker,
        fetch_source: FetchSource,
        provisioner: Provisioner,
        progress: Progress,
        on_built: OnBuilt | None = None,
        settings: BuildSettings | None = None,
    ) -> None:
        self._builds = home.store / "builds"
        self._cache = BuiltWheels(home.store / "built", blobs)
        self._interpreter = interpreter
        self._blobs = blobs
        self._unpacker = unpacker
        self._fetch_source = fetch_source
        self._provisioner = provisioner
        self._progress = progress
        self._on_built = on_built
        self._settings = settings or BuildSettings()
        self._slots = anyio.CapacityLimiter(self._settings.jobs or os.cpu_count() or 1)
        self._waiting = Waiting()
        self._wheels: _Once[BuiltWheel] = _Once()
        self._metadata: _Once[CoreMetadata] = _Once()
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

    async def _wheel(self, wanted: WantedFile) -> BuiltWheel:
        source = await self._source(wanted)
        if (known := await self._known(wanted, source)) is not None:
            return known
        async with self._workplace(wanted, source) as (place, provision):
            made = await build_wheel(place, provision)
            return await self._take_in(made, wanted, source)
'''+"" if False else None
