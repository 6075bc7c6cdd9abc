"""What the user asks for on the target: root requirements and constraints."""

from __future__ import annotations

from ppm.engine.errors import RequirementError
from ppm.engine.resolve.environment import TargetMarkers
from ppm.engine.resolve.problem import Problem, RootRequirement
from ppm.engine.resolve.requirement import Need, Parsed, needs_of, parse_asked, source_of


class Roots:
    """The root requirements and constraints that apply on the target.

    Attributes:
        needs: Root needs in the order they were given, each with the groups that ask for it.
        names: The projects they name.
        constraints: Needs by project that limit it if something needs it.

    Raises:
        RequirementError: A requirement or constraint does not parse or cannot be honoured.
    """

    def __init__(self, problem: Problem, markers: TargetMarkers) -> None:
        self.needs: dict[Need, tuple[str, ...]] = {}
        self.constraints: dict[str, tuple[Need, ...]] = {}
        self._sources = {direct.name: direct.source for direct in problem.directs}
        for root in problem.roots:
            self._add_root(root, markers)
        for text in problem.constraints:
            self._add_constraint(text, markers)
        self.names = {need.name: None for need in self.needs}
        self._on = {name: self._all_on(name) for name in (*self.names, *self.constraints)}

    def label(self, need: Need) -> str:
        """Who asks for a root need, in words."""
        return " and ".join(group_label(group) for group in self.needs[need])

    def limits(self, name: str) -> tuple[Need, ...]:
        """The constraints on a project."""
        return self.constraints.get(name, ())

    def on(self, name: str) -> tuple[Need, ...]:
        """All needs and constraints on a project: they hold whatever is chosen."""
        return self._on.get(name, ())

    def _all_on(self, name: str) -> tuple[Need, ...]:
        needs = (need for need in self.needs if need.identifier == name)
        return (*needs, *self.limits(name))

    def _add_root(self, root: RootRequirement, markers: TargetMarkers) -> None:
        parsed = applying_root(root, markers)
        if parsed is None:
            return
        if parsed.url and self._sources.get(parsed.name) != source_of(parsed):
            raise _not_from_there(parsed, group_label(root.group))
        for need in needs_of(parsed):
            groups = self.needs.get(need, ())
            if root.group not in groups:
                self.needs[need] = (*groups, root.group)

    def _add_constraint(self, text: str, markers: TargetMarkers) -> None:
        parsed = _applying(text, f"constraint {text!r}", markers)
        if parsed is None:
            return
        if parsed.url:
            raise _not_from_there(parsed, "constraint")
        if parsed.extras:
            raise RequirementError(
                f"constraint {text!r}: constraints cannot have extras",
                hint="put the extra into a requirement",
            )
        self.constraints[parsed.name] = (*self.limits(parsed.name), *needs_of(parsed))


def applying_root(root: RootRequirement, markers: TargetMarkers) -> Parsed | None:
    """The root requirement, or ``None`` where its marker is false on the target.

    Raises:
        RequirementError: It does not parse or cannot be resolved.
    """
    return _applying(root.requirement, group_label(root.group), markers)


def group_label(group: str) -> str:
    """A requirement group in words."""
    kind, _, extra = group.partition(":")
    if kind == "extra" and extra:
        return f"your project (extra {extra})"
    return f"your project (group {group})" if group else "your project"


def _not_from_there(parsed: Parsed, origin: str) -> RequirementError:
    """Build requirements and constraints name versions; only a project names places."""
    return RequirementError(
        f"{origin}: {parsed.text}: only a requirement of your project may name a place",
        code="UNSUPPORTED_REQUIREMENT",
        hint=f"name a version that an index offers, such as {parsed.name}>=1.0",
    )


def _applying(text: str, origin: str, markers: TargetMarkers) -> Parsed | None:
    parsed, marker = parse_asked(text, origin=origin)
    try:
        return parsed if markers.holds(marker) else None
    except ValueError as error:
        reason = str(error).splitlines()[0]
        raise RequirementError(
            f"{origin}: {text!r}: {reason}", hint="correct its marker where it is written"
        ) from error
