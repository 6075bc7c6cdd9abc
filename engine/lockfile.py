"""``pylock.toml`` (PEP 751): writing PPM's own; :mod:`ppm.engine.lockfile_reader` reads any.

What only PPM knows (exact requirements,
extras, groups) stands below ``packages.tool.ppm`` and decides nothing about what gets installed:
that is said by the standard keys alone, and a reader takes PPM's word only where it agrees.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import unquote, urlsplit

import msgspec

from ppm.engine.manifest.groups import EXTRA
from ppm.engine.manifest.names import requirement_name
from ppm.engine.redact import strip_credentials
from ppm.engine.target import Target
from ppm.events.resolution import LockedFile
from ppm.projections.lock import LockedPackage

LOCK_NAME = "pylock.toml"
_TARGET_VARIABLES = ("implementation_name", "platform_machine", "python_version", "sys_platform")


class _Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One ``[[packages]]`` table: a package that is the same for all of ``targets``."""

    package: LockedPackage
    targets: frozenset[str]
    marker: str


def ordered_files(files: Iterable[LockedFile]) -> tuple[LockedFile, ...]:
    """Wheels by file name, then the sdist: the order in which lock files list them."""
    return tuple(sorted(files, key=lambda file: (file.kind != "wheel", file.filename)))


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


def target_marker(target: Target) -> str:
    """The marker that is true on a target and false on any other."""
    return " and ".join(f"{name} == '{target.markers[name]}'" for name in _TARGET_VARIABLES)


def render_pylock(
    packages: Sequence[LockedPackage],
    *,
    requires_python: str = "",
    extras: Sequence[str] | None = None,
    dependency_groups: Sequence[str] | None = None,
    created_by: str = "ppm",
) -> bytes:
    """The bytes of a ``pylock.toml`` for one target that is not named.

    The same packages in any order give the same bytes. The arguments that are not here are those
    of :func:`render_target_pylock`.
    """
    return render_target_pylock(
        {"": packages},
        (),
        requires_python=requires_python,
        extras=extras,
        dependency_groups=dependency_groups,
        created_by=created_by,
    )


def render_target_pylock(
    locks: Mapping[str, Sequence[LockedPackage]],
    targets: Sequence[Target],
    *,
    requires_python: str = "",
    extras: Sequence[str] | None = None,
    dependency_groups: Sequence[str] | None = None,
    created_by: str = "ppm",
) -> bytes:
    """The bytes of a ``pylock.toml`` for several targets, or for one and no other.

    A package that is alike on several targets becomes one entry; where targets differ, markers
    tell the entries apart.

    Args:
        locks: The packages by the name of their target.
        targets: The targets that ``locks`` names, written as ``environments``.
        requires_python: PEP 440 specifier set of the whole lock, ``""`` for none.
        extras: Normalised names the lock covers; by default those that reach a package.
        dependency_groups: Likewise.
        created_by: Name of the tool.
    """
    markers = {target.name: target_marker(target) for target in targets}
    entries = _entries(locks, markers)
    groups = {group for packages in locks.values() for one in packages for group in one.groups}
    if extras is None:
        extras = [group.removeprefix(EXTRA) for group in groups if group.startswith(EXTRA)]
    if dependency_groups is None:
        dependency_groups = [group for group in groups if group and not group.startswith(EXTRA)]
    head = {
        "lock-version": _text("1.0"),
        "environments": _array(map(_text, sorted(markers.values()))) if markers else "",
        "requires-python": _text(requires_python) if requires_python else "",
        "extras": _array(map(_text, sorted(extras))),
        "dependency-groups": _array(map(_text, sorted(dependency_groups))),
        "created-by": _text(created_by),
        "packages": "" if entries else "[]",
    }
    blocks = [_lines(head), *(_package(entry, entries) for entry in entries)]
    if markers:
        blocks.append("[tool.ppm]\n" + _lines({"targets": _array(map(_text, sorted(markers)))}))
    return "\n".join(blocks).encode()


