"""Where two histories of one ledger parted, and what each has taken in of the other since. Pure.

The *base* is what both last had in common: the state at the fork, or a later one if one side has
merged the other since (a ``ledger.merged`` names the head it took in). Where each has merged the
other without having seen the other's merge, the one recorded here counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from ppm.events.envelope import Head, Record
from ppm.events.project import LedgerMerged
from ppm.events.requirement import IntentMerged, RequirementAdded, RequirementRemoved
from ppm.events.resolution import PackageLocked
from ppm.projections.project import Project, evolve

Kind: TypeAlias = Literal["added", "removed", "locked"]


class Act(NamedTuple):
    """Something that was asked for: a requirement, or a version (``group`` is ``""`` then)."""

    kind: Kind
    group: str
    text: str


class Origin(NamedTuple):
    """An event, by its own id and the digest of its line."""

    id: str
    digest: str


class Meeting(msgspec.Struct, frozen=True, kw_only=True):
    """Two histories compared.

    ``fork`` is the last line they share, ``ours`` and ``theirs`` the last lines of each. ``base``
    is what they last had in common and ``their`` what holds on the other side. ``origins`` are the
    other side's own events by what they asked for, ``last`` is its last event; ``decided`` are the
    digests of those that were merged here before, ``merged`` whether all are.
    """

    fork: Head
    ours: Head
    theirs: Head
    base: Project
    their: Project
    origins: dict[Act, Origin]
    last: Origin
    decided: frozenset[str]
    merged: bool


def meet(ours: Callable[[], Iterator[Record]], theirs: Iterable[Record]) -> Meeting:
    """Compare two histories. ``ours`` may be read twice, ``theirs`` is read once, to its end."""
    here, common, other = _Here(), Project(), iter(theirs)
    mine, fork = ours(), Head()
    record, another = next(mine, None), next(other, None)
    while record is not None and another is not None and record.digest == another.digest:
        common, fork = evolve(common, record), _place(record)
        here.take_in(record)
        record, another = next(mine, None), next(other, None)
    while record is not None:
        here.take_in(record)
        record = next(mine, None)
    there = _There(common, fork, here.taken)
    while another is not None:
        there.take_in(another)
        another = next(other, None)
    return Meeting(
        fork=fork,
        ours=here.end,
        theirs=there.end,
        base=_base(common, fork, there, ours),
        their=there.project,
        origins=there.origins,
        last=there.last,
        decided=frozenset(here.decided),
        merged=(there.project.head.seq, there.project.head.digest) in here.taken,
    )


class _Here:
    """Our side while it is read: which heads of others it has taken in, and where."""

    def __init__(self) -> None:
        self.taken: dict[tuple[int, str], int] = {}
        self.decided: set[str] = set()
        self.end = Head()

    def take_in(self, record: Record) -> None:
        self.end = _place(record)
        match event := record.event:
            case LedgerMerged():
                self.taken[event.theirs_seq, event.theirs_digest] = record.seq
            case IntentMerged():
                self.decided.add(event.origin_digest)
            case _:
                pass


class _There:
    """The other side after the fork, while it is read."""

    def __init__(self, common: Project, fork: Head, taken: dict[tuple[int, str], int]) -> None:
        self._taken = taken
        self.project = common
        self.end = fork
        self.last = Origin("", fork.digest)
        self.origins: dict[Act, Origin] = {}
        self.merges: list[LedgerMerged] = []
        self.known: tuple[int, Project] | None = None
        """Where we merged it last, and what held there then."""

    def take_in(self, record: Record) -> None:
        self.project = evolve(self.project, record)
        self.end = _place(record)
        self.last = Origin(record.id, record.digest)
        if (record.seq, record.digest) in self._taken:
            self.known = (self._taken[record.seq, record.digest], self.project)
        match event := record.event:
            case RequirementAdded():
                self.origins[Act("added", event.group, event.requirement)] = self.last
            case RequirementRemoved():
                self.origins[Act("removed", event.group, event.requirement)] = self.last
            case PackageLocked():
                text = f"{event.name}=={event.version}"
                self.origins[Act("locked", "", text)] = self.last
            case LedgerMerged():
                self.merges.append(event)
            case _:
                pass


def _base(
    common: Project,
    fork: Head,
    there: _There,
    ours: Callable[[], Iterator[Record]],
) -> Project:
    place, base = there.known or (0, common)
    wanted = {one.theirs_seq: one.theirs_digest for one in there.merges}
    if not wanted or max(wanted) <= max(fork.seq, place - 1):
        return base
    project = common
    for record in ours():
        if record.seq > fork.seq:
            project = evolve(project, record)
            # What they took in of us counts for more than what we took in of them before.
            if record.seq >= place and wanted.get(record.seq) == record.digest:
                base = project
    return base


def _place(record: Record) -> Head:
    return Head(record.seq, record.digest, record.end)
