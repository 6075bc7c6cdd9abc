"""The fetch pipeline: download, hash and write as bytes arrive, check, sync, record, unpack.

    downloads ──pieces──▶ writer          one thread hop writes and hashes what all of them brought
        │
        └──checked files──▶ store ──stored files──▶ unpacking
                            sync once for many,     in worker processes
                            then on record

Stages are tasks of one task group joined by bounded streams: a slow stage slows the ones before it,
a failing or cancelled one ends them all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

import anyio
import msgspec
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from ppm.engine.errors import ArtifactError
from ppm.engine.fetch.download import Downloader
from ppm.engine.fetch.limits import FetchLimits
from ppm.engine.fetch.pace import Watch
from ppm.engine.fetch.partial import Partial
from ppm.engine.fetch.plan import WHEEL, FetchPlan, already_stored, identity, make_plan
from ppm.engine.fetch.refused import STORE_DAMAGE, OnRefused, refusal_told
from ppm.engine.fetch.seams import Blobs, Source, Unpacker, Wheels
from ppm.engine.fetch.storing import OnStored, Unpacking, store
from ppm.engine.fetch.streams import single_failure
from ppm.engine.fetch.writing import Transfer, Writer
from ppm.engine.ports import Hasher, Progress
from ppm.engine.store.model import StoredFile, WantedFile, WheelTree

_RESUMABLE = "TRUNCATED"
_OPENERS = 4


class FetchedWheel(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A file in the store, and for a wheel what it unpacks to (``None`` for an sdist)."""

    stored: StoredFile
    tree: WheelTree | None


async def fetch(
    wanted: Sequence[WantedFile],
    *,
    transport: Source,
    blobs: Blobs,
    wheels: Wheels,
    hasher: Hasher,
    unpack_pool: Unpacker,
    progress: Progress,
    on_stored: OnStored,
    on_refused: OnRefused | None = None,
    limits: FetchLimits | None = None,
) -> tuple[FetchedWheel, ...]:
    """Have every wanted file in the store and every wheel unpacked.

    Args:
        wanted: Files with one digest (without: with one URL) are fetched once. A file without a
            digest is taken as it comes; its digest is in the result.
        transport: HTTP; not asked for ``file://`` URLs and paths.
        blobs: Where files go.
        wheels: Where unpacked wheels are.
        hasher: Gets the pieces of all files, batch by batch, always from one thread at a time.
        unpack_pool: Does the unpacking.
        progress: Is told bytes as they arrive, each once.
        on_stored: Called with files that arrived just now, once they are synced; those that the
            store had already are not told. What it raises ends the pipeline.
        on_refused: Called with a file that is not what was promised, before the error is raised.
        limits: Connections, retries, time and size.

    Returns:
        One for each of ``wanted``, in its order. ``fresh`` is set once per downloaded file.

    Raises:
        ArtifactError: ``HASH_MISMATCH``, ``SIZE_MISMATCH``, ``TRUNCATED``, ``TOO_LARGE``,
            ``MISSING_FILE``, or what unpacking refuses.
        IndexFailure: The index cannot be reached, refuses, or is too slow.
        StorageError: The disk refused.
    """
    arrived: dict[str, StoredFile] = {}

    async def note_stored(files: Sequence[StoredFile]) -> None:
        arrived.update((identity(file.wanted), file) for file in files)
        await on_stored(files)

    async def once() -> tuple[FetchedWheel, ...]:
        plan = await anyio.to_thread.run_sync(make_plan, wanted, blobs, wheels)
        unpacking = Unpacking(unpack_pool, plan.trees, on_refused)
        if plan.missing or plan.unpack:
            run = _Run(
                plan,
                transport=transport,
                blobs=blobs,
                hasher=hasher,
                progress=progress,
                on_refused=on_refused,
                limits=limits or FetchLimits(),
            )
            await run.all(unpacking, note_stored)
        return tuple(_results(wanted, plan, arrived, unpacking.trees))

    try:
        return await once()
    except ArtifactError as error:
        if error.code not in STORE_DAMAGE:
            raise
        progress.detail(f"fetching again: {error.message}")
        return await once()


