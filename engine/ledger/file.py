"""The ledger on disk: ``ledger.jsonl``, appended under an operating-system lock, never rewritten.

What is checked when: a reader checks every line it reads against the chain, and whoever starts from
a projection has the lines before it digested; a writer stands on the last line, which it decodes.
The format is docs/ledger.md.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from ppm.engine.errors import LedgerError, StorageError
from ppm.engine.files import storage_error, storage_errors, sync_directory
from ppm.engine.ledger.repair import cut_torn_tail
from ppm.engine.locks import exclusive
from ppm.engine.ports import Clock
from ppm.events.chain import ChainError, line_digest, link, seal
from ppm.events.codec import Codec, CodecError, UnknownEventError
from ppm.events.envelope import Draft, Head, Record

_CONFLICT_MARKERS = (b"<<<<<<<", b"=======", b">>>>>>>", b"|||||||")
_TAIL_BYTES = 64 * 1024


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
            for line in file:
                if not line.endswith(b"\n"):
                    return
                record = self._link(head, line[:-1])
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
        """Whether the chain leads to ``head``: every line up to it is digested, none is decoded.

        Raises:
            LedgerError: A line before it was changed.
        """
        if head.seq == 0:
            return head == Head()
        try:
            with self._path.open("rb") as file:
                whole, digest = _chained(file, head)
        except FileNotFoundError:
            return False
        if not whole:
            for _ in self.read():  # Names the line.
                pass
        return whole and digest == head.digest

    @contextmanager
    def writer(self) -> Iterator[_Writer]:
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
                writer = _Writer(file, self._path, self._head(file), self._codec)
                if repair is not None:
                    stamp = {"id": self._clock.new_id(), "run": self._clock.new_id()}
                    draft = Draft(**stamp, time=self._clock.now(), actor=self._actor, event=repair)
                    writer.append([draft])
                yield writer

    def _head(self, file: BinaryIO) -> Head:
        size = file.seek(0, os.SEEK_END)
        if size == 0:
            return Head()
        line = _line_ending_at(file, size)
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


class _Writer:
    """Appends to the open, locked file; closed for good by the first failure."""

    def __init__(self, file: BinaryIO, path: Path, head: Head, codec: Codec) -> None:
        self._file = file
        self._path = path
        self._codec = codec
        self._failed = False
        self.head = head

    def append(self, drafts: Sequence[Draft], *, sync: bool = True) -> tuple[Record, ...]:
        """One write for all drafts, then one fdatasync; see the port."""
        if self._failed:
            raise StorageError(f"{self._path}: an earlier write failed", code="LEDGER_WRITE")
        lines, records = seal(self.head, drafts, self._codec)
        data = b"".join(lines)
        try:
            written = os.write(self._file.fileno(), data)
        except OSError as error:
            self._failed = True
            raise storage_error(error, self._path) from error
        if written != len(data):
            self._failed = True
            with contextlib.suppress(OSError):  # A tail that stays is cut as torn next time.
                os.ftruncate(self._file.fileno(), self.head.end)
            full = OSError(errno.ENOSPC, f"wrote {written} of {len(data)} bytes")
            raise storage_error(full, self._path)
        if sync:
            self._sync()
        if records:
            last = records[-1]
            self.head = Head(last.seq, last.digest, last.end)
        return tuple(records)

    def _sync(self) -> None:
        try:
            os.fdatasync(self._file.fileno()) if hasattr(os, "fdatasync") else os.fsync(
                self._file.fileno()
            )
        except OSError as error:
            # The kernel may have dropped the dirty pages: a retry could report success falsely.
            self._failed = True
            raise storage_error(error, self._path) from error


def _chained(file: BinaryIO, head: Head) -> tuple[bool, str]:
    """Whether each of the first ``head.seq`` lines names the digest of the one before it.

    Also gives the digest of the last one, ``""`` if they do not end where the head does.
    """
    digest, end, number = Head().digest, 0, 0
    for number, line in enumerate(islice(file, head.seq), start=1):  # noqa: B007 - counted to the end
        if b'"prev":"%b"' % digest.encode() not in line:
            return False, ""
        digest = line_digest(line[:-1])
        end += len(line)
    return True, digest if (number, end) == (head.seq, head.end) else ""


def _line_ending_at(file: BinaryIO, end: int) -> bytes | None:
    """The line (without newline) whose newline is the byte before ``end``, or None."""
    size = _TAIL_BYTES
    while True:
        start = max(0, end - size)
        file.seek(start)
        chunk = file.read(end - start)
        if len(chunk) != end - start or not chunk.endswith(b"\n"):
            return None
        cut = chunk.rfind(b"\n", 0, -1)
        if cut >= 0 or start == 0:
            return chunk[cut + 1 : -1]
        size *= 4


def _corrupt(path: Path, number: int, line: bytes, reason: str) -> LedgerError:
    place = f"line {number}" if number else "the last line"
    if line.startswith(_CONFLICT_MARKERS):
        return LedgerError(
            f"{place} of {path} is a merge-conflict marker",
            code="LEDGER_CONFLICT",
            hint="keep one side whole: git checkout --ours .ppm/ledger.jsonl",
        )
    return LedgerError(
        f"{place} of {path}: {reason}",
        hint="the ledger was changed by something other than ppm; restore it from a backup or "
        "version control",
    )