def parse_pylock(data: bytes, target: Target | None = None) -> tuple[LockedPackage, ...]:
    """The packages that the ``pylock.toml`` of any tool has for ``target``.

    Args:
        data: The file.
        target: ``None`` stands for the running Python.

    Raises:
        ProjectError: As :func:`ppm.engine.lockfile_reader.read_pylock`, which tells more.
    """
    from ppm.engine.lockfile_reader import read_pylock

    return read_pylock(data, target).packages


def _entries(
    locks: Mapping[str, Sequence[LockedPackage]], markers: Mapping[str, str]
) -> list[_Entry]:
    """Packages that are alike on several targets, each once, by name and version."""
    alike: dict[LockedPackage, list[str]] = {}
    for target, packages in locks.items():
        for package in packages:
            same = msgspec.structs.replace(package, files=ordered_files(package.files))
            alike.setdefault(same, []).append(target)
    entries = []
    for package, on in alike.items():
        where = "" if markers.keys() <= set(on) else _any_of([markers[name] for name in sorted(on)])
        marker = _both(where, group_marker(package.groups))
        entries.append(_Entry(package=package, targets=frozenset(on), marker=marker))
    return sorted(entries, key=lambda it: (it.package.name, it.package.version, it.marker))


def _any_of(markers: list[str]) -> str:
    return markers[0] if len(markers) == 1 else " or ".join(f"({marker})" for marker in markers)


def _both(where: str, when: str) -> str:
    parts = [f"({part})" if where and " or " in part else part for part in (where, when) if part]
    return " and ".join(parts)


def _package(entry: _Entry, entries: list[_Entry]) -> str:
    package = entry.package
    wheels = [f"    {_file(file)},\n" for file in package.files if file.kind == "wheel"]
    sdists = [_file(file) for file in package.files if file.kind != "wheel"]
    standard = {
        "name": _text(package.name),
        "version": _text(package.version),
        "marker": _text(entry.marker) if entry.marker else "",
        "requires-python": _text(package.requires_python) if package.requires_python else "",
        "dependencies": _array(_dependencies(entry, entries)) if package.dependencies else "",
        "index": _text(strip_credentials(package.index)) if package.index else "",
        "sdist": sdists[0] if sdists else "",
        "wheels": f"[\n{''.join(wheels)}]" if wheels else "",
    }
    known = {
        "extras": _array(map(_text, package.extras)) if package.extras else "",
        "groups": _array(map(_text, package.groups)),
        "dependencies": _array(map(_text, package.dependencies)) if package.dependencies else "",
    }
    return f"[[packages]]\n{_lines(standard)}[packages.tool.ppm]\n{_lines(known)}"


def _dependencies(entry: _Entry, entries: list[_Entry]) -> list[str]:
    """Inline tables, each with just enough keys to tell one entry of the lock from the others."""
    names = {requirement_name(text) for text in entry.package.dependencies}
    tables = []
    for name in sorted(name for name in names if name):
        same = [other for other in entries if other.package.name == name]
        if len(same) <= 1:
            tables.append(f"{{name = {_text(name)}}}")
            continue
        tables += [
            f"{{name = {_text(name)}, version = {_text(other.package.version)}, "
            f"marker = {_text(other.marker)}}}"
            for other in same
            if other.targets & entry.targets
        ]
    return tables


def _file(file: LockedFile) -> str:
    url = strip_credentials(file.url)
    key = "url" if "://" in url else "path"
    last = unquote(urlsplit(url).path if key == "url" else url).rpartition("/")[2]
    parts = [
        f"name = {_text(file.filename)}" if last != file.filename else "",
        f"{key} = {_text(url)}",
        f"size = {file.size}" if file.size else "",
        f"hashes = {{sha256 = {_text(file.sha256)}}}",
    ]
    return f"{{{', '.join(filter(None, parts))}}}"


def _lines(values: dict[str, str]) -> str:
    return "".join(f"{key} = {value}\n" for key, value in values.items() if value)


def _array(items: Iterable[str]) -> str:
    return f"[{', '.join(items)}]"


def _text(value: str) -> str:
    """A TOML basic string: JSON's escapes are TOML's, and TOML escapes DEL as well."""
    if value.isprintable() and '"' not in value and "\\" not in value:
        return f'"{value}"'
    import json

    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