class _Run:
    """One run of the stages; ``_opened`` are the transfers to let go of when it is over."""

    def __init__(
        self,
        plan: FetchPlan,
        *,
        transport: Source,
        blobs: Blobs,
        hasher: Hasher,
        progress: Progress,
        on_refused: OnRefused | None,
        limits: FetchLimits,
    ) -> None:
        self._plan = plan
        self._blobs = blobs
        self._progress = progress
        self._on_refused = on_refused
        self._limits = limits
        self._writer = Writer(hasher, limits)
        self._watch = Watch(limits)
        self._downloader = Downloader(
            transport=transport,
            writer=self._writer,
            watch=self._watch,
            progress=progress,
            limits=limits,
        )
        self._waiting = deque(plan.missing)
        self._opened: list[Transfer] = []
        self._openers = anyio.CapacityLimiter(_OPENERS)

    async def all(self, unpacking: Unpacking, on_stored: OnStored) -> None:
        """From the first request to the last unpacked wheel."""
        files = len(self._plan.missing) + len(self._plan.unpack)
        checked_in, checked_out = anyio.create_memory_object_stream[Transfer](files)
        stored_in, stored_out = anyio.create_memory_object_stream[StoredFile](files)
        for file in self._plan.unpack:
            stored_in.send_nowait(file)
        try:
            with single_failure(), stored_out:
                async with anyio.create_task_group() as stages:
                    for _ in range(min(files, self._limits.unpackings)):
                        stages.start_soon(unpacking.run, stored_out.clone())
                    stages.start_soon(self._store, checked_out, stored_in, on_stored)
                    await self._download_all(checked_in)
        finally:
            self._writer.close()
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(self._let_go)

    async def _store(
        self,
        checked: MemoryObjectReceiveStream[Transfer],
        stored: MemoryObjectSendStream[StoredFile],
        on_stored: OnStored,
    ) -> None:
        await store(checked, stored, blobs=self._blobs, on_stored=on_stored)

    async def _download_all(self, checked: MemoryObjectSendStream[Transfer]) -> None:
        self._tell_what_comes()
        async with checked, anyio.create_task_group() as helpers:
            helpers.start_soon(self._writer.run)
            helpers.start_soon(self._watch.run)
            async with anyio.create_task_group() as downloads:
                for _ in range(min(len(self._waiting), self._limits.connections)):
                    downloads.start_soon(self._download, checked)
            helpers.cancel_scope.cancel()

    def _tell_what_comes(self) -> None:
        files = self._plan.missing
        if files:
            sizes = [file.size for file in files]
            self._progress.stage(f"downloading {len(files)} file{'s' if len(files) > 1 else ''}")
            self._progress.expect(len(files), sum(sizes) if all(sizes) else 0)
        else:
            self._progress.stage("unpacking")

    async def _download(self, checked: MemoryObjectSendStream[Transfer]) -> None:
        while self._waiting:
            wanted = self._waiting.popleft()
            self._progress.detail(f"downloading {wanted.filename}")
            transfer = await self._open(wanted)
            async with refusal_told(wanted, self._on_refused):
                await self._bring(transfer)
            await checked.send(transfer)

    async def _open(self, wanted: WantedFile) -> Transfer:
        # The list is filled in the thread: a cancelled task would lose what the thread returns.
        def open_partial() -> Transfer:
            transfer = Transfer(wanted, Partial(self._blobs, wanted.sha256))
            self._opened.append(transfer)
            return transfer

        return await anyio.to_thread.run_sync(open_partial, limiter=self._openers)

    async def _bring(self, transfer: Transfer) -> None:
        try:
            await self._downloader.bring(transfer)
        except ArtifactError as error:
            transfer.refused = error.code != _RESUMABLE
            raise

    def _let_go(self) -> None:
        """Only now that no thread writes any more."""
        for transfer in self._opened:
            if transfer.refused:
                transfer.partial.discard()
            else:
                transfer.partial.close()


def _results(
    wanted: Sequence[WantedFile],
    plan: FetchPlan,
    arrived: dict[str, StoredFile],
    trees: dict[str, WheelTree],
) -> Iterator[FetchedWheel]:
    stored = {file.sha256: file for file in plan.stored} | arrived
    told: set[str] = set()
    for file in wanted:
        key = identity(file)
        known = stored[key]
        if not known.fresh or key in told:
            known = already_stored(file, known.sha256, known.size)
        told.add(key)
        yield FetchedWheel(stored=known, tree=trees[known.sha256] if file.kind == WHEEL else None)
