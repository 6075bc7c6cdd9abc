"""Group commit: many tasks record events, few fsyncs make them durable."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import anyio
import anyio.to_thread

from ppm.events.catalog import AnyEvent


class GroupCommit:
    """Collects what tasks record while one append is under way and writes it with the next.

    Args:
        record: The synchronous append; durable on return. Runs in a worker thread.
    """

    def __init__(self, record: Callable[[Sequence[AnyEvent]], object]) -> None:
        self._record = record
        self._lock = anyio.Lock()
        self._waiting: list[AnyEvent] = []
        self._offered = 0
        self._durable = 0
        self._failure: BaseException | None = None

    async def record(self, events: Sequence[AnyEvent]) -> None:
        """Return when ``events`` are on the disk.

        Raises:
            StorageError: They may not be; every later call raises the same.
        """
        self._waiting.extend(events)
        self._offered += len(events)
        mine = self._offered
        async with self._lock:
            if self._failure is not None:
                raise self._failure
            if self._durable >= mine:
                return
            batch, self._waiting = self._waiting, []
            try:
                await anyio.to_thread.run_sync(self._record, batch)
            except Exception as error:
                self._failure = error
                raise
            self._durable += len(batch)
