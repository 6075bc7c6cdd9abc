"""What one resolution knows: projects and metadata, each asked of the source once."""

from __future__ import annotations

import msgspec
from packaging.version import InvalidVersion

from ppm.engine.errors import IndexFailure, RequirementError
from ppm.engine.index.model import CoreMetadata, DistributionFile, ProjectPage
from ppm.engine.ports import PackageSource
from ppm.engine.resolve.candidates import Candidate, Project
from ppm.engine.resolve.direct import Places
from ppm.engine.resolve.environment import TargetMarkers
from ppm.engine.resolve.problem import Problem
from ppm.engine.resolve.requirement import (
    Need,
    Parsed,
    needs_of,
    normalize_name,
    parse_version,
    source_of,
)
from ppm.engine.resolve.roots import Roots
from ppm.engine.resolve.selection import FileRules, python_reason

UNKNOWN = "unknown"
CANNOT_TELL = "FOREIGN_SDIST"
"""The code of a source distribution whose metadata only a build on another machine could tell."""


class UnusableError(Exception):
    """A candidate that its own metadata rules out; the text is the reason."""


class Remembered:
    """A package source that asks another each question once and remembers the answers."""

    def __init__(self, source: PackageSource) -> None:
        self._source = source
        self._pages: dict[str, ProjectPage] = {}
        self._metadata: dict[str, CoreMetadata] = {}

    def page(self, name: str) -> ProjectPage:
        """See :class:`ppm.engine.ports.PackageSource`."""
        if name not in self._pages:
            self._pages[name] = self._source.page(name)
        return self._pages[name]

    def metadata(self, file: DistributionFile) -> CoreMetadata:
        """See :class:`ppm.engine.ports.PackageSource`."""
        if file.url not in self._metadata:
            self._metadata[file.url] = self._source.metadata(file)
        return self._metadata[file.url]


class Shelf:
    """Makes the projects of one problem from their pages."""

    def __init__(self, problem: Problem, roots: Roots) -> None:
        policy = problem.policy
        self.rules = FileRules(problem.target, policy)
        self._policy = policy
        self._direct = roots.names
        self._placed = {direct.name for direct in problem.directs}
        # When it was uploaded, and whether it is a pre-release, is no question here: it was named.
        self._rules_for_placed = FileRules(
            problem.target, msgspec.structs.replace(policy, exclude_newer="", no_binary=())
        )
        free = {normalize_name(name) for name in policy.upgrade_packages}
        self._preferred: dict[str, str] = {
            normalize_name(preference.name): preference.version
            for preference in problem.preferences
            if not policy.upgrade and normalize_name(preference.name) not in free
        }

    def project(self, name: str, page: ProjectPage) -> Project:
        """The project of a page, with its preference and the order of its versions."""
        strategy = self._policy.resolution
        placed = name in self._placed
        return Project(
            name,
            page,
            self._rules_for_placed if placed else self.rules,
            prereleases="allow" if placed else self._policy.prereleases,
            preferred=self._preferred.get(name, ""),
            oldest_first=strategy == "lowest"
            or (strategy == "lowest-direct" and name in self._direct),
        )


class Catalogue:
    """Projects by name and the needs of their candidates.

    Raises:
        RequirementError: A root requirement or constraint does not parse or cannot be honoured.
    """

    def __init__(self, problem: Problem, source: PackageSource) -> None:
        self.markers = TargetMarkers(problem.target)
        self.roots = Roots(problem, self.markers)
        self._shelf = Shelf(problem, self.roots)
        self._source = source
        self.places = Places(problem.directs)
        self._projects: dict[str, Project] = {}
        self._metadata: dict[str, CoreMetadata] = {}
        self.metadata_count = 0

    def project(self, name: str) -> Project:
        """The project; one that no index knows is empty and has the status ``unknown``.

        Raises:
            IndexFailure: An index fails. NotCached: The source may not ask it.
        """
        known = self._projects.get(name)
        if known is None:
            try:
                page = self._source.page(name)
            except IndexFailure as failure:
                if failure.code != "UNKNOWN_PACKAGE":
                    raise
                page = ProjectPage(name=name, index="", releases=(), status=UNKNOWN)
            known = self._projects[name] = self._shelf.project(name, page)
        return known

    def metadata(self, candidate: Candidate) -> CoreMetadata:
        """The candidate's metadata, checked against its file name and the target.

        Raises:
            UnusableError: The candidate is to be left out.
            IndexFailure: An index fails. NotCached: The source may not ask it.
        """
        known = self._metadata.get(candidate.file.url)
        if known is None:
            self.metadata_count += 1
            try:
                known = self._source.metadata(candidate.file)
            except IndexFailure as failure:
                if failure.code == CANNOT_TELL:
                    raise UnusableError(failure.message) from failure
                if failure.code != "INVALID_METADATA":
                    raise
                raise UnusableError(f"its metadata is invalid: {failure.message}") from failure
            self._check(candidate, known)
            self._metadata[candidate.file.url] = known
        return known

    def requirements(self, candidate: Candidate) -> list[Parsed]:
        """The requirements that a candidate (or its extra) adds on the target.

        Raises:
            UnusableError: One of them is invalid or a direct reference.
        """
        metadata = self.metadata(candidate)
        try:
            found = list(self.markers.applying(metadata.requires_dist, candidate.extra))
        except ValueError as error:
            reason = str(error).splitlines()[0]
            raise UnusableError(f"its metadata holds an invalid requirement: {reason}") from error
        for parsed in found:
            if parsed.url and not self._is_asked_for_by_the_project(parsed):
                raise UnusableError(
                    f"it asks for {parsed.text}; only your project may name a URL: add that very"
                    " requirement to it if you trust it"
                )
        return found

    def _is_asked_for_by_the_project(self, parsed: Parsed) -> bool:
        try:
            return self.places.source(parsed.name) == source_of(parsed)
        except RequirementError:
            return False

    def needs(self, candidate: Candidate) -> list[Need]:
        """What a candidate needs, apart from its own base."""
        return [need for parsed in self.requirements(candidate) for need in needs_of(parsed)]

    def _check(self, candidate: Candidate, metadata: CoreMetadata) -> None:
        says = f"{metadata.name} {metadata.version}"
        try:
            same = parse_version(metadata.version) == parse_version(candidate.version)
            fits = self._shelf.rules.allows_python(metadata.requires_python)
        except InvalidVersion as error:
            raise UnusableError(f"its metadata says it is {says!r}") from error
        except ValueError as error:
            raise UnusableError(
                f"its Requires-Python {metadata.requires_python!r} is no specifier"
            ) from error
        if not same or normalize_name(metadata.name) != candidate.name:
            raise UnusableError(f"its metadata says it is {says}")
        if not fits:
            raise UnusableError(python_reason(metadata.requires_python))
