"""Points of history as people name them: a sequence number, a time, a snapshot."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from ppm.engine.errors import ProjectError
from ppm.engine.ports import Ledger
from ppm.projections.project import Project

_SEQ = re.compile(r"[0-9]{1,18}")


def moment(text: str, project: Project, ledger: Ledger) -> int:
    """The sequence number that ``text`` names.

    Args:
        text: A snapshot's name, a ``seq``, or an ISO 8601 time (local where it names no offset); a
            time means the last event at or before it.
        project: The project today; knows the snapshots.
        ledger: Read to place a time.

    Raises:
        ProjectError: ``code="UNKNOWN_MOMENT"`` where nothing has that name.
    """
    snapshot = project.state.snapshots.get(text)
    if snapshot is not None:
        return snapshot.seq
    if _SEQ.fullmatch(text):
        seq = int(text)
        if 1 <= seq <= project.head.seq:
            return seq
        raise _unknown(text, f"the ledger has events 1 to {project.head.seq}")
    try:
        instant = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _unknown(text, "`ppm snapshots` lists the names") from None
    return _last_at(instant, ledger)


def _last_at(instant: datetime, ledger: Ledger) -> int:
    limit = instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    seq = 0
    for record in ledger.read():
        if record.time > limit:
            break
        seq = record.seq
    if seq == 0:
        raise _unknown(limit, "the ledger begins later")
    return seq


def _unknown(text: str, hint: str) -> ProjectError:
    return ProjectError(
        f"no snapshot, event or time {text!r} in this history", code="UNKNOWN_MOMENT", hint=hint
    )
