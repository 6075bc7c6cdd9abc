"""``pylock.toml`` (PEP 751): writing PPM's own; :mod:`ppm.engine.lockfile_reader` reads any.

What only PPM knows (exact requirements, extras, groups, and which of its files each target has)
stands below ``packages.tool.ppm`` and decides nothing about what gets installed: that is said by
the standard keys alone, and a reader takes PPM's word only where it agrees.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import unquote, urlsplit

from ppm.engine.lockfile_entries import Entry, entries_of, needed_entries
from ppm.engine.manifest.groups import EXTRA
from ppm.engine.redact import strip_credentials
from ppm.engine.target import Target
from ppm.events.resolution import LockedFile
from ppm.projections.lock import LockedPackage

LOCK_NAME = "pylock.toml"
_TARGET_VARIABLES = ("implementation_name", "platform_machine", "python_version", "sys_platform")


def target_marker(target: Target) -> str:
    """The marker that is true on a target and false on any other."""
    return " and ".join(f"{name} == '{target.markers[name]}'" for name in _TARGET_VARIABLES)


def alike(target: Target, other: Target) -> bool:
    """Whether markers cannot tell two targets apart: their tags differ, or the patch release."""
    return target_marker(target) == target_marker(other)


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

    A package at one version is one entry with the files of all targets; markers say on which of
    them it is installed where that is not all.

    Args:
        locks: The packages by the name of their target.
        targets: The targets that ``locks`` names, written as ``environments``.
        requires_python: PEP 440 specifier set of the whole lock, ``""`` for none.
        extras: Normalised names the lock covers; by default those that reach a package.
        dependency_groups: Likewise.
        created_by: Name of the tool.
    """
    markers = {target.name: target_marker(target) for target in targets}
    entries = entries_of(locks, markers)
    groups = {group for packages in locks.values() for one in packages for group in one.groups}
    if extras is None:
        extras = [group.removeprefix(EXTRA) for group in groups if group.startswith(EXTRA)]
    if dependency_groups is None:
        dependency_groups = [group for group in groups if group and not group.startswith(EXTRA)]
    head = {
        "lock-version": _text("1.0"),
        "environments": _array(map(_text, sorted(set(markers.values())))) if markers else "",
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


def _package(entry: Entry, entries: list[Entry]) -> str:
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
    if package.source:
        standard |= {"sdist": "", "wheels": "", **_place(package)}
    return f"[[packages]]\n{_lines(standard)}[packages.tool.ppm]\n{_known(entry)}"


def _place(package: LockedPackage) -> dict[str, str]:
    """The keys of a package that is from no index, in place of files of one."""
    from ppm.engine.lockfile_places import place_table

    key, table = place_table(package)
    values = [
        f"{name} = {_text(value) if isinstance(value, str) else str(value).lower()}"
        for name, value in table.items()
    ]
    if key == "archive":
        values.append(f"hashes = {{sha256 = {_text(package.files[0].sha256)}}}")
    version = _text(package.version) if key == "archive" else ""
    return {"version": version, key: f"{{{', '.join(values)}}}"}


def _known(entry: Entry) -> str:
    """What PPM knows besides: of all targets, or of each where they differ."""
    shared = {
        name: _texts(values) if values or name == "groups" else ""
        for name, values in entry.shared().items()
    }
    own = {
        _text(target): f"{{{', '.join(f'{name} = {_texts(it)}' for name, it in fields.items())}}}"
        for target, fields in entry.differing().items()
    }
    if entry.package.source:
        from ppm.engine.lockfile_places import noted_place

        shared |= {key: _text(value) for key, value in noted_place(entry.package).items()}
    targets = f"[packages.tool.ppm.targets]\n{_lines(own)}" if own else ""
    return _lines(shared) + targets


def _dependencies(entry: Entry, entries: list[Entry]) -> list[str]:
    """Inline tables, each with just enough keys to tell one entry of the lock from the others."""
    tables = []
    for name, needed in needed_entries(entry, entries):
        if not needed:
            tables.append(f"{{name = {_text(name)}}}")
        tables += [
            f"{{name = {_text(name)}, version = {_text(other.package.version)}, "
            f"marker = {_text(other.marker)}}}"
            for other in needed
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


def _texts(values: Iterable[str]) -> str:
    return _array(map(_text, values))


def _text(value: str) -> str:
    """A TOML basic string: JSON's escapes are TOML's, and TOML escapes DEL as well."""
    if value.isprintable() and '"' not in value and "\\" not in value:
        return f'"{value}"'
    import json

    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
