"""One file, from where it is to the writing stage: whole and as promised, or not at all."""

from __future__ import annotations

from itertools import islice

import anyio

from ppm.engine.errors import ArtifactError
from ppm.engine.fetch import refusals
from ppm.engine.fetch.intake import Intake
from ppm.engine.fetch.limits import FetchLimits
from ppm.engine.fetch.local import local_path, open_local
from ppm.engine.fetch.pace import Pace, Watch
from ppm.engine.fetch.ranges import (
    OK,
    PARTIAL_CONTENT,
    RANGE_NOT_SATISFIABLE,
    Body,
    body_of,
    range_headers,
)
from ppm.engine.fetch.seams import Answer, Source
from ppm.engine.fetch.tries import Broken, Tries
from ppm.engine.fetch.writing import Transfer, Writer
from ppm.engine.ports import Progress

_REHASHED_CHUNKS = 4
_USABLE_STATUS = frozenset({OK, PARTIAL_CONTENT, RANGE_NOT_SATISFIABLE})


class Downloader:
    """Brings files to the writing stage; one object serves all downloads of a pipeline at once."""

    def __init__(
        self,
        *,
        transport: Source,
        writer: Writer,
        watch: Watch,
        progress: Progress,
        limits: FetchLimits,
    ) -> None:
        self._transport = transport
        self._writer = writer
        self._watch = watch
        self._progress = progress
        self._limits = limits

    async def bring(self, transfer: Transfer) -> None:
        """Have every byte of the file written and hashed, and hold it against what was promised.

        Raises:
            ArtifactError: ``HASH_MISMATCH``, ``SIZE_MISMATCH``, ``TRUNCATED``, ``TOO_LARGE``,
                ``MISSING_FILE``.
            IndexFailure: From the transport; ``INDEX_TIMEOUT`` beyond the limits.
            StorageError: A local file cannot be read.
        """
        await self._rehash(transfer)
        await self._receive(transfer)
        try:
            refusals.check(transfer.wanted, sha256=transfer.sha256, size=transfer.partial.size)
        except ArtifactError:
            if not transfer.spliced:
                raise
            # What was there before may be to blame: the server's own bytes get their chance.
            await self._begin_again(transfer)
            await self._receive(transfer)
            refusals.check(transfer.wanted, sha256=transfer.sha256, size=transfer.partial.size)

    async def _rehash(self, transfer: Transfer) -> None:
        """Hash what an earlier run left, as if it had arrived now."""
        if not transfer.partial.size:
            return
        if not _may_continue(transfer):
            await self._begin_again(transfer)
            return
        chunks = transfer.partial.chunks()
        while block := await anyio.to_thread.run_sync(list, islice(chunks, _REHASHED_CHUNKS)):
            await self._writer.rehash(transfer, block)
        self._report(transfer, transfer.partial.size)

    async def _begin_again(self, transfer: Transfer) -> None:
        await self._writer.clear(transfer)
        transfer.spliced = False
        transfer.validator = ""

    async def _receive(self, transfer: Transfer) -> None:
        tries = Tries(self._limits)
        while True:
            try:
                rest = await self._try(transfer, tries.deadline)
            except Broken as broken:
                await tries.pause(broken, transfer.partial.size)
            else:
                await self._writer.finish(transfer, rest)
                return

    async def _try(self, transfer: Transfer, deadline: float) -> list[bytes]:
        """One request; returns the bytes that are left to write once it has brought everything.

        Raises:
            Broken: It has not. What came is written.
        """
        intake = Intake(transfer, writer=self._writer, limits=self._limits, report=self._report)
        try:
            await self._watched(intake, deadline)
        except Broken:
            await self._writer.settle(transfer, intake.held)
            raise
        return intake.held

    async def _watched(self, intake: Intake, deadline: float) -> None:
        with self._watch.over(deadline) as pace:
            await self._read(intake, pace)
        if not intake.complete:
            raise Broken(refusals.stalled(intake.transfer.wanted, pace.verdict))

    async def _read(self, intake: Intake, pace: Pace) -> None:
        wanted = intake.transfer.wanted
        path = local_path(wanted.url)
        if path is None:
            await self._request(intake, pace)
            return
        if intake.transfer.partial.size:
            await self._begin_again(intake.transfer)
        body, chunks = await open_local(wanted, path)
        await intake.read(body, chunks, pace)

    async def _request(self, intake: Intake, pace: Pace) -> None:
        transfer = intake.transfer
        if not _may_continue(transfer):
            await self._begin_again(transfer)
        offset = transfer.partial.size
        if offset and offset == transfer.wanted.size:
            intake.complete = True
            return
        headers = range_headers(offset, transfer.validator)
        async with self._transport.get(transfer.wanted.url, headers) as answer:
            body = await self._body(transfer, answer, offset)
            intake.complete = body.complete
            if not body.complete:
                await intake.read(body, answer.chunks(), pace)

    async def _body(self, transfer: Transfer, answer: Answer, offset: int) -> Body:
        if answer.status not in _USABLE_STATUS:
            raise answer.unexpected()
        body = body_of(answer.status, answer.headers, offset=offset, validator=transfer.validator)
        if body is None or body.start < offset:
            await self._begin_again(transfer)
        if body is None:
            raise Broken(refusals.range_refused(transfer.wanted))
        if body.start == 0:
            transfer.validator, transfer.spliced = body.validator, False
        else:
            transfer.validator, transfer.spliced = body.validator or transfer.validator, True
        return body

    def _report(self, transfer: Transfer, position: int) -> None:
        """Tell progress once for each byte, however often it had to come."""
        if position > transfer.reported:
            self._progress.advance(position - transfer.reported)
            transfer.reported = position


def _may_continue(transfer: Transfer) -> bool:
    """Whether the next try may go on after the bytes that are there.

    Without a digest to hold the whole against, only the server can say that they still fit.
    """
    size, wanted = transfer.partial.size, transfer.wanted
    if not size:
        return True
    fits = not wanted.size or size <= wanted.size
    return fits and bool(wanted.sha256 or transfer.validator)
