"""Points of history as people name them: a sequence number, a time, a snapshot."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from ppm.engine.errors import ProjectError
from ppm.engine.ports import Ledger
from ppm.projections.project import Project

_SEQ = r"[0-9]{1,18}"


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
    if re.fullmatch(_SEQ, text):
        seq = int(text)
        if 1 <= seq <= project.head.seq:
            return seq
        raise _unknown(text, f"the ledger has events 1 to {project.head.seq}")
    seq = _last_at(_instant(text), ledger)
    if seq == 0:
        raise _unknown(text, "the ledger begins later")
    return seq


def beginning(text: str, project: Project, ledger: Ledger) -> int:
    """As :func:`moment`, for what follows it: 0 where ``text`` is a time before the first event.

    Raises:
        ProjectError: ``code="UNKNOWN_MOMENT"`` where nothing has that name.
    """
    if text in project.state.snapshots or re.fullmatch(_SEQ, text):
        return moment(text, project, ledger)
    return _last_at(_instant(text), ledger)


def _instant(text: str) -> str:
    """The time ``text`` as the ledger writes times, which sort as text."""
    try:
        instant = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _unknown(text, "`ppm snapshots` lists the names") from None
    return instant.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _last_at(limit: str, ledger: Ledger) -> int:
    seq = 0
    for record in ledger.read():
        if record.time > limit:
            break
        seq = record.seq
    return seq


def _unknown(text: str, hint: str) -> ProjectError:
    return ProjectError(
        f"no snapshot, event or time {text!r} in this history", code="UNKNOWN_MOMENT", hint=hint
    )
