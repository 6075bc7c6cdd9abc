"""Lines of another ledger that continue ours, taken over as they are."""

from __future__ import annotations

import os
from collections.abc import Iterable

from ppm.engine.errors import LedgerError
from ppm.engine.files import storage_errors
from ppm.engine.locks import exclusive
from ppm.engine.paths import ProjectPaths
from ppm.events.envelope import Head

_LOCK_TIMEOUT_S = 60.0


def extend(paths: ProjectPaths, head: Head, lines: Iterable[bytes]) -> None:
    """Append ``lines``, which were checked to follow ``head``, our last line; then sync.

    A crash leaves some of them, which are a whole history, or a torn last one, which is repaired.

    Raises:
        LedgerError: ``code="LEDGER_MOVED"``: ours goes on after ``head`` by now; nothing is done.
        StorageError: The disk refused.
    """
    with exclusive(paths.write_lock, timeout_s=_LOCK_TIMEOUT_S), storage_errors(paths.ledger):
        descriptor = os.open(paths.ledger, os.O_WRONLY | os.O_APPEND | getattr(os, "O_CLOEXEC", 0))
        with os.fdopen(descriptor, "ab") as file:
            if os.fstat(descriptor).st_size != head.end:
                raise LedgerError(
                    "another command was recorded meanwhile",
                    code="LEDGER_MOVED",
                    hint="run the command again",
                )
            file.writelines(lines)
            file.flush()
            os.fsync(descriptor)
