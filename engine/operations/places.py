"""Where ``ppm import`` makes packages importable."""

from __future__ import annotations

import os
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import msgspec

from ppm.engine.errors import EnvironmentFailure
from ppm.engine.files import storage_errors, write_atomic
from ppm.engine.paths import HomePaths, ProjectPaths

HOOK = "ppm.pth"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A project and, for somebody else's virtual environment, that environment.

    ``kind`` is ``project``, ``venv`` or ``shared``; ``venv`` is None except for the second.
    """

    kind: str
    paths: ProjectPaths
    venv: Path | None = None


def place_for(project: ProjectPaths | None, home: HomePaths, environ: Mapping[str, str]) -> Place:
    """The project's environment, else the active virtual environment, else the shared one."""
    if project is not None:
        return Place(kind="project", paths=project)
    active = environ.get("VIRTUAL_ENV")
    if active and (Path(active) / "pyvenv.cfg").is_file():
        venv = Path(active).absolute()
        name = sha256(os.fsencode(venv)).hexdigest()[:16]
        return Place(kind="venv", paths=ProjectPaths(home.root / "venvs" / name), venv=venv)
    return Place(kind="shared", paths=ProjectPaths(home.shared_project))


def python_of(venv: Path) -> Path:
    """The interpreter of a virtual environment."""
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def hook_into(venv: Path, place: ProjectPaths, site_packages: str) -> Path:
    """Let ``venv`` import what the place's environment has: one line in one ``.pth`` file.

    The line names the place's ``.venv``, so that later switches need no second look here.

    Args:
        venv: The virtual environment.
        place: The project whose environment it shall see.
        site_packages: Where modules are, relative to either environment.

    Raises:
        EnvironmentFailure: ``code="ENVIRONMENT"``: the two are of different Python versions.
        StorageError: The disk refused.
    """
    folder = venv / site_packages
    if not folder.is_dir():
        raise EnvironmentFailure(
            f"{venv} has no {site_packages}", hint="is it of the same Python version?"
        )
    hook = folder / HOOK
    line = f"{place.environment / site_packages}\n".encode()
    with storage_errors(hook):
        if not hook.exists() or hook.read_bytes() != line:
            write_atomic(hook, line)
    return hook
