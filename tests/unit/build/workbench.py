"""A builder with all its real neighbours: index, pipeline, store, resolver, generations."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import anyio
import pytest
from unit.fetch.harness import NotedProgress

from ppm.engine.build.builder import Builder, BuildSettings
from ppm.engine.build.model import BuiltWheel
from ppm.engine.build.provision import Provisioner
from ppm.engine.clock import SteppingClock
from ppm.engine.environment.interpreter import Interpreter
from ppm.engine.errors import ArtifactError, BuildError
from ppm.engine.fetch.pipeline import FetchedWheel, fetch
from ppm.engine.hashing.cpu import CpuHasher
from ppm.engine.index.cache import IndexCache
from ppm.engine.index.client import IndexClient
from ppm.engine.index.credentials import Credentials
from ppm.engine.index.filenames import FileName, parse_filename
from ppm.engine.index.model import CoreMetadata, DistributionFile
from ppm.engine.index.transport import Transport
from ppm.engine.paths import HomePaths
from ppm.engine.store.model import StoredFile, WantedFile
from ppm.engine.store.wheels import WheelStore
from ppm.engine.store.workers import UnpackPool
from ppm.events.artifact import ArtifactBuilt

T = TypeVar("T")


@dataclass
class Workbench:
    """One command after another over the same ``PPM_HOME``; each has a builder of its own."""

    home: HomePaths
    index_url: str
    interpreter: Interpreter
    settings: BuildSettings = field(default_factory=BuildSettings)
    progress: NotedProgress = field(default_factory=NotedProgress)
    built: list[ArtifactBuilt] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)

    @property
    def store(self) -> WheelStore:
        return WheelStore(self.home.store)

    @property
    def rooms(self) -> list[Path]:
        """What builds left behind."""
        builds = self.home.store / "builds"
        return sorted(builds.iterdir()) if builds.is_dir() else []

    def run(self, work: Callable[[Builder], Awaitable[T]]) -> T:
        """One command."""
        store = self.store
        with UnpackPool(store, processes=0) as pool:

            async def command() -> T:
                async with Transport(credentials=Credentials()) as transport:
                    return await work(self._builder(store, pool, transport))

            return anyio.run(command)

    def _builder(self, store: WheelStore, pool: UnpackPool, transport: Transport) -> Builder:
        async def bring(wanted: Sequence[WantedFile]) -> Sequence[FetchedWheel]:
            return await fetch(
                wanted,
                transport=transport,
                blobs=store.blobs,
                wheels=store,
                hasher=CpuHasher(),
                unpack_pool=pool,
                progress=self.progress,
                on_stored=self._note_stored,
            )

        async def bring_source(wanted: WantedFile) -> StoredFile:
            return (await bring([wanted]))[0].stored

        async def build_metadata(file: DistributionFile) -> CoreMetadata:
            return await builder.metadata_for(file)

        client = IndexClient(
            [self.index_url],
            transport=transport,
            cache=IndexCache(self.home.index),
            build_metadata=build_metadata,
        )
        builder = Builder(
            home=self.home,
            interpreter=self.interpreter,
            blobs=store.blobs,
            trees=store,
            unpacker=pool,
            fetch_source=bring_source,
            provisioner=Provisioner(
                source=client,
                fetch=bring,
                trees=store,
                interpreter=self.interpreter,
                clock=SteppingClock(),
            ),
            progress=self.progress,
            on_built=self._note_built,
            on_refused=self._note_refused,
            settings=self.settings,
        )
        return builder

    def build(self, sdist: Path) -> BuiltWheel:
        """One command that builds one wheel."""
        return self.run(lambda builder: builder.wheel_for(want(sdist)))

    def metadata(self, sdist: Path) -> CoreMetadata:
        """One command that asks for the metadata of one file."""
        return self.run(lambda builder: builder.metadata_for(listed(sdist)))

    def failure(self, sdist: Path) -> BuildError:
        """One command that fails to build, and leaves no room behind."""
        with pytest.raises(BuildError) as caught:
            self.build(sdist)
        assert self.rooms == []
        assert self.built == []
        return caught.value

    async def _note_stored(self, files: Sequence[StoredFile]) -> None:
        self.fetched += [file.wanted.filename for file in files]

    async def _note_built(self, event: ArtifactBuilt) -> None:
        self.built.append(event)

    async def _note_refused(self, wanted: WantedFile, error: ArtifactError) -> None:
        self.refused.append((wanted.filename, error.code))


def want(path: Path) -> WantedFile:
    """A source distribution on this machine, as a lock pins it."""
    found = parse_filename(path.name)
    assert isinstance(found, FileName)
    data = path.read_bytes()
    return WantedFile(
        name=found.name,
        version=found.version,
        filename=path.name,
        url=path.as_uri(),
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        kind="sdist",
    )


def listed(path: Path) -> DistributionFile:
    """The same as an index lists it."""
    wanted = want(path)
    return DistributionFile(
        filename=wanted.filename,
        url=wanted.url,
        kind="sdist",
        version=wanted.version,
        sha256=wanted.sha256,
        size=wanted.size,
    )
