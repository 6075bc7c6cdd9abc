"""Whether a lock still answers the requirements, without resolving anything."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from ppm.engine.resolve.environment import TargetMarkers
from ppm.engine.resolve.problem import RootRequirement
from ppm.engine.resolve.requirement import (
    Parsed,
    parse_requirement,
    parse_version,
    source_of,
    specifier_set,
)
from ppm.engine.resolve.roots import applying_root, group_label
from ppm.engine.target import Target


class LockedPin(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a lock says of a package: as in :class:`ppm.events.resolution.PackageLocked`."""

    version: str
    extras: tuple[str, ...]
    dependencies: tuple[str, ...]
    source: str = ""


def lock_satisfies(
    roots: Iterable[RootRequirement], locked: Mapping[str, LockedPin], target: Target
) -> list[str]:
    """Why the lock does not answer the roots on the target; empty if it does.

    Every root and every dependency of each package that is reached must be met by the locked
    versions and extras, and nothing may be locked that nothing asks for.

    Args:
        roots: The project's requirements.
        locked: Pins by normalised name.
        target: Where the roots' markers are evaluated.

    Raises:
        RequirementError: A root does not parse or cannot be resolved.
    """
    asked: dict[str, set[str]] = {}
    needs = list(_root_needs(roots, target))
    named = {parsed.name for _, parsed in needs if parsed.url}
    problems = list(_walk(needs, locked, asked))
    problems += (
        f"your project no longer says where {name} comes from"
        for name in sorted(locked.keys() - named)
        if locked[name].source
    )
    for name in sorted(locked):
        if name not in asked:
            problems.append(f"nothing needs {name} {locked[name].version}")
        elif surplus := sorted(set(locked[name].extras) - asked[name]):
            problems.append(f"nothing needs the extras {', '.join(surplus)} of {name}")
    return problems


def _root_needs(roots: Iterable[RootRequirement], target: Target) -> Iterator[tuple[str, Parsed]]:
    markers = TargetMarkers(target)
    for root in roots:
        parsed = applying_root(root, markers)
        if parsed is not None:
            yield group_label(root.group), parsed


def _walk(
    needs: Iterable[tuple[str, Parsed]],
    locked: Mapping[str, LockedPin],
    asked: dict[str, set[str]],
) -> Iterator[str]:
    waiting = deque(needs)
    while waiting:
        who, parsed = waiting.popleft()
        pin = locked.get(parsed.name)
        if pin is None:
            yield f"{who} needs {parsed.text}, which is not locked"
            continue
        yield from _unmet(who, parsed, pin)
        if parsed.name not in asked:
            asked[parsed.name] = set()
            waiting.extend(_dependencies(parsed.name, pin))
        asked[parsed.name].update(parsed.extras)


def _unmet(who: str, parsed: Parsed, pin: LockedPin) -> Iterator[str]:
    if parsed.url and source_of(parsed) != pin.source:
        yield f"{who} needs {parsed.text}, locked is {pin.source or pin.version}"
    if parsed.specifier and not specifier_set(parsed.specifier).contains(
        parse_version(pin.version), prereleases=True
    ):
        yield f"{who} needs {parsed.text}, locked is {pin.version}"
    missing = [extra for extra in parsed.extras if extra not in pin.extras]
    if missing:
        yield f"{who} needs {parsed.text}, locked without {', '.join(missing)}"


def _dependencies(name: str, pin: LockedPin) -> Iterator[tuple[str, Parsed]]:
    who = f"{name} {pin.version}"
    for text in pin.dependencies:
        try:
            yield who, parse_requirement(text)
        except ValueError:
            yield who, Parsed(name=text, extras=(), specifier="", url="")
