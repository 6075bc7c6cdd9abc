"""Candidates that can be in no answer, because of what the project itself asks for.

Root requirements and constraints hold whatever is chosen. A candidate that needs what no version
within them can give is out for good, and when the last version of a package that the project asks
for is out, there is no answer. resolvelib alone would find that by trying all the rest first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from ppm.engine.resolve.candidates import Candidate
from ppm.engine.resolve.catalogue import Catalogue
from ppm.engine.resolve.requirement import Need

Edge: TypeAlias = "tuple[Need, Candidate | None]"
"""A need and who has it; ``None`` is the project."""


class HopelessError(Exception):
    """No version of a package that the project asks for can be used; ``name`` is the package."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Doom:
    """Finds doomed candidates and remembers the need that doomed each."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._known: dict[Need, tuple[int, str]] = {}
        self._by: dict[Candidate, Need] = {}

    def against(self, need: Need) -> str:
        """Why no version can meet ``need`` beside the project's own needs, or ``""``."""
        project = self._catalogue.project(need.name)
        known = self._known.get(need)
        if known is None or known[0] != len(project.reasons):
            possible = self._might(need, *self._catalogue.roots.on(need.name))
            reason = "" if possible else self._reason(need)
            known = self._known[need] = (len(project.reasons), reason)
        return known[1]

    def holds(self, candidate: Candidate) -> bool:
        """Whether a candidate is known to be doomed."""
        return candidate in self._by

    def drop(self, candidate: Candidate, reason: str, by: Need | None = None) -> None:
        """Leave a candidate out for good; ``by`` is the need that nothing can meet, if it is that.

        A version whose extra is doomed may still do without that extra.

        Raises:
            HopelessError: It was the last hope of what the project asks for.
        """
        if by is not None:
            self._by[candidate] = by
        if by is None or not candidate.extra:
            self._catalogue.project(candidate.name).drop(candidate.version, reason)
        if not self._has_hope(candidate.name, candidate.extra):
            raise HopelessError(candidate.name)

    def _has_hope(self, name: str, extra: str) -> bool:
        roots = self._catalogue.roots
        if not any(need.name == name and need.extra == extra for need in roots.needs):
            return True
        project = self._catalogue.project(name)
        left = project.possible(roots.on(name))
        return any(not extra or project.with_extra(one, extra) not in self._by for one in left)

    def edges(self, name: str) -> tuple[Edge, ...]:
        """The needs that leave no version of ``name``, each with who has it."""
        found: dict[Edge, None] = {}
        self._collect(name, found, set())
        return tuple(found)

    def _collect(self, name: str, found: dict[Edge, None], visited: set[str]) -> None:
        if name in visited:
            return
        visited.add(name)
        roots = self._catalogue.roots
        found.update({(need, None): None for need in roots.needs if need.identifier == name})
        for candidate, by in self._doomed(name):
            found[by, candidate] = None
            self._collect(by.name, found, visited)

    def _doomed(self, name: str) -> Iterator[tuple[Candidate, Need]]:
        return ((one, by) for one, by in self._by.items() if one.name == name)

    def _reason(self, need: Need) -> str:
        for other in self._catalogue.roots.needs:
            if other.name == need.name and not self._might(need, other):
                return f"needs {need.text}, but {self._catalogue.roots.label(other)} needs " + (
                    other.text
                )
        for limit in self._catalogue.roots.limits(need.name):
            if not self._might(need, limit):
                return f"needs {need.text}, but a constraint says {limit.text}"
        return f"needs {need.text}, and no such version is usable"

    def _might(self, *needs: Need) -> bool:
        project = self._catalogue.project(needs[0].name)
        # The first match is what the resolver asks for next anyway.
        return any(True for _ in project.matching(needs)) or any(
            True for _ in project.possible(needs)
        )
