"""Several targets in one lock, so that they agree wherever they can. Pure.

One after the other: each prefers what its own lock pins, then what the targets before it chose.
What still differs is tried again at the lowest of the versions chosen, where no lock pins another
one and no wheel is given up for a source distribution.

Targets that markers cannot tell apart (two C libraries, two versions of macOS) have to agree: an
installer of ``pylock.toml`` could not know which entry is meant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec
from packaging.version import Version

from ppm.engine.errors import ResolutionError
from ppm.engine.resolve.problem import Policy, Preference, Problem, Resolution
from ppm.engine.resolve.requirement import normalize_name
from ppm.engine.target import Target

Solve = Callable[[Problem], Resolution]
Alike = Callable[[Target, Target], bool]
"""Whether markers cannot tell two targets apart."""

_ATTEMPTS = 4


def resolve_together(
    problems: Sequence[Problem], solve: Solve, alike: Alike
) -> tuple[Resolution, ...]:
    """Resolve the same requirements for several targets.

    Raises:
        ResolutionError: Nothing fits a target, which the message names; or ``TARGETS_ALIKE``.
    """
    found: list[Resolution] = []
    for problem in problems:
        found.append(_named(_following(problem, found), solve))
    for _ in range(_ATTEMPTS):
        closer = _closer(problems, found, solve, alike)
        if closer is None:
            break
        found = closer
    targets = [problem.target for problem in problems]
    require_told_apart(targets, [_versions(one) for one in found], alike)
    return tuple(found)


def require_told_apart(
    targets: Sequence[Target], versions: Sequence[Mapping[str, str]], alike: Alike
) -> None:
    """Refuse targets that markers cannot tell apart and that have different packages.

    Raises:
        ResolutionError: ``code="TARGETS_ALIKE"``.
    """
    for place, target in enumerate(targets):
        for other in range(place):
            if versions[place] == versions[other] or not alike(target, targets[other]):
                continue
            differing = sorted(
                {name for name, _ in versions[place].items() ^ versions[other].items()}
            )
            raise ResolutionError(
                f"{targets[other].name} and {target.name} need different packages, and pylock.toml "
                f"cannot say which of them is meant: {', '.join(sorted(differing)[:5])}",
                code="TARGETS_ALIKE",
                hint="limit these packages to versions that both can use, or lock for one of them",
            )


def _named(problem: Problem, solve: Solve) -> Resolution:
    """Solve; a failure says for which target."""
    try:
        return solve(problem)
    except ResolutionError as error:
        error.message = f"for {problem.target.name}: {error.message}"
        raise


def _following(problem: Problem, earlier: Sequence[Resolution]) -> Problem:
    """The problem with the choices of earlier targets preferred where its lock pins nothing."""
    chosen: dict[str, str] = {}
    for resolution in reversed(earlier):
        chosen.update(_versions(resolution))
    return _preferring(problem, {**chosen, **_pins(problem)}) if earlier else problem


def _closer(
    problems: Sequence[Problem], found: Sequence[Resolution], solve: Solve, alike: Alike
) -> list[Resolution] | None:
    """Resolutions with fewer differences, or None where there are none to be had."""
    apart = _differing(found)
    goals = {name: min(versions, key=Version) for name, versions in apart.items()}
    closer = list(found)
    for place, problem in enumerate(problems):
        versions = _versions(found[place])
        forced = _forced(place, problems, found, alike)
        pins = _pins(problem)
        moving = {
            name: goal
            for name, goal in goals.items()
            if versions.get(name, goal) != goal
            and (name in forced or pins.get(name) != versions[name])
        }
        closer[place] = _moved(problem, found[place], moving, solve)
    return closer if len(_differing(closer)) < len(apart) else None


def _forced(
    place: int, problems: Sequence[Problem], found: Sequence[Resolution], alike: Alike
) -> set[str]:
    """The packages that this target has to have as another one has them."""
    group = [
        resolution
        for problem, resolution in zip(problems, found, strict=True)
        if alike(problem.target, problems[place].target)
    ]
    return set(_differing(group))


def _moved(
    problem: Problem, before: Resolution, moving: Mapping[str, str], solve: Solve
) -> Resolution:
    """The resolution at the versions ``moving``, as far as nothing is built that was not before."""
    versions, built = _versions(before), _built(before)
    while moving:
        try:
            found = solve(_preferring(problem, {**versions, **moving}))
        except ResolutionError:
            return before
        newly_built = _built(found) - built
        if not newly_built:
            return found
        remaining = {name: one for name, one in moving.items() if name not in newly_built}
        if len(remaining) == len(moving):
            return before
        moving = remaining
    return before


def _preferring(problem: Problem, versions: Mapping[str, str]) -> Problem:
    """The problem with exactly these preferences; what is upgraded is no pin any more."""
    own: dict[str, Preference] = {normalize_name(one.name): one for one in problem.preferences}
    preferences = [
        own[name]
        if name in own and own[name].version == version
        else Preference(name=name, version=version)
        for name, version in versions.items()
    ]
    policy: Policy = msgspec.structs.replace(problem.policy, upgrade=False, upgrade_packages=())
    return msgspec.structs.replace(problem, preferences=tuple(preferences), policy=policy)


def _pins(problem: Problem) -> dict[str, str]:
    """The preferences that the policy does not forget."""
    if problem.policy.upgrade:
        return {}
    free = {normalize_name(name) for name in problem.policy.upgrade_packages}
    pins = {normalize_name(one.name): one.version for one in problem.preferences}
    return {name: version for name, version in pins.items() if name not in free}


def _versions(resolution: Resolution) -> dict[str, str]:
    return {package.name: package.version for package in resolution.packages}


def _built(resolution: Resolution) -> set[str]:
    return {package.name for package in resolution.packages if package.is_sdist}


def _differing(found: Sequence[Resolution]) -> dict[str, set[str]]:
    """The packages that stand in several versions."""
    versions: dict[str, set[str]] = {}
    for resolution in found:
        for package in resolution.packages:
            versions.setdefault(package.name, set()).add(package.version)
    return {name: several for name, several in versions.items() if len(several) > 1}
