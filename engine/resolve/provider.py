"""The resolver's questions about packages, answered from a catalogue (resolvelib's provider)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import dropwhile, islice
from typing import TYPE_CHECKING, TypeAlias

from resolvelib import AbstractProvider

from ppm.engine.index.model import DistributionFile
from ppm.engine.resolve.candidates import Candidate
from ppm.engine.resolve.catalogue import Catalogue, UnusableError
from ppm.engine.resolve.doom import Doom
from ppm.engine.resolve.requirement import Need, exact_need, refusal_need

if TYPE_CHECKING:
    from resolvelib.structs import RequirementInformation

    Information: TypeAlias = RequirementInformation[Need, Candidate]

PROMOTE_AFTER = 5
"""So many conflicts make a name come before others (pip and uv use the same figure)."""

OrderKey: TypeAlias = "tuple[bool, bool, bool, float, bool, str]"


class Provider(AbstractProvider[Need, Candidate, str]):
    """Extras are identifiers of their own (``name[extra]``) that need their base exactly."""

    def __init__(self, catalogue: Catalogue, doom: Doom) -> None:
        self._catalogue = catalogue
        self._doom = doom
        self._order: dict[str, int] = {}
        for need in catalogue.roots.needs:
            self._order.setdefault(need.identifier, len(self._order))
        self._needs: dict[Candidate, list[Need]] = {}
        self._conflicts: Counter[str] = Counter()
        self._latest: dict[str, tuple[Need, ...]] = {}

    def identify(self, requirement_or_candidate: Need | Candidate) -> str:
        """A project's name, with one extra or none."""
        return requirement_or_candidate.identifier

    def is_promoted(self, identifier: str) -> bool:
        """Whether it was in conflict so often that it comes before others."""
        return self._conflicts[identifier] >= PROMOTE_AFTER

    def narrow_requirement_selection(
        self,
        identifiers: Iterable[str],
        resolutions: Mapping[str, Candidate],
        candidates: Mapping[str, Iterator[Candidate]],  # noqa: ARG002 - resolvelib's signature
        information: Mapping[str, Iterator[Information]],  # noqa: ARG002 - as above
        backtrack_causes: Sequence[Information],
    ) -> Iterable[str]:
        """What the last conflict was about, else what conflicts often, else everything."""
        causes: set[str] = set()
        for need, parent in backtrack_causes:
            involved = {need.identifier} | ({parent.identifier} if parent is not None else set())
            self._conflicts.update(involved - resolutions.keys())
            causes |= involved
        among = list(identifiers)
        promoted = [name for name in among if self.is_promoted(name)]
        return [name for name in among if name in causes] or promoted or among

    def get_preference(
        self,
        identifier: str,
        resolutions: Mapping[str, Candidate],  # noqa: ARG002 - resolvelib's signature
        candidates: Mapping[str, Iterator[Candidate]],  # noqa: ARG002 - as above
        information: Mapping[str, Iterator[Information]],
        backtrack_causes: Sequence[Information],  # noqa: ARG002 - as above
    ) -> OrderKey:
        """Often in conflict, pinned, bounded above, asked for by the user, limited at all."""
        needs = [need for need, _ in information[identifier]]
        return (
            not self.is_promoted(identifier),
            not any(need.pinned for need in needs),
            not any(need.bounded for need in needs),
            self._order.get(identifier, math.inf),
            not any(need.specifier for need in needs),
            identifier,
        )

    def find_matches(
        self,
        identifier: str,
        requirements: Mapping[str, Iterator[Need]],
        incompatibilities: Mapping[str, Iterator[Candidate]],
    ) -> Callable[[], Iterator[Candidate]]:
        """Candidates best first, made one by one as the resolver asks for them."""
        needs = list(dict.fromkeys(requirements[identifier]))
        # A criterion may have lost all its needs to backtracking, so the identifier tells the name.
        name, _, extra = identifier.removesuffix("]").partition("[")
        if extra and name in requirements:
            needs = list(dict.fromkeys((*needs, *requirements[name])))
        needs.extend(self._catalogue.roots.limits(name))
        banned = set(incompatibilities[identifier])
        self._latest[identifier] = tuple(needs)
        return lambda: self._matches(name, extra, needs, banned)

    def is_satisfied_by(self, requirement: Need, candidate: Candidate) -> bool:
        """Whether the version is within the need."""
        return requirement.accepts(candidate.version)

    def get_dependencies(self, candidate: Candidate) -> Iterator[Need]:
        """The candidate's needs; its metadata is only asked for once its base holds.

        A candidate without usable metadata is dropped and refuses itself. One that needs what
        nothing can give is dropped too; its need goes on to the resolver, which meets the conflict.

        Raises:
            HopelessError: Nothing that the project asks for is left of this package.
        """
        if candidate.extra:
            yield exact_need(candidate.name, candidate.version)
        try:
            needs = self._needs_of(candidate)
        except UnusableError as error:
            self._doom.drop(candidate, str(error))
            yield refusal_need(candidate.name, str(error))
            return
        for need in needs:
            if reason := self._doom.against(need):
                self._doom.drop(candidate, reason, need)
            yield need

    def upcoming(self, candidate: Candidate, count: int) -> list[DistributionFile]:
        """The files of the next versions that would be tried if ``candidate`` does not fit."""
        project = self._catalogue.project(candidate.name)
        matches = project.matching(self._latest.get(candidate.identifier, ()))
        after = dropwhile(lambda other: other is not candidate.base, matches)
        return [other.file for other in islice(after, 1, count + 1)]

    def _matches(
        self, name: str, extra: str, needs: list[Need], banned: set[Candidate]
    ) -> Iterator[Candidate]:
        if any(need.refusal for need in needs):
            return
        project = self._catalogue.project(name)
        for candidate in project.matching(needs):
            found = project.with_extra(candidate, extra) if extra else candidate
            if found not in banned and not self._doom.holds(found):
                yield found

    def _needs_of(self, candidate: Candidate) -> list[Need]:
        known = self._needs.get(candidate)
        if known is None:
            known = self._needs[candidate] = self._catalogue.needs(candidate)
        return known
