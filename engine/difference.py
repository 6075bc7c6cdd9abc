"""What differs between two states of a project. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

Requirements = Mapping[str, Mapping[str, str]]
"""Groups, each with its requirements as written and their normalised names."""


class Pin(msgspec.Struct, frozen=True, kw_only=True):
    """A package at a version; ``digests`` are those of the files it may be, as far as known."""

    version: str
    digests: frozenset[str] = frozenset()


class PackageDifference(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """One package: from a version (``""`` for none) to a version (``""`` for none).

    ``action`` is ``added``, ``removed``, ``upgraded``, ``downgraded``, or ``replaced`` for the same
    version from files that have none in common.
    """

    name: str
    from_: str
    to: str
    action: str


class RequirementDifference(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """What a group asks of one name: the texts before and after, each empty for nothing."""

    group: str
    name: str
    from_: tuple[str, ...]
    to: tuple[str, ...]


def package_differences(
    before: Mapping[str, Pin], after: Mapping[str, Pin]
) -> tuple[PackageDifference, ...]:
    """The packages that differ, by name."""
    return tuple(
        PackageDifference(
            name=name,
            from_=before[name].version if name in before else "",
            to=after[name].version if name in after else "",
            action=action,
        )
        for name in sorted(before.keys() | after.keys())
        if (action := _action(before.get(name), after.get(name)))
    )


def _action(before: Pin | None, after: Pin | None) -> str:
    if before is None:
        return "added"
    if after is None:
        return "removed"
    if before.version != after.version:
        return "upgraded" if _is_older(before.version, after.version) else "downgraded"
    known = before.digests and after.digests
    return "replaced" if known and not before.digests & after.digests else ""


def _is_older(version: str, other: str) -> bool:
    from packaging.version import Version

    return Version(version) < Version(other)


def requirement_differences(
    before: Requirements, after: Requirements
) -> tuple[RequirementDifference, ...]:
    """The requirements that differ, by group and name."""
    return tuple(_requirement_differences(before, after))


def _requirement_differences(
    before: Requirements, after: Requirements
) -> Iterator[RequirementDifference]:
    for group in sorted(before.keys() | after.keys()):
        old, new = _by_name(before.get(group, {})), _by_name(after.get(group, {}))
        for name in sorted(old.keys() | new.keys()):
            texts = old.get(name, ()), new.get(name, ())
            if texts[0] != texts[1]:
                yield RequirementDifference(group=group, name=name, from_=texts[0], to=texts[1])


def _by_name(requirements: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for text, name in sorted(requirements.items()):
        found[name] = (*found.get(name, ()), text)
    return found
