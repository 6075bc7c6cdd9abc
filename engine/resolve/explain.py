"""A failed resolution told in words: who wants what, and why nothing fits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from ppm.engine.errors import ResolutionError
from ppm.engine.resolve.candidates import Candidate, Project
from ppm.engine.resolve.catalogue import UNKNOWN, Catalogue
from ppm.engine.resolve.doom import Edge
from ppm.engine.resolve.problem import Problem
from ppm.engine.resolve.reporter import asker
from ppm.engine.resolve.requirement import Need

SHOWN_VERSIONS = 3
SHOWN_REASONS = 6
INDENT = "  "


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """What is known when the resolver gives up.

    ``causes`` are the needs of the last conflict and who has them; ``edges`` all needs met on the
    way, by identifier.
    """

    problem: Problem
    catalogue: Catalogue
    edges: Mapping[str, Mapping[Edge, None]]
    causes: tuple[Edge, ...]

    @property
    def chain(self) -> tuple[Edge, ...]:
        """The causes, each after the needs that lead to it from the project."""
        found: dict[Edge, None] = {}
        for need, parent in sorted(self.causes, key=lambda edge: edge[1] is not None):
            if parent is not None:
                found.update(dict.fromkeys(self._path(parent, set())))
            found[need, parent] = None
        return tuple(found)

    def hopeless(self) -> dict[str, list[Edge]]:
        """By project, the needs that no usable version satisfies even alone."""
        told = {parent.name for _, parent in self.causes if parent is not None}
        found: dict[str, list[Edge]] = {}
        for need, parent in self.causes:
            if not (need.refusal or need.exact or need.name in told or self.fit(need)):
                found.setdefault(need.name, []).append((need, parent))
        return found

    def fit(self, *needs: Need) -> bool:
        """Whether some version of one project matches all ``needs`` and the constraints."""
        name = needs[0].name
        limits = self.catalogue.roots.limits(name)
        matches = self.catalogue.project(name).matching((*needs, *limits))
        return next(matches, None) is not None

    def _path(self, candidate: Candidate, visited: set[str]) -> list[Edge]:
        """Needs from the project to ``candidate``: one way of several."""
        visited = visited | {candidate.identifier}
        askers = [
            edge
            for edge in self.edges.get(candidate.identifier, ())
            if not edge[0].exact and edge[0].accepts(candidate.version)
        ]
        for edge in sorted(askers, key=lambda edge: edge[1] is not None):
            parent = edge[1]
            if parent is None:
                return [edge]
            if parent.identifier not in visited and (way := self._path(parent, visited)):
                return [*way, edge]
        return []


def explain(failure: Failure) -> ResolutionError:
    """The error that tells the failure, without a suggestion."""
    hopeless = failure.hopeless()
    asked_by_project = {
        name: edges
        for name, edges in hopeless.items()
        if any(parent is None for _, parent in edges)
    }
    unknown = [name for name in hopeless if failure.catalogue.project(name).page.status == UNKNOWN]
    if asked_by_project:
        names = ", ".join(asked_by_project)
        if set(asked_by_project) <= set(unknown):
            title, code = f"no index has a project named {names}", "UNKNOWN_PACKAGE"
            hopeless = {}
        else:
            title, code = f"no usable version of {names}", "NO_MATCHING_VERSION"
    else:
        title, code = _conflict_title(failure), "RESOLUTION_IMPOSSIBLE"
    hint = "check the spelling" if unknown else ""
    lines = list(_lines(failure, hopeless))
    return ResolutionError("\n".join([f"{title}:", *lines]), code=code, hint=hint)


def _conflict_title(failure: Failure) -> str:
    told = {parent.name for _, parent in failure.causes if parent is not None}
    needs: dict[str, list[Need]] = {}
    for need, _ in failure.causes:
        if not need.refusal:
            needs.setdefault(need.name, []).append(need)
    contested = [name for name, on in needs.items() if not failure.fit(*on)]
    ends = [name for name in contested if name not in told]
    return f"the requirements do not fit together on {', '.join(ends or contested or needs)}"


def _lines(failure: Failure, hopeless: Mapping[str, Sequence[Edge]]) -> Iterator[str]:
    listed = [_versions_seen(failure, name) for name in hopeless]
    chain = [edge for edge in failure.chain if not edge[0].exact]
    python = [edge for edge in chain if edge[0].refusal.startswith("needs Python")]
    for lines in listed:
        if any("needs Python" in line for line in lines):
            yield _target_line(failure)
            break
    else:
        if python:
            yield _target_line(failure)
    rest = [edge for edge in chain if edge not in set(python)]
    yield from _told(python, failure)
    yield from _told(rest, failure)
    for name in dict.fromkeys(need.name for need, _ in chain):
        for limit in failure.catalogue.roots.limits(name):
            yield f"{INDENT}a constraint says {limit.text}"
    for lines in listed:
        yield from lines


def _target_line(failure: Failure) -> str:
    target = failure.problem.target
    return f"{INDENT}the target {target.name} has Python {target.python_full_version}"


def _told(edges: Sequence[Edge], failure: Failure) -> Iterator[str]:
    """One line for each need; the versions of a package that have the same need share one."""
    roots = failure.catalogue.roots
    groups: dict[tuple[str, str, str], list[str]] = {}
    for need, parent in edges:
        who = parent.identifier if parent is not None else asker(None, need, roots)
        versions = groups.setdefault((who, need.refusal, need.text), [])
        if parent is not None and parent.version not in versions:
            versions.append(parent.version)
    lines = Counter(who for who, _, _ in groups)
    told: Counter[str] = Counter()
    for (who, refusal, text), versions in groups.items():
        told[who] += 1
        if told[who] <= SHOWN_REASONS:
            named = f"{INDENT}{who} {some(versions)}".rstrip()
            verb = "need" if len(versions) > 1 else "needs"
            yield f"{named}: {refusal}" if refusal else f"{named} {verb} {text}"
        elif told[who] == lines[who]:
            yield f"{INDENT}{who}: {lines[who] - SHOWN_REASONS} more lines like these"


def _versions_seen(failure: Failure, name: str) -> list[str]:
    """Why each version of a project is none, those with the same reason on one line."""
    project = failure.catalogue.project(name)
    if project.page.status == UNKNOWN:
        return [f"{INDENT}no index has a project named {name}"]
    if not project.versions:
        return [f"{INDENT}{name} has no files that can be used"]
    needs = [need for need, _ in failure.causes if need.name == name and not need.refusal]
    groups: dict[str, list[str]] = {}
    for version in project.versions:
        groups.setdefault(_skipped(failure, project, version, needs), []).append(version)
    told = sorted(groups.items(), key=lambda item: not item[0].startswith("needs Python"))
    lines = [f"{INDENT}{name} {some(versions)}: {reason}" for reason, versions in told]
    if len(lines) > SHOWN_REASONS:
        hidden = sum(len(versions) for _, versions in told[SHOWN_REASONS:])
        lines[SHOWN_REASONS:] = [f"{INDENT}{name}: {hidden} more versions for other reasons"]
    return lines


def _skipped(failure: Failure, project: Project, version: str, needs: Sequence[Need]) -> str:
    limits = failure.catalogue.roots.limits(project.name)
    for need in needs:
        if not need.accepts(version):
            return f"not within {need.text}"
    for limit in limits:
        if not limit.accepts(version):
            return f"not within the constraint {limit.text}"
    return project.reason_against(version, (*needs, *limits)) or "ruled out by the others"


def some(versions: Sequence[str]) -> str:
    """A few versions and how many more."""
    shown = ", ".join(versions[:SHOWN_VERSIONS])
    more = len(versions) - SHOWN_VERSIONS
    return f"{shown} and {more} more" if more > 0 else shown
