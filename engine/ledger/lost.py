"""A ledger that is gone, told from one that was never begun."""

from __future__ import annotations

import os

from ppm.engine.ledger.file import has_records
from ppm.engine.paths import ProjectPaths

HINT = "restore .ppm/ledger.jsonl from a backup, or move .ppm away to begin a new history"


def is_lost(paths: ProjectPaths) -> bool:
    """Whether something stands in ``.ppm`` that only a command with a ledger can have made.

    An ``init`` killed before its first whole line leaves nothing of that kind. The ledger is looked
    at last, because it is written first; one that is not for us to read is not lost.
    """
    if not _has_remains(paths) or has_records(paths.ledger):
        return False
    return not paths.ledger.exists() or os.access(paths.ledger, os.R_OK)


def _has_remains(paths: ProjectPaths) -> bool:
    rendered = ("state.json", "lock.json")
    return (
        any((paths.data / name).exists() for name in rendered)
        or any(paths.snapshots.glob("*.json"))
        or any(paths.environments.glob("[!.]*"))
    )
