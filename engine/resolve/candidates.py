"""From a project page to candidates, made when asked for and then kept.

Pages hold thousands of files, of which a resolution looks at few: versions are parsed, files judged
and candidates made only as far down the page as the needs lead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ppm.engine.index.model import DistributionFile, ProjectPage
from ppm.engine.resolve.problem import Prereleases
from ppm.engine.resolve.requirement import Need, identify, parse_version
from ppm.engine.resolve.selection import FileRules

QUARANTINED = "quarantined"
YANKED = "yanked"
PRERELEASE = "a pre-release"


class Candidate:
    """A version of a project, or of one extra of it; equal only to itself.

    ``base`` is the candidate without extra (itself, if it has none).
    """

    __slots__ = ("base", "extra", "file", "identifier", "name", "version")

    def __init__(
        self, name: str, version: str, file: DistributionFile, *, base: Candidate | None, extra: str
    ) -> None:
        self.name = name
        self.version = version
        self.file = file
        self.extra = extra
        self.identifier = identify(name, extra)
        self.base = base or self

    def __repr__(self) -> str:
        return f"<Candidate {self}>"

    def __str__(self) -> str:
        return f"{self.identifier} {self.version}"


class Project:
    """One project page under the rules of one resolution.

    Args:
        name: Normalised name.
        page: Releases newest first.
        rules: What makes a file usable.
        prereleases: The policy's mode.
        preferred: The version to try first, or ``""``.
        oldest_first: Whether low versions are liked better.
    """

    def __init__(
        self,
        name: str,
        page: ProjectPage,
        rules: FileRules,
        *,
        prereleases: Prereleases = "if-necessary-or-explicit",
        preferred: str = "",
        oldest_first: bool = False,
    ) -> None:
        self.name = name
        self.page = page
        self.reasons: dict[str, str] = {}
        self._rules = rules
        self._prereleases = prereleases
        self._made: dict[str, Candidate] = {}
        self._extras: dict[tuple[str, str], Candidate] = {}
        releases = reversed(page.releases) if oldest_first else iter(page.releases)
        self._releases = {release.version: release for release in releases}
        self.preferred = preferred
        if preferred and preferred not in self._releases:
            self.preferred = self._same_public(preferred)

    @property
    def versions(self) -> tuple[str, ...]:
        """All versions of the page, the best liked first (the preference aside)."""
        return tuple(self._releases)

    def matching(self, needs: Sequence[Need]) -> Iterator[Candidate]:
        """Usable candidates that all ``needs`` accept, best first.

        Pre-releases that are taken only if necessary, and yanked versions that a pin names, follow
        where nothing else was found (PEP 440 "Handling of pre-releases", PEP 592).
        """
        tests = [need.accepts for need in needs if not need.is_free]
        explicit = any(need.prerelease for need in needs)
        found = False
        prereleases: list[str] = []
        yanked: list[Candidate] = []
        for version in self._ordered():
            if not all(test(version) for test in tests):
                continue
            if not self._takes_prerelease(version, explicit=explicit):
                prereleases.append(version)
                continue
            candidate = self.candidate(version)
            if candidate is None:
                continue
            if candidate.file.yanked is not None and version != self.preferred:
                yanked.append(candidate)
                continue
            found = True
            yield candidate
        if not found and self._prereleases == "if-necessary-or-explicit":
            for candidate in filter(None, map(self.candidate, prereleases)):
                found = found or candidate.file.yanked is None
                if candidate.file.yanked is None:
                    yield candidate
        if not found and any(need.pinned for need in needs):
            yield from yanked

    def possible(self, needs: Sequence[Need]) -> Iterator[Candidate]:
        """Usable candidates within ``needs``, also those that only yet other needs let in.

        Unlike those of :meth:`matching` these can only become fewer when needs are added.
        """
        tests = [need.accepts for need in needs if not need.is_free]
        strict = self._prereleases == "disallow"
        for version in self._ordered():
            if all(test(version) for test in tests) and not (
                strict and parse_version(version).is_prerelease
            ):
                candidate = self.candidate(version)
                if candidate is not None:
                    yield candidate

    def reason_against(self, version: str, needs: Sequence[Need]) -> str:
        """Why a version of the page that ``needs`` accept is no match, or ``""`` if it is one."""
        candidate = self.candidate(version)
        if candidate is None:
            return self.reasons[version]
        if candidate in self.matching(needs):
            return ""
        if candidate.file.yanked is not None:
            return f"{YANKED}: {candidate.file.yanked}" if candidate.file.yanked else YANKED
        return PRERELEASE

    def candidate(self, version: str) -> Candidate | None:
        """The candidate of one version; ``None`` with an entry in ``reasons`` if there is none."""
        made = self._made.get(version)
        if made is not None or version in self.reasons:
            return made
        if self.page.status == QUARANTINED:
            self.reasons[version] = "the index has the project in quarantine"
            return None
        choice = self._rules.choose(self.name, self._releases[version])
        if choice.file is None:
            self.reasons[version] = choice.reason
            return None
        made = Candidate(self.name, version, choice.file, base=None, extra="")
        self._made[version] = made
        return made

    def with_extra(self, base: Candidate, extra: str) -> Candidate:
        """The candidate of ``base`` with one extra."""
        key = (base.version, extra)
        made = self._extras.get(key)
        if made is None:
            made = Candidate(base.name, base.version, base.file, base=base, extra=extra)
            self._extras[key] = made
        return made

    def drop(self, version: str, reason: str) -> None:
        """Leave a version out from now on."""
        self._made.pop(version, None)
        self.reasons[version] = reason

    def _same_public(self, version: str) -> str:
        """The version that differs in its local label alone (``2.4.0+cpu``, ``2.4.0+cu121``)."""
        public = version.partition("+")[0]
        same = (one for one in self._releases if one.partition("+")[0] == public)
        return next(same, version)

    def _ordered(self) -> Iterator[str]:
        preferred = self.preferred
        if preferred in self._releases:
            yield preferred
        for version in self._releases:
            if version != preferred:
                yield version

    def _takes_prerelease(self, version: str, *, explicit: bool) -> bool:
        if self._prereleases == "allow" or not parse_version(version).is_prerelease:
            return True
        if self._prereleases == "disallow":
            return False
        kept = self._prereleases == "if-necessary-or-explicit"
        return explicit or (kept and version == self.preferred)
