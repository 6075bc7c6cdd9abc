"""Writing and hashing: one stage for all downloads.

Pieces of many files queue up here; each hop into a thread takes everything that waits, writes it
and feeds it to the hasher, so that the event loop never blocks, a hop is paid for many pieces, and
the hasher sees the lanes side by side. Pieces of one file are carried out in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import assert_never

import anyio

from ppm.engine.fetch.limits import FetchLimits
from ppm.engine.fetch.partial import Partial
from ppm.engine.fetch.streams import waiting_items
from ppm.engine.ports import Hasher
from ppm.engine.store.model import WantedFile


class Transfer:
    """One file on its way into the store; it changes as it goes and belongs to one download.

    ``partial.size`` counts what the writing stage has carried out; ``sha256`` and ``device`` are
    set once the file is finished. ``validator`` is that of the answer being read. ``spliced`` says
    that the bytes come from more than one answer; ``reported`` how many were told as progress;
    ``refused`` that nothing of it is worth keeping.
    """

    def __init__(self, wanted: WantedFile, partial: Partial) -> None:
        self.wanted = wanted
        self.partial = partial
        self.validator = partial.validator
        self.spliced = partial.size > 0
        self.reported = 0
        self.refused = False
        self.sha256 = ""
        self.device = ""


class Act(Enum):
    """What to do with a piece."""

    APPEND = auto()
    REHASH = auto()
    CLEAR = auto()
    FINISH = auto()


@dataclass(slots=True, eq=False)
class Piece:
    """Bytes of one file; ``done`` is set once they are written and hashed."""

    transfer: Transfer
    act: Act
    chunks: Sequence[bytes] = ()
    done: anyio.Event | None = None


class Writer:
    """The stage. :meth:`run` is its task; the other methods are for the downloads."""

    def __init__(self, hasher: Hasher, limits: FetchLimits) -> None:
        self._hasher = hasher
        self._lanes: dict[Transfer, int] = {}
        self._send, self._receive = anyio.create_memory_object_stream[Piece](limits.queued_pieces)

    async def append(self, transfer: Transfer, chunks: Sequence[bytes]) -> None:
        """Hand over bytes; waits while too many pieces are queued."""
        await self._send.send(Piece(transfer, Act.APPEND, chunks))

    async def rehash(self, transfer: Transfer, chunks: Sequence[bytes]) -> None:
        """Hand over bytes that the partial file holds already."""
        await self._send.send(Piece(transfer, Act.REHASH, chunks))

    async def settle(self, transfer: Transfer, chunks: Sequence[bytes] = ()) -> None:
        """Hand over bytes and wait until all there are of this file are written."""
        await self._wait(Piece(transfer, Act.APPEND, chunks, anyio.Event()))

    async def clear(self, transfer: Transfer) -> None:
        """Begin the file again at its first byte."""
        await self._wait(Piece(transfer, Act.CLEAR, (), anyio.Event()))

    async def finish(self, transfer: Transfer, chunks: Sequence[bytes]) -> None:
        """Hand over the last bytes and wait for the digest."""
        await self._wait(Piece(transfer, Act.FINISH, chunks, anyio.Event()))

    async def _wait(self, piece: Piece) -> None:
        await self._send.send(piece)
        if piece.done is not None:
            await piece.done.wait()

    def close(self) -> None:
        """Nothing more comes and nobody waits."""
        self._send.close()
        self._receive.close()

    async def run(self) -> None:
        """Carry out pieces until cancelled.

        Raises:
            StorageError: The disk refused.
        """
        try:
            while True:
                batch = [await self._receive.receive(), *waiting_items(self._receive)]
                await anyio.to_thread.run_sync(self._carry_out, batch)
                for piece in batch:
                    if piece.done is not None:
                        piece.done.set()
        finally:
            for transfer in tuple(self._lanes):
                self._close_lane(transfer)

    def _carry_out(self, batch: Sequence[Piece]) -> None:
        for piece in batch:
            match piece.act:
                case Act.APPEND:
                    piece.transfer.partial.remember(piece.transfer.validator)
                    self._take(piece, write=True)
                case Act.REHASH:
                    self._take(piece, write=False)
                case Act.CLEAR:
                    self._close_lane(piece.transfer)
                    piece.transfer.partial.clear()
                case Act.FINISH:
                    self._take(piece, write=True)
                    piece.transfer.sha256 = self._close_lane(piece.transfer)
                    piece.transfer.device = self._hasher.device
                case _:
                    assert_never(piece.act)

    def _take(self, piece: Piece, *, write: bool) -> None:
        lane = self._lanes.get(piece.transfer)
        if lane is None:
            lane = self._lanes[piece.transfer] = self._hasher.open()
        # Copying is cheaper than a second round of system call, hash call and interpreter lock.
        data = b"".join(piece.chunks)
        if write:
            piece.transfer.partial.write(data)
        self._hasher.update(lane, data)

    def _close_lane(self, transfer: Transfer) -> str:
        lane = self._lanes.pop(transfer, None)
        return "" if lane is None else self._hasher.finish(lane)
