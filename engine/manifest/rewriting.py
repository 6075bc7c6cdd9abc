"""Writing an array into a TOML document that somebody wrote by hand. Loads the TOML editor."""

from __future__ import annotations

import tomllib
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from ppm.engine.errors import ProjectError
from ppm.engine.manifest.array_text import ArrayText


def rewrite(
    data: bytes, file_name: str, path: tuple[str, ...], result: list[object], project: str = ""
) -> bytes:
    """``data`` with the array at ``path`` holding ``result``, checked to differ in nothing else.

    Args:
        data: The manifest.
        file_name: For messages.
        path: The keys that lead to the array.
        result: What it shall hold.
        project: The project's name, for a ``[project]`` that has to be made.

    Raises:
        ProjectError: ``MANIFEST_EDIT``.
    """
    text = data.decode("utf-8")
    windows = 0 < text.count("\n") == text.count("\r\n")
    try:
        document = tomlkit.parse(text.replace("\r\n", "\n") if windows else text)
        _edit(document, path, result, project)
        edited = document.as_string()
        expected = tomllib.loads(text)
        _put(expected, path, result, project)
        safe = tomllib.loads(edited) == expected
    except (TOMLKitError, ValueError, TypeError, AttributeError, IndexError) as error:
        raise _cannot_edit(file_name) from error
    if not safe:
        raise _cannot_edit(file_name)
    return (edited.replace("\n", "\r\n") if windows else edited).encode()


def _edit(
    document: tomlkit.TOMLDocument, path: tuple[str, ...], result: list[object], project: str
) -> None:
    """Write the array into the document, with the tables on the way if they are not there."""
    table: Any = document
    new_table = False
    for key in path[:-1]:
        if new_table := key not in table:
            table[key] = tomlkit.table(is_super_table=key == "tool")
            table[key].update(_new_project(project) if key == "project" else {})
        table = table[key]
    old = table.get(path[-1], tomlkit.array())
    text = ArrayText(old.as_string())
    text.become(old.unwrap(), result)
    table[path[-1]] = tomlkit.parse(f"array = {text}\n")["array"]
    if new_table and list(document)[-1] != path[0]:
        table.add(tomlkit.nl())


def _new_project(name: str) -> dict[str, str]:
    """What ``[project]`` may not be without (PEP 621)."""
    return {"name": name, "version": "0.0.0"}


def _put(
    document: dict[str, Any], path: tuple[str, ...], result: list[object], project: str
) -> None:
    """The same change made to the plain document."""
    for key in path[:-1]:
        new = _new_project(project) if key == "project" else {}
        document = document.setdefault(key, new)
    document[path[-1]] = result


def _cannot_edit(file_name: str) -> ProjectError:
    return ProjectError(
        f"{file_name} is written in a way that cannot be edited safely",
        code="MANIFEST_EDIT",
        hint="make the change by hand; nothing was written",
    )
