"""The folds of one ledger together, and the place they have reached."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ppm.events.command import QueryAnswered
from ppm.events.envelope import Head, Record
from ppm.events.project import LedgerRepaired
from ppm.events.trust import ReceiptVerified
from ppm.events.upkeep import EnvironmentVerified, StoreVerified
from ppm.projections import lock as lock_fold
from ppm.projections import state as state_fold
from ppm.projections.lock import Lock
from ppm.projections.maps import Maps
from ppm.projections.state import State

_LOOKS = frozenset(
    {QueryAnswered, LedgerRepaired, EnvironmentVerified, StoreVerified, ReceiptVerified}
)


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """State and lock as of ``head``.

    ``head`` is the last record that is neither a query (and what it found) nor a repair: a command
    that only reads moves no projection, so that every projection file stays as it is when somebody
    looks.
    """

    head: Head = Head()
    state: State = State()
    lock: Lock = Lock()


def evolve(project: Project, record: Record) -> Project:
    """The project after ``record``."""
    return fold((record,), project)


def fold(records: Iterable[Record], project: Project = Project()) -> Project:  # noqa: B008 - frozen
    """The project after all of ``records``."""
    state, lock, last, maps = project.state, project.lock, None, Maps()
    for record in records:
        if type(record.event) not in _LOOKS:
            state = state_fold.evolve(state, record, maps)
            lock = lock_fold.evolve(lock, record)
            last = record
    if last is None:
        return project
    return Project(head=Head(last.seq, last.digest, last.end), state=state, lock=lock)
