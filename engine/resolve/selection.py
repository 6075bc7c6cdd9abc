"""Which file of a release is usable on the target, or why none is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

import msgspec
from packaging.specifiers import InvalidSpecifier
from packaging.version import InvalidVersion, Version

from ppm.engine.errors import RequirementError
from ppm.engine.index.model import DistributionFile, Release
from ppm.engine.resolve.problem import EVERYTHING, Policy
from ppm.engine.resolve.requirement import normalize_name, specifier_set
from ppm.engine.target import Target

_DATE_LENGTH = len("2026-11-22")


class Choice(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The best file of a release, or the reason why there is none."""

    file: DistributionFile | None = None
    reason: str = ""


class FileRules:
    """The target and the policy, ready to judge thousands of files."""

    def __init__(self, target: Target, policy: Policy) -> None:
        self._target = target.name
        self.python = python_release(target)
        self._ranks = {tag: rank for rank, tag in enumerate(target.tags)}
        self._cutoff = parse_cutoff(policy.exclude_newer) if policy.exclude_newer else None
        self._no_sdist = _names(policy.only_binary) | ({EVERYTHING} if policy.no_build else set())
        self._no_wheel = _names(policy.no_binary)
        self._pythons: dict[str, bool] = {}

    def allows_python(self, requires_python: str) -> bool:
        """Whether the target's Python is within ``requires_python``.

        Raises:
            InvalidSpecifier: It is no specifier.
        """
        known = self._pythons.get(requires_python)
        if known is None:
            known = specifier_set(requires_python).contains(self.python, prereleases=True)
            self._pythons[requires_python] = known
        return known

    def choose(self, name: str, release: Release) -> Choice:
        """The best file: not yanked before yanked, wheels before sdists, best tag, build tag.

        A yanked file is only the choice where nothing else of the release is usable; whether it may
        be taken is decided elsewhere.
        """
        best: DistributionFile | None = None
        best_key: tuple[object, ...] = ()
        nearest = (-1, "it has no files")
        for file in release.files:
            obstacle = self._obstacle(name, file)
            if obstacle is not None:
                nearest = max(nearest, obstacle, key=lambda found: found[0])
                continue
            key = (file.yanked is None, *self._rank(file))
            if best is None or key > best_key:
                best, best_key = file, key
        return Choice(file=best) if best is not None else Choice(reason=nearest[1])

    def _obstacle(self, name: str, file: DistributionFile) -> tuple[int, str] | None:
        """How far the file got, and what stopped it there."""
        is_wheel = file.kind == "wheel"
        if not self._format_allowed(name, is_wheel=is_wheel):
            return 0, "it has no wheel and building is off" if not is_wheel else "wheels are off"
        if self._cutoff is not None and (reason := _too_new(file, self._cutoff)):
            return 1, reason
        if file.requires_python and (reason := self._python_obstacle(file.requires_python)):
            return 3, reason
        if is_wheel and _tag_rank(file.filename, self._ranks) is None:
            return 2, f"no wheel fits {self._target}"
        return None

    def _format_allowed(self, name: str, *, is_wheel: bool) -> bool:
        refused = self._no_wheel if is_wheel else self._no_sdist
        return name not in refused and EVERYTHING not in refused

    def _python_obstacle(self, requires_python: str) -> str:
        try:
            fits = self.allows_python(requires_python)
        except InvalidSpecifier:
            return f"its Requires-Python {requires_python!r} is no specifier"
        return "" if fits else python_reason(requires_python)

    def _rank(self, file: DistributionFile) -> tuple[object, ...]:
        """Bigger is better."""
        if file.kind != "wheel":
            return (False, 0, (), file.filename.endswith(".tar.gz"), file.filename)
        rank = _tag_rank(file.filename, self._ranks) or 0
        return (True, -rank, _build_tag(file.filename), True, file.filename)


def python_reason(requires_python: str) -> str:
    """How a Requires-Python that the target does not meet is told."""
    return f"needs Python {requires_python}"


def python_release(target: Target) -> Version:
    """The target's Python without pre-release and local parts: ``3.14.0rc1`` counts as 3.14.0."""
    text = target.python_full_version.rstrip("+")
    try:
        return Version(Version(text).base_version)
    except InvalidVersion as error:
        raise RequirementError(f"{text!r} is not a Python version", code="TARGET") from error


@lru_cache(64)
def parse_cutoff(text: str) -> datetime:
    """The instant from which on uploads do not exist. A date is included whole, in UTC.

    Raises:
        RequirementError: Neither an RFC 3339 time nor a date.
    """
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise RequirementError(
            f"{text!r} is neither a date nor an RFC 3339 time",
            code="INVALID_TIME",
            hint="write 2026-11-22 or 2026-11-22T06:39:00Z",
        ) from error
    if len(text) == _DATE_LENGTH:
        instant += timedelta(days=1)
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)


def _too_new(file: DistributionFile, cutoff: datetime) -> str:
    if not file.upload_time:
        return "its index does not say when it was uploaded"
    try:
        uploaded = datetime.fromisoformat(file.upload_time)
    except ValueError:
        return f"its upload time {file.upload_time!r} is no time"
    if uploaded.tzinfo is None:
        uploaded = uploaded.replace(tzinfo=UTC)
    return f"uploaded {file.upload_time}, after the cutoff" if uploaded >= cutoff else ""


def _tag_rank(filename: str, ranks: dict[str, int]) -> int | None:
    """The place of the best of the wheel's tags among the target's, or ``None``."""
    interpreters, abis, platforms = filename[: -len(".whl")].lower().rsplit("-", 3)[1:]
    if "." not in f"{interpreters}{abis}{platforms}":
        return ranks.get(f"{interpreters}-{abis}-{platforms}")
    found = [
        rank
        for interpreter in interpreters.split(".")
        for abi in abis.split(".")
        for platform in platforms.split(".")
        if (rank := ranks.get(f"{interpreter}-{abi}-{platform}")) is not None
    ]
    return min(found, default=None)


def _build_tag(filename: str) -> tuple[int, str] | tuple[()]:
    """The sort key of a wheel's build tag (binary distribution format, "File name convention")."""
    parts = filename.split("-")
    if len(parts) != 6:  # noqa: PLR2004 - name, version, build, three tags
        return ()
    digits = len(parts[2]) - len(parts[2].lstrip("0123456789"))
    return int(parts[2][:digits] or 0), parts[2][digits:]


def _names(names: tuple[str, ...]) -> set[str]:
    return {name if name == EVERYTHING else normalize_name(name) for name in names}
