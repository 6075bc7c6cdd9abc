"""Appending to the ledger on disk."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from ppm.engine.errors import StorageError
from ppm.engine.files import storage_error
from ppm.engine.ledger.seen import Stamp, mark, stamp_of
from ppm.events.chain import seal
from ppm.events.codec import Codec
from ppm.events.envelope import Draft, Head, Record


class FileWriter:
    """Appends to the open, locked file; closed for good by the first failure.

    ``stamp`` is the file as of the head, where every line up to it has been checked, else None.
    """

    def __init__(
        self, file: BinaryIO, path: Path, head: Head, codec: Codec, stamp: Stamp | None
    ) -> None:
        self._file = file
        self._path = path
        self._codec = codec
        self._failed = False
        self.head = head
        self.stamp = stamp

    def append(self, drafts: Sequence[Draft], *, sync: bool = True) -> tuple[Record, ...]:
        """One write for all drafts, then one fdatasync; see the port."""
        if self._failed:
            raise StorageError(f"{self._path}: an earlier write failed", code="LEDGER_WRITE")
        lines, records = seal(self.head, drafts, self._codec)
        data = b"".join(lines)
        before, self.stamp = self.stamp, None
        alone = before is not None and stamp_of(self._file.fileno()) == before
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
        marked = mark(self._file.fileno(), self._path) if alone else None
        if sync:
            self._sync()
        if records:
            last = records[-1]
            self.head = Head(last.seq, last.digest, last.end)
        if marked is not None and marked.size == self.head.end:
            self.stamp = marked
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
