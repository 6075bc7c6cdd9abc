"""Named points of history."""

from typing import ClassVar

from ppm.events.base import Event


class SnapshotTaken(Event, frozen=True, kw_only=True):
    """This point of history has a name.

    ``lock`` is the lock's digest and ``generation`` the active generation on ``machine``, each
    ``""`` for none. ``automatic`` snapshots are those taken before an apply.
    """

    type: ClassVar[str] = "snapshot.taken/1"
    name: str
    automatic: bool
    machine: str
    generation: str
    lock: str
    packages: int


class RollbackRequested(Event, frozen=True, kw_only=True):
    """The intent to return to the state as of ``seq`` (named ``name`` where it was by snapshot)."""

    type: ClassVar[str] = "rollback.requested/1"
    name: str
    seq: int
