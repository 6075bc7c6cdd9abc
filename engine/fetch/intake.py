"""Reading one body: counted, bounded, handed over in pieces."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from ppm.engine.errors import IndexFailure, PpmError
from ppm.engine.fetch import refusals
from ppm.engine.fetch.limits import FetchLimits
from ppm.engine.fetch.pace import Pace
from ppm.engine.fetch.ranges import Body
from ppm.engine.fetch.tries import Broken
from ppm.engine.fetch.writing import Transfer, Writer

_BROKEN_CONNECTION = "INDEX_UNREACHABLE"


class Intake:
    """The bytes of one try.

    ``held`` are those that are not handed over yet; ``complete`` says that none are missing.
    """

    def __init__(
        self,
        transfer: Transfer,
        *,
        writer: Writer,
        limits: FetchLimits,
        report: Callable[[Transfer, int], None],
    ) -> None:
        self.transfer = transfer
        self.held: list[bytes] = []
        self.complete = False
        self._held_size = 0
        self._writer = writer
        self._limits = limits
        self._report = report

    async def read(self, body: Body, chunks: AsyncIterator[bytes], pace: Pace) -> None:
        """Take ``chunks``, the bytes of the file from ``body.start`` on, until they end.

        Raises:
            Broken: They ended early.
            ArtifactError: ``SIZE_MISMATCH`` or ``TOO_LARGE``, as soon as that is known.
        """
        total = self._announced(body)
        position = body.start
        try:
            pace.waiting()
            async for chunk in chunks:
                pace.arrived(len(chunk))
                position += len(chunk)
                self._bound(position, total)
                await self._take(chunk, position)
                pace.waiting()
        except IndexFailure as failure:
            raise Broken(self._early_end(failure, position, total)) from failure
        if position < total:
            raise Broken(refusals.truncated(self.transfer.wanted, position, total))
        self.complete = True

    async def _take(self, chunk: bytes, position: int) -> None:
        self.held.append(chunk)
        self._held_size += len(chunk)
        self._report(self.transfer, position)
        if self._held_size < self._limits.piece_size:
            return
        # Let go first: a try that is ended while it waits here must not hand them over twice.
        piece, self.held, self._held_size = self.held, [], 0
        await self._writer.append(self.transfer, piece)

    def _announced(self, body: Body) -> int:
        wanted = self.transfer.wanted
        if wanted.size and body.total and wanted.size != body.total:
            raise refusals.size_mismatch(wanted, body.total)
        total = wanted.size or body.total
        if total > self._limits.maximum_size:
            raise refusals.too_large(wanted, self._limits.maximum_size)
        return total

    def _bound(self, position: int, total: int) -> None:
        if total and position > total:
            raise refusals.overrun(self.transfer.wanted, total)
        if position > self._limits.maximum_size:
            raise refusals.too_large(self.transfer.wanted, self._limits.maximum_size)

    def _early_end(self, failure: IndexFailure, position: int, total: int) -> PpmError:
        if failure.code == _BROKEN_CONNECTION and position < total:
            return refusals.truncated(self.transfer.wanted, position, total)
        return failure
