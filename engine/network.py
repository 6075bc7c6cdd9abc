"""What a command does over the network, on one HTTP session: ask the index, fetch, build."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import anyio
import msgspec

from ppm.engine.errors import ArtifactError
from ppm.engine.index.client import IndexClient
from ppm.engine.index.filenames import FileName, parse_filename
from ppm.engine.index.model import CoreMetadata, DistributionFile
from ppm.engine.index.transport import Transport
from ppm.engine.ledger.group import GroupCommit
from ppm.engine.redact import strip_credentials
from ppm.engine.resolve.problem import Resolution, ResolvedPackage
from ppm.engine.runtime import Runtime
from ppm.engine.store.model import StoredFile, WantedFile, WheelTree
from ppm.engine.store.workers import UnpackPool
from ppm.events.artifact import ArtifactBuilt, ArtifactFetched, ArtifactRefused
from ppm.events.catalog import AnyEvent
from ppm.projections.lock import LockedPackage

if TYPE_CHECKING:
    from ppm.engine.build.builder import Builder
    from ppm.engine.direct.bringing import Bringer
    from ppm.engine.fetch.pipeline import FetchedWheel
    from ppm.engine.index.ladder import BuildMetadata

Record = Callable[[Sequence[AnyEvent]], object]
"""Appends events; durable on return."""

Answer = TypeVar("Answer")


def on_network(
    runtime: Runtime,
    record: Record,
    work: Callable[[Network], Awaitable[Answer]],
    *,
    unpackers: int = 0,
) -> Answer:
    """Run ``work`` on an event loop with an open session; ends everything it started.

    Args:
        runtime: The command's parts.
        record: Takes what happens on the way.
        work: What to do.
        unpackers: Worker processes for unpacking, begun before the loop and its threads are; 0
            where little or nothing is to be unpacked.
    """

    async def session() -> Answer:
        settings = runtime.index_settings
        async with Transport(
            credentials=settings.credentials, ca_file=settings.ca_file, offline=runtime.offline
        ) as transport:
            return await work(Network(runtime, transport, pool, record))

    # What killed commands left half-done.
    runtime.blobs.discard_abandoned()
    runtime.wheels.discard_abandoned()
    with UnpackPool(runtime.wheels, processes=unpackers) as pool:
        return anyio.run(session)


class Network:
    """An open session; made by :func:`on_network`."""

    def __init__(
        self, runtime: Runtime, transport: Transport, pool: UnpackPool, record: Record
    ) -> None:
        self._runtime = runtime
        self._transport = transport
        self._pool = pool
        self._journal = GroupCommit(record)
        self._clients: dict[tuple[str, bool], IndexClient] = {}
        self.index = self.index_of(runtime.interpreter.target.backend)

    def index_of(self, backend: str, *, builds: bool = True) -> IndexClient:
        """The indexes that are asked with a GPU backend.

        ``builds`` is false for targets that are not this machine's: nothing is built for them.
        """
        known = self._clients.get((backend, builds))
        if known is None:
            known = self._client(backend, self._build_metadata if builds else None)
            self._clients[backend, builds] = known
        return known

    def _client(self, backend: str, build_metadata: BuildMetadata | None) -> IndexClient:
        runtime = self._runtime
        indexes = runtime.indexes(backend)
        return IndexClient(
            indexes,
            transport=self._transport,
            cache=runtime.index_cache,
            offline=runtime.offline,
            whole_file=self._whole_file,
            build_metadata=build_metadata,
            forbidden_is_absent=indexes[:-1],
        )

    @cached_property
    def builder(self) -> Builder:
        """Builds source distributions, in environments of this same engine."""
        from ppm.engine.build.builder import Builder
        from ppm.engine.build.provision import Provisioner

        runtime = self._runtime
        return Builder(
            home=runtime.home,
            interpreter=runtime.interpreter,
            blobs=runtime.blobs,
            trees=runtime.wheels,
            unpacker=self._pool,
            fetch_source=self._fetch_one,
            provisioner=Provisioner(
                source=self.index,
                fetch=self.fetch,
                trees=runtime.wheels,
                interpreter=runtime.interpreter,
                clock=runtime.clock,
            ),
            progress=runtime.progress,
            on_built=self._built,
            on_refused=self._refused,
        )

    @cached_property
    def bringer(self) -> Bringer:
        """Has packages that the project names a place for."""
        from ppm.engine.direct.bringing import Bringer, Places
        from ppm.engine.direct.repository import Repositories

        runtime = self._runtime
        for reference in runtime.references.values():
            if reference.url and reference.kind == "archive":
                runtime.index_settings.credentials.add(reference.url)
        return Bringer(
            places=Places(
                root=runtime.root,
                builds=runtime.home.store / "builds",
                blobs=runtime.blobs,
                wheels=runtime.wheels,
            ),
            builder=self.builder,
            fetch=self.fetch,
            repositories=Repositories(runtime.home.git, offline=runtime.offline),
            asked=runtime.references,
            offline=runtime.offline,
        )

    async def fetch(self, wanted: Sequence[WantedFile]) -> tuple[FetchedWheel, ...]:
        """Have files in the store; each that arrives or is refused is an event."""
        from ppm.engine.fetch.pipeline import fetch
        from ppm.engine.hashing.cpu import CpuHasher

        return await fetch(
            wanted,
            transport=self._transport,
            blobs=self._runtime.blobs,
            wheels=self._runtime.wheels,
            hasher=CpuHasher(),
            unpack_pool=self._pool,
            progress=self._runtime.progress,
            on_stored=self._stored,
            on_refused=self._refused,
        )

    async def _stored(self, files: Sequence[StoredFile]) -> None:
        await self._journal.record([fetched_event(file) for file in files])
        for file in files:
            path = self._runtime.blobs.path(file.sha256)
            self._runtime.progress.detail(f"cached {file.wanted.filename} to {path}")
            self._runtime.progress.detail(f"integrity {file.device} sha256 {file.sha256}")

    async def _refused(self, wanted: WantedFile, error: ArtifactError) -> None:
        refused = ArtifactRefused(
            name=wanted.name,
            version=wanted.version,
            filename=wanted.filename,
            source=strip_credentials(wanted.url),
            code=error.code,
            reason=error.message,
        )
        await self._journal.record([refused])
        # What the index says of it now may be something else.
        runtime = self._runtime
        for index in runtime.indexes(runtime.interpreter.target.backend):
            await anyio.to_thread.run_sync(runtime.index_cache.forget_page, index, wanted.name)

    async def _built(self, event: ArtifactBuilt) -> None:
        await self._journal.record([event])

    async def trees(
        self, wanted: Sequence[WantedFile], placed: Sequence[LockedPackage] = ()
    ) -> dict[str, WheelTree]:
        """The unpacked wheel of each file, by package name; source distributions are built.

        ``placed`` are locked packages from direct references.
        """
        from ppm.engine.fetch.streams import single_failure

        fetched = await self.fetch(wanted)
        trees = {one.stored.wanted.name: one.tree for one in fetched if one.tree is not None}

        async def build(source: WantedFile) -> None:
            trees[source.name] = (await self.builder.wheel_for(source)).tree

        async def bring(package: LockedPackage) -> None:
            trees[package.name] = await self.bringer.tree(package)

        with single_failure():
            async with anyio.create_task_group() as builds:
                for file in wanted:
                    if file.kind == "sdist":
                        builds.start_soon(build, file)
                for package in placed:
                    builds.start_soon(bring, package)
        return trees

    async def _fetch_one(self, wanted: WantedFile) -> StoredFile:
        (fetched,) = await self.fetch([wanted])
        return fetched.stored

    async def _whole_file(self, file: DistributionFile) -> Path:
        """The path of a file in the store, brought there for the metadata that is in it."""
        stored = await self._fetch_one(wanted_file(file))
        return self._runtime.blobs.path(stored.sha256)

    async def _build_metadata(self, file: DistributionFile) -> CoreMetadata:
        return await self.builder.metadata_for(file)

    async def with_digests(self, resolution: Resolution) -> Resolution:
        """The resolution with the digest of every file: those the index gave none for are fetched.

        Trust on first use: what arrives now is what the lock pins.
        """
        nameless = [one for one in resolution.packages if not one.file.sha256]
        if not nameless:
            return resolution
        fetched = await self.fetch([wanted_file(package.file) for package in nameless])
        found = {one.stored.wanted.name: one.stored for one in fetched}
        packages = tuple(_with_digest(one, found.get(one.name)) for one in resolution.packages)
        return msgspec.structs.replace(resolution, packages=packages)


def fetched_event(stored: StoredFile) -> ArtifactFetched:
    """The fact that a file arrived."""
    return ArtifactFetched(
        name=stored.wanted.name,
        version=stored.wanted.version,
        filename=stored.wanted.filename,
        sha256=stored.sha256,
        size=stored.size,
        source=strip_credentials(stored.wanted.url),
        device=stored.device,
    )


def wanted_file(file: DistributionFile) -> WantedFile:
    """What to fetch for a file of an index page."""
    named = parse_filename(file.filename)
    return WantedFile(
        name=named.name if isinstance(named, FileName) else "",
        version=file.version,
        filename=file.filename,
        url=file.url,
        sha256=file.sha256,
        size=file.size,
        kind=file.kind,
    )


def _with_digest(package: ResolvedPackage, stored: StoredFile | None) -> ResolvedPackage:
    if stored is None:
        return package
    file = msgspec.structs.replace(package.file, sha256=stored.sha256, size=stored.size)
    return msgspec.structs.replace(package, file=file)
