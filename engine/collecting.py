"""What a history needs of the store, and which generations have to stay. Pure.

A project needs the files of its lock, those of the locks that named snapshots point to, and the
wheels of every generation that it built and did not collect. Automatic snapshots, of which each
apply takes one, keep nothing: going back to one makes its environment again.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ppm.events.artifact import ArtifactBuilt
from ppm.events.envelope import Record
from ppm.events.environment import EnvironmentSwitched, GenerationBuilt
from ppm.events.snapshot import SnapshotTaken
from ppm.events.upkeep import GenerationCollected
from ppm.projections.lock import Lock
from ppm.projections.project import Project, evolve
from ppm.projections.state import Environment


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A generation that was built here and not collected.

    ``wheels`` are the digests of its packages; ``last_used`` the time and ``seq`` the event of the
    last switch to it or away from it.
    """

    wheels: frozenset[str]
    last_used: str
    seq: int


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """A history as the collector sees it.

    ``standing`` are generations of one machine by name, ``named`` those that named snapshots keep,
    ``locked`` the digests that the lock and the locks of named snapshots hold, ``sources`` the
    source distribution of each wheel that was built.
    """

    ledger: str
    active: str
    standing: dict[str, Standing]
    named: frozenset[str]
    locked: frozenset[str]
    sources: dict[str, str]

    def needs(self, generations: Iterable[str]) -> set[str]:
        """The digests that must stay in the store if these generations do."""
        wheels = {
            digest
            for name in generations
            if name in self.standing
            for digest in self.standing[name].wheels
        }
        built = {wheel for wheel, source in self.sources.items() if source in self.locked}
        sources = {self.sources[one] for one in wheels if one in self.sources}
        return wheels | self.locked | built | sources


def survey(records: Iterable[Record], machine: str) -> Survey:
    """Read a whole history for what ``machine`` needs.

    Raises:
        LedgerError: A line is wrong.
    """
    project = Project()
    standing: dict[str, Standing] = {}
    named: set[str] = set()
    locked: set[str] = set()
    sources: dict[str, str] = {}
    for record in records:
        project = evolve(project, record)
        match event := record.event:
            case EnvironmentSwitched() if event.machine == machine:
                _switched(standing, project, record, event)
            case GenerationBuilt() if event.machine == machine:
                standing[event.generation] = Standing(
                    wheels=frozenset(), last_used=record.time, seq=record.seq
                )
            case GenerationCollected() if event.machine == machine:
                standing.pop(event.generation, None)
            case SnapshotTaken() if not event.automatic:
                locked |= digests_of(project.lock)
                if event.machine == machine and event.generation:
                    named.add(event.generation)
            case ArtifactBuilt():
                sources[event.sha256] = event.source_sha256
            case _:
                pass
    active = project.state.environments.get(machine, Environment()).active
    return Survey(
        ledger=project.state.ledger,
        active=active,
        standing=standing,
        named=frozenset(named),
        locked=frozenset(locked | digests_of(project.lock)),
        sources=sources,
    )


def _switched(
    standing: dict[str, Standing], project: Project, record: Record, event: EnvironmentSwitched
) -> None:
    environment = project.state.environments[event.machine]
    if event.generation:
        standing[event.generation] = Standing(
            wheels=frozenset(one.sha256 for one in environment.packages.values()),
            last_used=record.time,
            seq=record.seq,
        )
    before = standing.get(event.previous)
    if before is not None and event.previous != event.generation:
        standing[event.previous] = msgspec.structs.replace(
            before, last_used=record.time, seq=record.seq
        )


def digests_of(lock: Lock) -> set[str]:
    """Every file that a lock names."""
    return {
        file.sha256
        for packages in lock.targets.values()
        for package in packages.values()
        for file in package.files
    }


def kept(found: Survey, *, keep: int, used_since: str) -> frozenset[str]:
    """The generations that stay.

    Args:
        found: The history.
        keep: How many stay in any case: the active one and those used last.
        used_since: Those used at or after this time (RFC 3339) stay, too; ``""`` for none.
    """
    order = sorted(found.standing, key=lambda name: -found.standing[name].seq)
    order = [name for name in order if name != found.active]
    recent = order[: max(keep - 1, 0)]
    young = [name for name in order if used_since and found.standing[name].last_used >= used_since]
    return frozenset({found.active, *recent, *young, *found.named} - {""})
