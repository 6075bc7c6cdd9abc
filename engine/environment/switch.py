"""``.venv``: a link to the active generation, replaced in one rename.

Whatever reads ``.venv`` sees the old environment or the new one, at every instant.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import msgspec

from ppm.engine.environment.exchange import exchange
from ppm.engine.environment.generation import read_generation
from ppm.engine.errors import EnvironmentFailure
from ppm.engine.files import storage_errors, sync_directory
from ppm.engine.paths import ProjectPaths

_GENERATION = r"[0-9a-f]{32}\Z"


class Switched(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a switch did.

    ``previous`` is the generation that was active, ``""`` for none. ``moved_to`` is the name that
    a ``.venv`` which was not ours has now, ``""`` if there was none.
    """

    generation: str
    previous: str
    moved_to: str


def switch(project: Path, generation: str, *, now: str) -> Switched:
    """Make ``generation`` the environment of the project.

    A real directory or a link of somebody else's at ``.venv`` is kept as
    ``.venv.before-ppm-<time>``.

    Args:
        project: The project's root.
        generation: The name of a generation that stands complete.
        now: The time, RFC 3339, for that name.

    Raises:
        EnvironmentFailure: ``code="GENERATION_MISSING"``.
        StorageError: The disk refused; ``.venv`` is as it was.
    """
    paths = ProjectPaths(project)
    if read_generation(paths.environments / generation) is None:
        raise EnvironmentFailure(
            f"there is no complete environment {generation} in {paths.environments}",
            code="GENERATION_MISSING",
            hint="apply builds it again",
        )
    previous = active(project) or ""
    with storage_errors(paths.environment):
        moved_to = _point(paths, generation, now)
        sync_directory(project)
    return Switched(generation=generation, previous=previous, moved_to=moved_to)


def active(project: Path) -> str | None:
    """The generation that ``.venv`` is; ``None`` if it is something else, nothing or damaged."""
    paths = ProjectPaths(project)
    name = _linked(paths)
    whole = name is not None and read_generation(paths.environments / name) is not None
    return name if whole else None


def withdraw(project: Path) -> bool:
    """Take ``.venv`` away if it is a link of ours; whether it was.

    Raises:
        StorageError: The disk refused.
    """
    paths = ProjectPaths(project)
    if _linked(paths) is None:
        return False
    with storage_errors(paths.environment):
        paths.environment.unlink()
        sync_directory(project)
    return True


def _linked(paths: ProjectPaths) -> str | None:
    """The generation that ``.venv`` names, whole or not; ``None`` if it is no link of ours."""
    try:
        target = paths.environment.readlink()
    except OSError:
        return None  # Not there, or no link.
    ours = target.parent == _envs_from(paths) and re.match(_GENERATION, target.name)
    return target.name if ours else None


def _envs_from(paths: ProjectPaths) -> Path:
    return paths.environments.relative_to(paths.root)


def _point(paths: ProjectPaths, generation: str, now: str) -> str:
    """Put the link in place; the name of what was moved aside for it, or ``""``."""
    venv = paths.environment
    target = _envs_from(paths) / generation
    foreign = _linked(paths) is None and (venv.is_symlink() or venv.exists())
    link = _free_name(venv, now) if foreign else _temporary_name(venv)
    link.symlink_to(target, target_is_directory=True)
    try:
        # Trading places leaves no instant without a .venv, and never one that is lost.
        if foreign:
            exchange(link, venv)
        else:
            link.replace(venv)
    except BaseException:
        # Only our own link: an interrupt may come just after the two have traded places.
        if link.is_symlink() and link.readlink() == target:
            link.unlink()
        raise
    return link.name if foreign else ""


def _temporary_name(venv: Path) -> Path:
    return venv.with_name(f"{venv.name}.{os.urandom(6).hex()}.tmp")


def _free_name(venv: Path, now: str) -> Path:
    stem = f"{venv.name}.before-ppm-{re.sub(r'[^0-9]+', '-', now[:19])}"
    name, number = venv.with_name(stem), 2
    while name.is_symlink() or name.exists():
        name, number = venv.with_name(f"{stem}-{number}"), number + 1
    return name
