"""The last two stages: into the store, on record, unpacked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from ppm.engine.fetch.plan import WHEEL
from ppm.engine.fetch.refused import OnRefused, refusal_told
from ppm.engine.fetch.seams import Blobs, Unpacker
from ppm.engine.fetch.streams import waiting_items
from ppm.engine.fetch.writing import Transfer
from ppm.engine.store.model import StoredFile, WheelTree

OnStored: TypeAlias = Callable[[Sequence[StoredFile]], Awaitable[None]]


async def store(
    checked: MemoryObjectReceiveStream[Transfer],
    stored: MemoryObjectSendStream[StoredFile],
    *,
    blobs: Blobs,
    on_stored: OnStored,
) -> None:
    """Commit what has been checked, sync once for everything that waits, then say so.

    A batch that has begun is finished even if the pipeline is being stopped: what is in the store
    under its name shall be on record.
    """
    async with checked, stored:
        async for first in checked:
            batch = [first, *waiting_items(checked)]
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(_commit, batch, blobs)
                files = tuple(_stored_file(transfer) for transfer in batch)
                await on_stored(files)
            for file in files:
                await stored.send(file)


def _commit(batch: Sequence[Transfer], blobs: Blobs) -> None:
    for transfer in batch:
        transfer.partial.commit(transfer.sha256)
    blobs.sync()


def _stored_file(transfer: Transfer) -> StoredFile:
    return StoredFile(
        wanted=transfer.wanted,
        sha256=transfer.sha256,
        size=transfer.partial.size,
        device=transfer.device,
        fresh=True,
    )


class Unpacking:
    """The stage that turns stored wheels into trees, each digest once."""

    def __init__(
        self, pool: Unpacker, trees: dict[str, WheelTree], on_refused: OnRefused | None
    ) -> None:
        self.trees = trees
        self._pool = pool
        self._on_refused = on_refused
        self._begun = set(trees)

    async def run(self, stored: MemoryObjectReceiveStream[StoredFile]) -> None:
        """Unpack until the stream ends; several tasks may do so side by side."""
        async with stored:
            async for file in stored:
                if file.wanted.kind == WHEEL and file.sha256 not in self._begun:
                    self._begun.add(file.sha256)
                    async with refusal_told(file.wanted, self._on_refused):
                        self.trees[file.sha256] = await self._unpack(file)

    async def _unpack(self, file: StoredFile) -> WheelTree:
        wanted = file.wanted
        return await self._pool.unpack(file.sha256, wanted.filename, wanted.name, wanted.version)
