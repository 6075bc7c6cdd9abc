"""The ledger on disk: ``ledger.jsonl``, appended under an operating-system lock, never rewritten.

What is checked when: a reader checks every line it reads against the chain; whoever starts from a
projection has the lines before it digested, unless they have been and the file is as it was then
(:mod:`ppm.engine.ledger.seen`); a writer stands on the last line, which it decodes. The format is
docs/ledger.md.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ppm.engine.errors import LedgerError
from ppm.engine.files import storage_errors, sync_directory
from ppm.engine.ledger.lines import (
    chain_end,
    last_line_end,
    line_ending_at,
    place_of,
    whole_lines,
)
from ppm.engine.ledger.repair import cut_torn_tail
from ppm.engine.ledger.seen import Stamp, recall, remember, settled, stamp_of
from ppm.engine.ledger.writer import FileWriter
from ppm.engine.locks import exclusive
from ppm.engine.ports import Clock
from ppm.events.chain import ChainError, line_digest, link, link_all
from ppm.events.codec import Codec, CodecError, UnknownEventError
from ppm.events.envelope import Draft, Head, Record

_CONFLICT_MARKERS = (b"<<<<<<<", b"=======", b">>>>>>>", b"|||||||")


def has_records(path: Path) -> bool:
    """Whether a ledger with at least one whole line stands at ``path``."""
    try:
        with path.open("rb") as ledger:
            return ledger.readline().endswith(b"\n")
    except OSError:
        return False  # Not there, or not for us to read.


class FileLedger:
    """The ledger at ``path``; ``lock_path`` is the file whose lock writers hold.

    Args:
        path: ``.ppm/ledger.jsonl``; need not exist yet.
        lock_path: ``.ppm/write.lock``.
        clock: Names the kept bytes of a torn tail and dates the event of its repair.
        actor: ``user@host`` for that event.
        lock_timeout_s: How long a writer waits for another, in seconds.
    """

    def __init__(
        self,
        path: Path,
        lock_path: Path,
        *,
        clock: Clock,
        actor: str,
        codec: Codec | None = None,
        lock_timeout_s: float = 60.0,
    ) -> None:
        self._path = path
        self._lock_path = lock_path
        self._seen_path = path.with_name("ledger.seen")
        self._clock = clock
        self._actor = actor
        self._codec = codec or Codec()
        self._lock_timeout_s = lock_timeout_s

    def read(self, after: Head = Head()) -> Iterator[Record]:  # noqa: B008 - frozen value
        """Records after ``after``; a last line still being written is not one yet.

        Raises:
            LedgerError: A line that is not what the chain demands, by its number.
        """
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            return
        with file:
            file.seek(after.end)
            head = after
            for lines in whole_lines(file):
                try:
                    records = link_all(head, lines, self._codec)
                except (ChainError, CodecError):
                    yield from self._until_wrong(head, lines)
                    return
                yield from records
                last = records[-1]
                head = Head(last.seq, last.digest, last.end)

    def _until_wrong(self, head: Head, lines: Sequence[bytes]) -> Iterator[Record]:
        for line in lines:
            record = self._link(head, line)
            yield record
            head = Head(record.seq, record.digest, record.end)

    def _link(self, head: Head, line: bytes) -> Record:
        try:
            return link(head, line, self._codec)
        except UnknownEventError as error:
            raise LedgerError(
                f"line {head.seq + 1} of {self._path}: {error}",
                code="LEDGER_TOO_NEW",
                hint="update ppm to the version that wrote this ledger",
            ) from error
        except (ChainError, CodecError) as error:
            raise _corrupt(self._path, head.seq + 1, line, str(error)) from error

    def holds(self, head: Head) -> bool:
        """Whether the chain leads to ``head``: every line has been digested, none is decoded.

        Raises:
            LedgerError: A line was changed.
        """
        if head.seq == 0:
            return head == Head()
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            return False
        with file:
            if self._seen(file) is None and not self._check(file):
                return False
            line = line_ending_at(file, head.end)
        return line is not None and place_of(line, head.end) == head

    def _seen(self, file: BinaryIO) -> Stamp | None:
        """The file as it is, if it is as it was when its lines were last known to be whole."""
        stamp = stamp_of(file.fileno())
        return stamp if recall(self._seen_path) == stamp else None

    def _check(self, file: BinaryIO) -> bool:
        """Digest every line, and note it where they are whole."""
        stamp = stamp_of(file.fileno())
        head = chain_end(file)
        if head is None:
            for _ in self.read():  # Names the line.
                pass
            return False
        if head.end == stamp.size and settled(stamp) and stamp_of(file.fileno()) == stamp:
            remember(self._seen_path, stamp)
        return True

    def back(self, size: int) -> Head:
        """The last place ``size`` bytes or more before the end; see the port."""
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            return Head()
        with file:
            end = last_line_end(file, file.seek(0, os.SEEK_END) - size)
            line = line_ending_at(file, end)
        return place_of(line, end) if line is not None else Head()

    @contextmanager
    def writer(self) -> Iterator[FileWriter]:
        """Take the lock, cut and record a torn tail, stand at the head.

        Raises:
            LedgerError: The last line is corrupt, or another writer keeps the lock.
            StorageError: The ledger cannot be opened for writing.
        """
        with exclusive(self._lock_path, timeout_s=self._lock_timeout_s):
            created = not self._path.exists()
            with storage_errors(self._path):
                flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
                descriptor = os.open(self._path, flags, 0o644)
            file = os.fdopen(descriptor, "r+b", buffering=0)
            with file:
                if created:
                    sync_directory(self._path.parent)
                repair = cut_torn_tail(file, self._path, self._link, self._clock)
                head = self._head(file)
                stamp = self._seen(file) if head.seq else stamp_of(descriptor)
                writer = FileWriter(file, self._path, head, self._codec, stamp)
                if repair is not None:
                    own = {"id": self._clock.new_id(), "run": self._clock.new_id()}
                    draft = Draft(**own, time=self._clock.now(), actor=self._actor, event=repair)
                    writer.append([draft])
                yield writer
                if writer.stamp != stamp and writer.stamp is not None:
                    remember(self._seen_path, writer.stamp)

    def _head(self, file: BinaryIO) -> Head:
        size = file.seek(0, os.SEEK_END)
        if size == 0:
            return Head()
        line = line_ending_at(file, size)
        if line is None:
            raise LedgerError(f"{self._path} does not end in a whole line")
        try:
            envelope, _ = self._codec.decode(line)
        except UnknownEventError as error:
            raise LedgerError(
                f"the last line of {self._path}: {error}",
                code="LEDGER_TOO_NEW",
                hint="update ppm to the version that wrote this ledger",
            ) from error
        except CodecError as error:
            raise _corrupt(self._path, 0, line, str(error)) from error
        return Head(envelope.seq, line_digest(line), size)


def _corrupt(path: Path, number: int, line: bytes, reason: str) -> LedgerError:
    place = f"line {number}" if number else "the last line"
    if line.startswith(_CONFLICT_MARKERS):
        return LedgerError(
            f"{place} of {path} is a merge-conflict marker",
            code="LEDGER_CONFLICT",
            hint="keep our side whole and take in what theirs asked for: `git checkout --ours "
            ".ppm/ledger.jsonl`, then `ppm ledger merge MERGE_HEAD`",
        )
    return LedgerError(
        f"{place} of {path}: {reason}",
        hint="the ledger was changed by something other than ppm; restore it from a backup or "
        "version control",
    )
