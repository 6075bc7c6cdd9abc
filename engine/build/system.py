"""Which backend builds a source tree, and what it needs (PEP 517, PEP 518)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from ppm.engine.build.model import MIB, BuildSystem
from ppm.engine.errors import BuildError

DEFAULT_BACKEND = "setuptools.build_meta:__legacy__"
LEGACY = BuildSystem(requires=("setuptools",), backend=DEFAULT_BACKEND)
"""For source trees from before PEP 518."""

_LARGEST = 4 * MIB
_BACKEND = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*(:[^\W\d]\w*(\.[^\W\d]\w*)*)?")


def read_build_system(source: Path) -> BuildSystem:
    """The build system of an unpacked source tree. Blocks.

    Raises:
        BuildError: ``code="BUILD_SYSTEM"``: there is none, or its table says what it may not.
    """
    path = source / "pyproject.toml"
    if not path.is_file():
        if not (source / "setup.py").is_file():
            raise _broken("it has neither a pyproject.toml nor a setup.py")
        return LEGACY
    document = _parsed(path)
    if "build-system" not in document:
        return LEGACY
    table = document["build-system"]
    if not isinstance(table, dict):
        raise _broken("build-system in its pyproject.toml is not a table")
    system = _system(table)
    _check_folders(source, system)
    return system


def _parsed(path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise _broken("its pyproject.toml is too large")
        return tomllib.loads(data.decode())
    except (OSError, ValueError, RecursionError) as error:
        raise _broken(f"its pyproject.toml cannot be read: {error}") from error


def _system(table: Mapping[str, Any]) -> BuildSystem:
    if "requires" not in table:
        raise _broken("[build-system] in its pyproject.toml has no requires")
    backend = table.get("build-backend", DEFAULT_BACKEND)
    if not isinstance(backend, str) or not _BACKEND.fullmatch(backend):
        raise _broken(f"build-backend is no name of an object: {backend!a}")
    if "backend-path" in table and "build-backend" not in table:
        raise _broken("backend-path stands without build-backend")
    return BuildSystem(
        requires=_texts(table, "requires"),
        backend=backend,
        backend_path=_texts(table, "backend-path"),
    )


def _texts(table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _broken(f"{key} of [build-system] is not a list of strings")
    return tuple(value)


def _check_folders(source: Path, system: BuildSystem) -> None:
    """PEP 517: directories in ``backend-path`` must be within the source tree."""
    root = source.resolve()
    for text in system.backend_path:
        if PurePosixPath(text).is_absolute() or "\0" in text:
            raise _broken(f"backend-path names {text!a}, which is not in the source tree")
        folder = (root / text).resolve()
        if not folder.is_relative_to(root):
            raise _broken(f"backend-path names {text!a}, which is not in the source tree")
        if not folder.is_dir():
            raise _broken(f"backend-path names {text!a}, which is no folder")


def _broken(reason: str) -> BuildError:
    return BuildError(
        f"the source distribution cannot be built: {reason}",
        code="BUILD_SYSTEM",
        hint="tell the project's authors, or choose a version that has a wheel",
    )
