"""Which ``[[packages]]`` a ``pylock.toml`` has: what several targets share is one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from ppm.engine.manifest.groups import EXTRA
from ppm.engine.manifest.names import requirement_name
from ppm.events.resolution import LockedFile
from ppm.projections.lock import LockedPackage

NOTED = ("extras", "groups", "dependencies")
"""What only PPM knows of a package, and what may differ from target to target."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One table: a package at one version with the files of all ``on`` which it is installed.

    ``on`` has the package as each target's lock has it, by target. ``marker`` selects those targets
    and the package's groups, ``""`` for always.
    """

    package: LockedPackage
    on: dict[str, LockedPackage]
    marker: str

    def shared(self) -> dict[str, tuple[str, ...]]:
        """The fields of ``NOTED`` that are the same on all targets."""
        return {name: getattr(self.package, name) for name in NOTED if not self._differs(name)}

    def differing(self) -> dict[str, dict[str, tuple[str, ...]]]:
        """What each target has for itself: fields of ``NOTED``, and ``files`` by name."""
        fields = [name for name in NOTED if self._differs(name)]
        some = any(package.files != self.package.files for package in self.on.values())
        return {
            target: {
                **{name: getattr(package, name) for name in fields},
                **({"files": tuple(one.filename for one in package.files)} if some else {}),
            }
            for target, package in sorted(self.on.items())
            if fields or some
        }

    def _differs(self, field: str) -> bool:
        return len({getattr(package, field) for package in self.on.values()}) > 1


def ordered_files(files: Iterable[LockedFile]) -> tuple[LockedFile, ...]:
    """Wheels by file name, then the sdist: the order in which lock files list them."""
    return tuple(sorted(files, key=lambda file: (file.kind != "wheel", file.filename)))


def entries_of(
    locks: Mapping[str, Sequence[LockedPackage]], markers: Mapping[str, str]
) -> list[Entry]:
    """The entries by name, version and marker; ``markers`` are those of the targets."""
    alike: dict[LockedPackage, list[dict[str, LockedPackage]]] = {}
    for target, packages in sorted(locks.items()):
        for package in packages:
            own = msgspec.structs.replace(package, files=ordered_files(package.files))
            key = msgspec.structs.replace(own, files=(), extras=(), groups=(), dependencies=())
            tables = alike.setdefault(key, [])
            table = next((one for one in tables if _fits(own, one)), None)
            if table is None:
                tables.append({target: own})
            else:
                table[target] = own
    found = [_entry(on, markers) for tables in alike.values() for on in tables]
    return sorted(found, key=lambda it: (it.package.name, it.package.version, it.marker))


def _fits(package: LockedPackage, on: Mapping[str, LockedPackage]) -> bool:
    """Whether one table can hold the files of all: a name is one file, and one is no wheel."""
    names = {file.filename: file for one in on.values() for file in one.files}
    sources = [file for file in names.values() if file.kind != "wheel"]
    return all(
        names.get(file.filename, file) == file
        and (file.kind == "wheel" or not sources or file in sources)
        for file in package.files
    )


def group_marker(groups: Sequence[str]) -> str:
    """The marker under which a package reached by ``groups`` is installed, ``""`` for always."""
    if not groups or "" in groups:
        return ""
    terms = [
        f"'{group.removeprefix(EXTRA)}' in "
        + ("extras" if group.startswith(EXTRA) else "dependency_groups")
        for group in sorted(groups)
    ]
    return " or ".join(terms)


def _entry(on: dict[str, LockedPackage], markers: Mapping[str, str]) -> Entry:
    packages = list(on.values())
    files = {(one.filename, one.sha256): one for package in packages for one in package.files}
    needed = [text for package in packages for text in package.dependencies]
    merged = msgspec.structs.replace(
        packages[0],
        files=ordered_files(files.values()),
        dependencies=tuple(dict.fromkeys(needed)),
    )
    return Entry(package=merged, on=on, marker=_marker(on, markers))


def _marker(on: Mapping[str, LockedPackage], markers: Mapping[str, str]) -> str:
    """Where the targets are, each with the groups that reach the package there."""
    places: dict[str, set[str]] = {}
    for target, package in on.items():
        places.setdefault(group_marker(package.groups), set()).add(markers.get(target, ""))
    everywhere = set(markers.values())
    terms = [
        _both("" if everywhere <= where else _any_of(sorted(where)), when)
        for when, where in sorted(places.items())
    ]
    return "" if "" in terms else _any_of(terms)


def _any_of(markers: Sequence[str]) -> str:
    return markers[0] if len(markers) == 1 else " or ".join(f"({marker})" for marker in markers)


def _both(where: str, when: str) -> str:
    parts = [f"({part})" if where and " or " in part else part for part in (where, when) if part]
    return " and ".join(parts)


def needed_entries(entry: Entry, entries: Sequence[Entry]) -> list[tuple[str, list[Entry]]]:
    """The names that a package needs, each with the entries it has on the same targets.

    A name that has one entry at most needs no telling apart: its list is empty.
    """
    names = {requirement_name(text) for text in entry.package.dependencies}
    found = []
    for name in sorted(name for name in names if name):
        same = [other for other in entries if other.package.name == name]
        shared = [other for other in same if other.on.keys() & entry.on.keys()]
        found.append((name, shared if len(same) > 1 else []))
    return found
