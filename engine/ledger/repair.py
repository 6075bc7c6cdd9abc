"""A torn tail: what a crash in the middle of an append leaves behind.

Torn is only a last line without newline, or a tail that begins with a line holding NUL bytes
(blocks that were allocated and never written). Everything else that is wrong is corruption and is
refused.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from ppm.engine.files import storage_errors, write_atomic
from ppm.engine.ports import Clock
from ppm.events.envelope import Head, Record
from ppm.events.project import LedgerRepaired

_BLOCK = 1 << 16


def cut_torn_tail(
    file: BinaryIO, path: Path, link: Callable[[Head, bytes], Record], clock: Clock
) -> LedgerRepaired | None:
    """Keep a torn tail's bytes in ``ledger.torn-<time>`` beside the ledger and cut it off.

    Args:
        file: The open ledger, locked.
        path: Its path.
        link: Checks a line against the head before it, as a reader does.
        clock: Names the file of kept bytes.

    Returns:
        The event to append, or None where nothing is torn.

    Raises:
        LedgerError: A line before the tail is corrupt.
    """
    if not _looks_torn(file):
        return None
    cut = _first_torn_byte(file, link)
    size = file.seek(0, os.SEEK_END)
    if cut == size:
        return None
    file.seek(cut)
    torn = file.read(size - cut)
    stamp = clock.now().replace(":", "-")
    kept = path.with_name(f"ledger.torn-{stamp}")
    with storage_errors(path):
        for left in path.parent.glob(".ledger.torn-*.tmp"):  # Of a repair that was killed.
            left.unlink()
    write_atomic(kept, torn)
    with storage_errors(path):
        os.ftruncate(file.fileno(), cut)
        os.fsync(file.fileno())
    return LedgerRepaired(kept=kept.name, size=len(torn), sha256=sha256(torn).hexdigest())


def _looks_torn(file: BinaryIO) -> bool:
    """A cheap look at the end: no final newline, or NUL bytes in the last block."""
    size = file.seek(0, os.SEEK_END)
    if size == 0:
        return False
    file.seek(max(0, size - _BLOCK))
    tail = file.read(_BLOCK)
    return not tail.endswith(b"\n") or b"\0" in tail


def _first_torn_byte(file: BinaryIO, link: Callable[[Head, bytes], Record]) -> int:
    """Where the first line stands that is not whole; reads from the start."""
    head = Head()
    file.seek(0)
    while line := file.readline():
        if not line.endswith(b"\n") or b"\0" in line:
            return head.end
        record = link(head, line[:-1])
        head = Head(record.seq, record.digest, record.end)
    return head.end
