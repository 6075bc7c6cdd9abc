"""Why a package is there: through whom, since when, and why at this version. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from ppm.engine.manifest.names import requirement_name
from ppm.projections.lock import LockedPackage
from ppm.projections.story import Deed, Installing, Locking, Passed, Story

Requirements = Mapping[str, Mapping[str, str]]


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """One package of a chain, and the requirement that leads to it."""

    name: str
    version: str
    requirement: str


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """The shortest way from one requirement of the project to the package.

    ``group`` is the requirement's, ``asked`` the deed that brought it (None where the ledger does
    not tell); the first link is what it asks for, the last the package itself.
    """

    group: str
    asked: Deed | None
    links: tuple[Link, ...]


class Newer(msgspec.Struct, frozen=True, kw_only=True):
    """Why no newer version.

    ``verdict`` is ``rejected`` (see ``passed``), ``none-known`` (nothing newer was known when it
    was chosen), ``lowest`` (the lowest version was asked for), ``adopted`` (the lock came from
    elsewhere). ``chosen`` is the deed that chose the version, ``limits`` what that command said of
    the versions it looked at.
    """

    verdict: str
    chosen: Deed
    passed: tuple[Passed, ...] = ()
    limits: tuple[str, ...] = ()


def chains(
    name: str, packages: Mapping[str, LockedPackage], requirements: Requirements, story: Story
) -> tuple[Chain, ...]:
    """The chains that lead to ``name``, the shortest first."""
    found = [
        Chain(group=group, asked=story.asked.get((group, text)), links=links)
        for group, texts in requirements.items()
        for text, root in texts.items()
        if (links := _shortest(Link(name=root, version="", requirement=text), name, packages))
    ]
    return tuple(sorted(found, key=lambda one: (len(one.links), one.group, one.links[0].name)))


def _shortest(
    root: Link, name: str, packages: Mapping[str, LockedPackage]
) -> tuple[Link, ...] | None:
    waiting: deque[tuple[Link, ...]] = deque([(root,)])
    seen = {root.name}
    while waiting:
        path = waiting.popleft()
        package = packages.get(path[-1].name)
        if package is None:
            continue
        path = (*path[:-1], msgspec.structs.replace(path[-1], version=package.version))
        if package.name == name:
            return path
        for text in package.dependencies:
            needed = requirement_name(text)
            if needed and needed not in seen:
                seen.add(needed)
                waiting.append((*path, Link(name=needed, version="", requirement=text)))
    return None


def entered(story: Story) -> Deed | None:
    """Who brought the package into the lock, in which it has been without a break since.

    Rollbacks aside: what one brought back had been brought by somebody before.
    """
    arrivals = [one for one in story.lockings if not one.previous]
    return _original(arrivals)


def changed(story: Story, version: str) -> Deed | None:
    """Who brought the package to ``version`` in the lock, rollbacks aside."""
    return _original([one for one in story.lockings if one.version == version])


def installed(story: Story, version: str) -> Deed | None:
    """Who brought ``version`` into the environment, rollbacks aside."""
    return _original([one for one in story.installings if one.version == version])


def returned(story: Story) -> Deed | None:
    """The rollback that the package's present place in the lock is due to, if one is."""
    last = story.lockings[-1] if story.lockings else None
    return last.deed if last is not None and last.how == "returned" else None


def _original(found: Sequence[Locking] | Sequence[Installing]) -> Deed | None:
    own = [one for one in found if one.how != "returned"]
    return (own or found)[-1].deed if found else None


def why_not_newer(story: Story, version: str) -> Newer | None:
    """Why ``version`` and no newer one; None where the story does not tell who chose it.

    A rollback brings a version back; the choice was made before it.
    """
    choices = [one for one in story.lockings if one.version == version and one.how != "returned"]
    if not choices:
        return None
    choice = choices[-1]
    if choice.how == "adopted":
        return Newer(verdict="adopted", chosen=choice.deed)
    limits = tuple(_limits(choice.deed.argv))
    newer = tuple(one for one in choice.passed if _is_newer(one.version, version))
    verdict = "rejected" if newer else "none-known"
    if not newer and any("lowest" in limit for limit in limits):
        verdict = "lowest"
    return Newer(verdict=verdict, chosen=choice.deed, passed=newer, limits=limits)


def _is_newer(version: str, other: str) -> bool:
    from packaging.version import Version

    return Version(version) > Version(other)


_LIMITING = ("--resolution", "--exclude-newer", "--prerelease", "--no-build", "--no-binary")


def _limits(argv: tuple[str, ...]) -> Iterator[str]:
    """The options of a command line that limit which versions are looked at."""
    for place, word in enumerate(argv):
        option, joined, _ = word.partition("=")
        if not option.startswith(_LIMITING):
            continue
        takes_value = not joined and option != "--no-build" and place + 1 < len(argv)
        yield f"{word} {argv[place + 1]}" if takes_value else word
