"""Changing a manifest the way a careful person would: everything else stays to the byte."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ppm.engine.errors import ProjectError
from ppm.engine.manifest.groups import EXTRA
from ppm.engine.manifest.names import normalise_name, parse_requirement, requirement_name
from ppm.engine.manifest.read import PYPM, parse_toml

_NEW = """\
# What this project needs. `ppm add` and `ppm remove` edit this file and keep its comments.

[tool.ppm]
name = "{name}"
# python = "^3.11"        # versions of Python it runs on
# link-mode = "hardlink"  # how environments are made: auto, reflink, hardlink, copy
dependencies = []

# What only working on it needs: `ppm add --dev NAME`.
[tool.ppm.dependency-groups]
dev = []
"""


def render_new_manifest(name: str) -> bytes:
    """A small ``pypm.toml`` with comments for a project called ``name`` (a valid project name)."""
    return _NEW.format(name=name).encode()


def add_requirements(
    data: bytes, *, file_name: str, project: str, group: str, requirements: Sequence[str]
) -> bytes:
    """The manifest with ``requirements`` in ``group``.

    All that the group said of the same names before is replaced, at its place; new names go to the
    end. Adding what stands there already gives the same bytes.

    Args:
        data: The manifest.
        file_name: ``pypm.toml`` or ``pyproject.toml``.
        project: The project's name, for a ``pyproject.toml`` that has no ``[project]`` yet.
        group: ``""``, a dependency group, or ``extra:NAME``.
        requirements: PEP 508 texts, written as given.

    Raises:
        RequirementError: One of the requirements does not parse.
        ProjectError: ``MANIFEST_INVALID``; ``MANIFEST_DYNAMIC`` where the build back-end says what
            the requirements are; ``MANIFEST_EDIT`` where the change cannot be made safely.
    """
    wanted: dict[str, list[str]] = {}
    for text in requirements:
        wanted.setdefault(normalise_name(parse_requirement(text).name), []).append(text)
    plain = parse_toml(data, file_name)
    path = _path(plain, file_name, group)
    present = _items(plain, path)
    result = _replaced(present, wanted)
    if result == present:
        return data
    _refuse_dynamic(plain, path)
    from ppm.engine.manifest.rewriting import rewrite

    return rewrite(data, file_name, path, result, project)


def remove_requirements(data: bytes, *, file_name: str, group: str, names: Iterable[str]) -> bytes:
    """The manifest without the requirements called ``names`` in ``group``.

    A group that becomes empty stays; other groups may include it. Names that are not there change
    nothing.

    Raises:
        ProjectError: ``MANIFEST_INVALID`` or ``MANIFEST_EDIT``.
    """
    unwanted = {normalise_name(name) for name in names}
    plain = parse_toml(data, file_name)
    path = _path(plain, file_name, group)
    present = _items(plain, path)
    result = [item for item in present if _name_of(item) not in unwanted]
    if result == present:
        return data
    from ppm.engine.manifest.rewriting import rewrite

    return rewrite(data, file_name, path, result)


def _replaced(present: list[object], wanted: dict[str, list[str]]) -> list[object]:
    result: list[object] = []
    placed: set[str] = set()
    for item in present:
        name = _name_of(item)
        if name not in wanted:
            result.append(item)
        elif name not in placed:
            placed.add(name)
            result += wanted[name]
    for name, texts in wanted.items():
        result += () if name in placed else texts
    return result


def _name_of(item: object) -> str:
    """The normalised name of an array's item, ``""`` for what is no requirement."""
    return (requirement_name(item) or "") if isinstance(item, str) else ""


def _path(plain: Mapping[str, Any], file_name: str, group: str) -> tuple[str, ...]:
    """The keys that lead to a group's array, its own name as the file spells it."""
    root = ("tool", "ppm") if file_name == PYPM else ("project",)
    if not group:
        return (*root, "dependencies")
    if group.startswith(EXTRA):
        tables = (*root, "optional-dependencies")
    else:
        tables = (*(root if file_name == PYPM else ()), "dependency-groups")
    if file_name == PYPM:
        tables = (*root, _spelled(_inner(plain, root), tables[-1]))
    return (*tables, _spelled(_inner(plain, tables), group.removeprefix(EXTRA)))


def _inner(table: Mapping[str, Any], keys: Iterable[str]) -> Mapping[str, Any]:
    for key in keys:
        inner = table.get(key)
        table = inner if isinstance(inner, Mapping) else {}
    return table


def _spelled(table: Mapping[str, Any], key: str) -> str:
    return next((there for there in table if normalise_name(there) == key), key)


def _items(plain: Mapping[str, Any], path: tuple[str, ...]) -> list[object]:
    array = _inner(plain, path[:-1]).get(path[-1])
    return list(array) if isinstance(array, list) else []


def _refuse_dynamic(plain: Mapping[str, Any], path: tuple[str, ...]) -> None:
    project = _inner(plain, ("project",))
    if path[0] == "project" and path[1] in project.get("dynamic", ()) and path[1] not in project:
        raise ProjectError(
            f"project.{path[1]} is dynamic: the build back-end says what it is",
            code="MANIFEST_DYNAMIC",
            hint="change it where the back-end reads it from, or take it out of project.dynamic",
        )
