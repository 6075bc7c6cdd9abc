"""Dependency groups (PEP 735) and extras, in the form of the manifest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ppm.engine.manifest.findings import Findings, Table
from ppm.engine.manifest.model import GroupInclude, Manifest, ManifestRequirement
from ppm.engine.manifest.names import (
    is_name,
    normalise_name,
    parse_requirement,
    requirement_name,
)

if TYPE_CHECKING:
    from packaging.markers import Marker

EXTRA = "extra:"
"""What stands before an extra's name in :attr:`ManifestRequirement.group`."""


class Declarations:
    """Requirements as they are met while a manifest is read."""

    def __init__(self, findings: Findings) -> None:
        self.requirements: list[ManifestRequirement] = []
        self.includes: list[GroupInclude] = []
        self.groups: dict[str, str] = {}
        self._findings = findings

    def read_array(self, value: object, path: str, group: str) -> None:
        """One array of requirements; tables in it only where the group is a dependency group."""
        position = 0
        for place, item in enumerate(self._findings.array(value, path)):
            where = f"{path}[{place}]"
            if isinstance(item, str):
                position += self._read_requirement(item, where, group)
            elif isinstance(item, dict) and group and not group.startswith(EXTRA):
                self._read_include(item, where, group, position)
            else:
                self._findings.problem(where, "must be a requirement as text")

    def read_groups(self, value: object, path: str, prefix: str = "") -> None:
        """A table of arrays: dependency groups, or extras with ``prefix`` ``extra:``."""
        for name, array in self._findings.table(value, path).items():
            group = prefix + normalise_name(name)
            if not is_name(name):
                self._findings.problem(f"{path}.{name}", "is not a valid name")
            elif group in self.groups:
                self._findings.problem(f"{path}.{name}", f"is the same as {self.groups[group]}")
            else:
                self.groups[group] = f"{path}.{name}"
                self.read_array(array, f"{path}.{name}", group)

    def check_includes(self) -> None:
        """Report includes of groups that are not there and cycles of includes."""
        for include in self.includes:
            path = self.groups[include.group]
            if include.included not in self.groups:
                self._findings.problem(path, f"includes {include.included}, which is not declared")
            elif include.group in _reachable(self.includes, include.included):
                self._findings.problem(path, f"includes itself through {include.included}")

    def _read_requirement(self, text: str, where: str, group: str) -> int:
        name = requirement_name(text)
        if name is None:
            self._findings.problem(where, "does not begin with the name of a package")
            return 0
        self.requirements.append(ManifestRequirement(group=group, name=name, requirement=text))
        return 1

    def _read_include(self, item: Table, where: str, group: str, position: int) -> None:
        included = item.get("include-group")
        if tuple(item) != ("include-group",) or not isinstance(included, str):
            self._findings.problem(where, "must be text or {include-group = NAME}")
            return
        self.includes.append(
            GroupInclude(group=group, included=normalise_name(included), position=position)
        )


def _reachable(includes: list[GroupInclude], start: str) -> set[str]:
    """The groups that ``start`` includes, itself and those at any distance."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        group = waiting.pop()
        if group not in seen:
            seen.add(group)
            waiting += [include.included for include in includes if include.group == group]
    return seen


def expand_group(manifest: Manifest, group: str) -> tuple[str, ...]:
    """A group's PEP 508 texts, with includes and the project's own extras expanded in place.

    Order is kept and nothing is left out for standing twice, as PEP 735 asks. A reference to an
    extra of the project itself (``all = ["project[web,db]"]``) becomes what that extra asks for,
    under the marker of the reference; other references to the project by name stay.

    Raises:
        RequirementError: A reference to the project itself does not parse.
    """
    return tuple(_expand(manifest, group, frozenset()))


def _expand(manifest: Manifest, group: str, within: frozenset[str]) -> Iterator[str]:
    own = [item for item in manifest.requirements if item.group == group]
    includes = [item for item in manifest.includes if item.group == group]
    for position in range(len(own) + 1):
        for include in includes:
            if include.position == position:
                yield from _expand(manifest, include.included, within)
        if position < len(own):
            yield from _expand_requirement(manifest, own[position], within | {group})


def _expand_requirement(
    manifest: Manifest, item: ManifestRequirement, within: frozenset[str]
) -> Iterator[str]:
    if item.name != manifest.name or "[" not in item.requirement:
        yield item.requirement
        return
    reference = parse_requirement(item.requirement)
    for extra in sorted(reference.extras):
        group = EXTRA + normalise_name(extra)
        if group not in manifest.groups:
            yield item.requirement
        elif group not in within:
            for text in _expand(manifest, group, within):
                yield _under_marker(text, reference.marker)


def _under_marker(text: str, marker: Marker | None) -> str:
    """``text`` made to apply only where ``marker`` does too."""
    if marker is None:
        return text
    requirement = parse_requirement(text)
    requirement.marker = requirement.marker & marker if requirement.marker else marker
    return str(requirement)
