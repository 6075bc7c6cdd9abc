"""The folds of one ledger together, and the place they have reached."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ppm.events.command import QueryAnswered
from ppm.events.envelope import Head, Record
from ppm.events.project import LedgerRepaired
from ppm.projections import lock as lock_fold
from ppm.projections import state as state_fold
from ppm.projections.lock import Lock
from ppm.projections.state import State


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """State and lock as of ``head``.

    ``head`` is the last record that is neither a query nor a repair: a command that only reads
    moves no projection, so that every projection file stays as it is when somebody looks.
    """

    head: Head = Head()
    state: State = State()
    lock: Lock = Lock()


def evolve(project: Project, record: Record) -> Project:
    """The project after ``record``."""
    if isinstance(record.event, QueryAnswered | LedgerRepaired):
        return project
    return Project(
        head=Head(record.seq, record.digest, record.end),
        state=state_fold.evolve(project.state, record),
        lock=lock_fold.evolve(project.lock, record),
    )


def fold(records: Iterable[Record], project: Project = Project()) -> Project:  # noqa: B008 - frozen
    """The project after all of ``records``."""
    for record in records:
        project = evolve(project, record)
    return project
