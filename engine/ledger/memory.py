"""A ledger that lives as long as the process."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ppm.engine.errors import LedgerError
from ppm.events.chain import ChainError, link, seal
from ppm.events.codec import Codec, CodecError
from ppm.events.envelope import Draft, Head, Record


class MemoryLedger:
    """Keeps the same lines as the file ledger, in a list. See :class:`ppm.engine.ports.Ledger`."""

    def __init__(self, codec: Codec | None = None) -> None:
        self._codec = codec or Codec()
        self._lock = threading.Lock()
        self._lines: list[bytes] = []
        self._heads: list[Head] = [Head()]

    @property
    def lines(self) -> tuple[bytes, ...]:
        """The raw lines, each with its newline."""
        return tuple(self._lines)

    def read(self, after: Head = Head()) -> Iterator[Record]:  # noqa: B008 - frozen value
        """Records after ``after``; see the port."""
        if not self.holds(after):
            raise LedgerError(f"the ledger has no record {after.seq} with that digest")
        head = after
        for number, line in enumerate(self._lines[after.seq :], start=after.seq + 1):
            try:
                record = link(head, line[:-1], self._codec)
            except (ChainError, CodecError) as error:
                raise LedgerError(f"line {number}: {error}") from error
            yield record
            head = Head(record.seq, record.digest, record.end)

    def holds(self, head: Head) -> bool:
        """Whether ``head`` is a place of this ledger."""
        return head.seq < len(self._heads) and self._heads[head.seq] == head

    def back(self, size: int) -> Head:
        """The last place ``size`` bytes or more before the end; see the port."""
        end = self._heads[-1].end - size
        return next((head for head in reversed(self._heads) if head.end <= end), Head())

    @contextmanager
    def writer(self) -> Iterator[_Writer]:
        """The exclusive right to append."""
        with self._lock:
            yield _Writer(self._lines, self._heads, self._codec)


class _Writer:
    def __init__(self, lines: list[bytes], heads: list[Head], codec: Codec) -> None:
        self._lines = lines
        self._heads = heads
        self._codec = codec
        self.head = heads[-1]

    def append(self, drafts: Sequence[Draft], *, sync: bool = True) -> tuple[Record, ...]:
        del sync  # Memory has nothing to sync.
        lines, records = seal(self.head, drafts, self._codec)
        self._lines.extend(lines)
        self._heads.extend(Head(record.seq, record.digest, record.end) for record in records)
        self.head = self._heads[-1]
        return tuple(records)
