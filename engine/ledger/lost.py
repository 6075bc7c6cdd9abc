"""A ledger that is gone, told from one that was never begun."""

from __future__ import annotations

import os

from ppm.engine.ledger.file import has_records
from ppm.engine.paths import ProjectPaths
from ppm.events.envelope import Head

HINT = "restore .ppm/ledger.jsonl from a backup, or move .ppm away to begin a new history"


LINES_HINT = (
    "restore .ppm/ledger.jsonl from a backup; `ppm replay` makes the projections fit what it has"
)


def lines_lost(place: Head, size: int) -> str:
    """What is known where state.json was folded up to ``place``, which the ledger has not."""
    what = "another line there" if place.seq <= size else f"only {size} events"
    return (
        f"state.json was folded up to event {place.seq} (digest {place.digest[:16]}…),"
        f" and the ledger has {what}: lines were lost"
    )


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
