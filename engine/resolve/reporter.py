"""What the resolver did, kept for the events and for the explanation of a failure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

from resolvelib import BaseReporter

from ppm.engine.index.model import DistributionFile
from ppm.engine.resolve.candidates import Candidate
from ppm.engine.resolve.doom import Edge
from ppm.engine.resolve.requirement import Need
from ppm.engine.resolve.roots import Roots

if TYPE_CHECKING:
    from resolvelib.resolvers import Criterion
    from resolvelib.structs import RequirementInformation

    Information: TypeAlias = RequirementInformation[Need, Candidate]


Upcoming: TypeAlias = "Callable[[Candidate, int], list[DistributionFile]]"

LOOK_AHEAD = 32
"""At most so many next versions an observer is told of: as many as were passed over before."""


class Observer(Protocol):
    """Who watches a resolution while it runs, in the thread that resolves."""

    def round_began(self) -> None:
        """Another step begins. May raise to stop the resolution."""
        ...

    def passed_over(self, file: DistributionFile, upcoming: Sequence[DistributionFile]) -> None:
        """The version with ``file`` did not fit; those with ``upcoming`` are next in turn."""
        ...


class Recorder(BaseReporter[Need, Candidate, str]):
    """Keeps who asked for what, and the conflict that ruled each candidate out."""

    def __init__(self, upcoming: Upcoming, observer: Observer | None = None) -> None:
        self._upcoming = upcoming
        self._observer = observer
        self._passed_over: Counter[str] = Counter()
        self.rounds = 0
        self.edges: dict[str, dict[Edge, None]] = {}
        self.conflicts: dict[tuple[str, str], tuple[Edge, ...]] = {}

    def starting_round(self, index: int) -> None:
        """Count the round."""
        self.rounds = index + 1
        if self._observer is not None:
            self._observer.round_began()

    def adding_requirement(self, requirement: Need, parent: Candidate | None) -> None:
        """Remember who asked."""
        self.edges.setdefault(requirement.identifier, {})[requirement, parent] = None

    def rejecting_candidate(
        self, criterion: Criterion[Need, Candidate], candidate: Candidate
    ) -> None:
        """Remember the conflict: the latest is the one that stands."""
        self._remember(candidate, criterion.information)

    def resolving_conflicts(self, causes: Collection[Information]) -> None:
        """Remember the conflict for every version that took part in it."""
        for _, parent in causes:
            if parent is not None:
                self._remember(parent, causes)

    def _remember(self, candidate: Candidate, causes: Collection[Information]) -> None:
        key = (candidate.name, candidate.version)
        self.conflicts[key] = tuple((need, parent) for need, parent in causes)
        if self._observer is not None:
            self._passed_over[candidate.name] += 1
            count = min(self._passed_over[candidate.name], LOOK_AHEAD)
            self._observer.passed_over(candidate.file, self._upcoming(candidate, count))


def asker(parent: Candidate | None, need: Need, roots: Roots) -> str:
    """Who has a need, in words."""
    return str(parent) if parent is not None else roots.label(need)


def conflict_reason(candidate: Candidate, causes: tuple[Edge, ...], roots: Roots) -> str:
    """Why a candidate was ruled out: what it needs, and who contradicts."""
    own = [need for need, parent in causes if _same(parent, candidate)]
    if not own:
        return "no set of versions was found with it"
    need = next((need for need in own if need.refusal), own[0])
    if need.refusal:
        return need.refusal
    others = [
        f"{asker(parent, other, roots)} needs {other.text}"
        for other, parent in causes
        if other.name == need.name and not _same(parent, candidate) and not other.exact
    ]
    limits = [f"constraint {limit.text}" for limit in roots.limits(need.name)]
    against = (others or limits)[:1]
    if not against:
        return f"needs {need.text}, and no such version is usable"
    return f"needs {need.text}, but {against[0]}"


def _same(parent: Candidate | None, candidate: Candidate) -> bool:
    return parent is not None and parent.base is candidate.base
