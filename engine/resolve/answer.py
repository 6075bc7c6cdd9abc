"""From the resolver's mapping to the resolution: reachable, checked, told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ppm.engine.resolve.candidates import YANKED, Candidate
from ppm.engine.resolve.catalogue import Catalogue
from ppm.engine.resolve.doom import Edge
from ppm.engine.resolve.problem import Rejection, Resolution, ResolvedPackage
from ppm.engine.resolve.reporter import Recorder, asker, conflict_reason
from ppm.engine.resolve.requirement import Need, Parsed, exact_need, needs_of

MAX_REASONS = 5
MAX_VERSIONS = 100
"""Rejections told and versions looked at for each package: the ones that matter come first."""


def assemble(
    catalogue: Catalogue,
    recorder: Recorder,
    mapping: Mapping[str, Candidate],
) -> Resolution:
    """Walk from the roots, check every need on the way, and put the packages into words.

    Raises:
        InconsistentError: The mapping does not hold.
    """
    tree = Tree(catalogue, mapping)
    packages = tuple(tree.package(name) for name in sorted(tree.extras))
    return Resolution(
        packages=packages,
        rejections=tuple(_rejections(packages, catalogue, recorder, tree)),
        rounds=recorder.rounds,
        metadata_count=catalogue.metadata_count,
        warnings=tuple(_warnings(packages, catalogue)),
    )


class InconsistentError(Exception):
    """An answer that breaks one of its own needs; ``causes`` are those on the package."""

    def __init__(self, causes: tuple[Edge, ...]) -> None:
        super().__init__(causes)
        self.causes = causes


class Tree:
    """What the roots reach in a mapping; every need on the way has been checked.

    Attributes:
        groups: By identifier, the root groups that reach it.
        extras: By project, the extras reached.
        edges: By project, the needs on it and who has them.
    """

    def __init__(self, catalogue: Catalogue, mapping: Mapping[str, Candidate]) -> None:
        self._catalogue = catalogue
        self._mapping = mapping
        self._requirements: dict[str, list[Parsed]] = {}
        self.groups: dict[str, set[str]] = {}
        self.extras: dict[str, set[str]] = {}
        self.edges: dict[str, dict[Edge, None]] = {}
        for group in dict.fromkeys(
            group for groups in catalogue.roots.needs.values() for group in groups
        ):
            self._walk(group)

    def package(self, name: str) -> ResolvedPackage:
        """The package of a project that is reached."""
        candidate = self._mapping[name]
        extras = sorted(self.extras[name])
        identifiers = [name, *(f"{name}[{extra}]" for extra in extras)]
        groups = {group for identifier in identifiers for group in self.groups[identifier]}
        requirements = (
            parsed.text for identifier in identifiers for parsed in self._requirements[identifier]
        )
        metadata = self._catalogue.metadata(candidate)
        return ResolvedPackage(
            name=name,
            version=candidate.version,
            index=self._catalogue.project(name).page.index,
            extras=tuple(extras),
            groups=tuple(sorted(groups)),
            requires_python=metadata.requires_python or candidate.file.requires_python,
            dependencies=tuple(sorted(set(requirements))),
            file=candidate.file,
            is_sdist=candidate.file.kind != "wheel",
            metadata_sha256=metadata.sha256,
            metadata_origin=metadata.origin,
            source=self._catalogue.places.source(name),
        )

    def _walk(self, group: str) -> None:
        roots = self._catalogue.roots.needs
        waiting = [need for need, groups in roots.items() if group in groups]
        for need in waiting:
            self._check(need, None)
        while waiting:
            need = waiting.pop()
            groups = self.groups.setdefault(need.identifier, set())
            if group in groups:
                continue
            groups.add(group)
            self.extras.setdefault(need.name, set()).update({need.extra} - {""})
            waiting.extend(self._needs(need.identifier))

    def _needs(self, identifier: str) -> Iterator[Need]:
        candidate = self._mapping[identifier]
        if identifier not in self._requirements:
            self._requirements[identifier] = self._catalogue.requirements(candidate)
            if candidate.extra:
                self._check(exact_need(candidate.name, candidate.version), candidate)
        for parsed in self._requirements[identifier]:
            for need in needs_of(parsed):
                self._check(need, candidate)
                yield need

    def _check(self, need: Need, parent: Candidate | None) -> None:
        edges = self.edges.setdefault(need.name, {})
        if not need.exact:
            edges[need, parent] = None
        chosen = self._mapping.get(need.identifier)
        limits = self._catalogue.roots.limits(need.name)
        if chosen is None or not all(item.accepts(chosen.version) for item in (need, *limits)):
            raise InconsistentError(tuple(edges))


def _rejections(
    packages: Iterable[ResolvedPackage], catalogue: Catalogue, recorder: Recorder, tree: Tree
) -> Iterator[Rejection]:
    """For each package that is not at its locked version: what came before, and why not.

    Of neighbouring versions with the same reason the best liked one is told.
    """
    for package in packages:
        project = catalogue.project(package.name)
        if project.preferred == package.version:
            continue
        told: set[str] = set()
        for version in project.versions[:MAX_VERSIONS]:
            if version == package.version or len(told) == MAX_REASONS:
                break
            reason = _reason(package.name, version, catalogue, recorder, tree)
            if reason not in told:
                told.add(reason)
                yield Rejection(name=package.name, version=version, reason=reason)


def _reason(name: str, version: str, catalogue: Catalogue, recorder: Recorder, tree: Tree) -> str:
    roots = catalogue.roots
    for need, parent in sorted(tree.edges[name], key=lambda edge: edge[1] is not None):
        if not need.accepts(version):
            return f"{asker(parent, need, roots)} needs {need.text}"
    for limit in roots.limits(name):
        if not limit.accepts(version):
            return f"constraint {limit.text}"
    project = catalogue.project(name)
    needs = [*(need for need, _ in tree.edges[name]), *roots.limits(name)]
    if reason := project.reason_against(version, needs):
        return reason
    candidate = project.candidate(version)
    causes = recorder.conflicts.get((name, version), ())
    if candidate is None:
        return project.reasons[version]
    return conflict_reason(candidate, causes, roots)


def _warnings(packages: Iterable[ResolvedPackage], catalogue: Catalogue) -> Iterator[str]:
    for package in packages:
        what = f"{package.name} {package.version}"
        project = catalogue.project(package.name)
        if project.page.status != "active":
            yield f"{package.name}: its index marks the project as {project.page.status}"
        if package.file.yanked is not None:
            yield f"{what} is {YANKED}" + (
                f": {package.file.yanked}" if package.file.yanked else ""
            )
        candidate = project.candidate(package.version)
        known = catalogue.metadata(candidate).provides_extra if candidate is not None else ()
        for extra in package.extras:
            if extra not in known:
                yield f"{what} has no extra {extra!r}"
