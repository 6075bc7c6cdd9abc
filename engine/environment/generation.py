"""Generations: immutable environments, named by what they contain.

A folder with a generation's name is a whole generation (:mod:`ppm.engine.environment.build`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

import msgspec

from ppm.engine.environment.files import LinkMode, Package, TreeEntry
from ppm.engine.environment.interpreter import Interpreter
from ppm.engine.errors import EnvironmentFailure
from ppm.engine.paths import ProjectPaths

FORMAT = 1
"""The version of everything this room writes of its own; part of a generation's name.

It stands in ``pyvenv.cfg`` as ``ppm``. The program's own version does not, so that an upgrade of
PPM does not make every environment a different one.
"""

HEADER_NAME = ".ppm-generation.json"
INVENTORY_NAME = ".ppm-files.json"


class InstalledPackage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A package as the generation records it. Fields as in :class:`Package`."""

    name: str
    version: str
    sha256: str
    requested: bool


class Generation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A complete generation, as it describes itself in ``.ppm-generation.json``.

    ``root`` is its tree's digest (:mod:`ppm.engine.environment.tree`) over ``files`` files and
    links; ``interpreter`` the base interpreter's path and ``python`` its version; ``venv`` the
    stable path its scripts name; ``link_mode`` how its files came from the store.
    """

    name: str
    root: str
    files: int
    interpreter: str
    python: str
    venv: str
    link_mode: str
    packages: tuple[InstalledPackage, ...]


def generation_name(
    interpreter: Interpreter, packages: Iterable[Package], link_mode: LinkMode, venv: Path
) -> str:
    """32 hexadecimal digits that say what a generation contains.

    Args:
        interpreter: What it is made for.
        packages: In any order.
        link_mode: As asked for, not as it came out.
        venv: The stable path its scripts name.
    """
    listed = sorted(
        (one.name, one.version, one.sha256, one.requested, sha256(one.direct_url).hexdigest())
        for one in packages
    )
    place = os.fsencode(venv).decode("utf-8", "backslashreplace")
    content = (FORMAT, interpreter.key, listed, link_mode, place)
    return sha256(msgspec.json.encode(content)).hexdigest()[:32]


def is_generation_name(name: str) -> bool:
    """Whether ``name`` could be a generation's, by its form."""
    return len(name) == 32 and set(name) <= set("0123456789abcdef")  # noqa: PLR2004 - see above


def venv_path(project: Path) -> Path:
    """The path by which a project's environment is known to scripts: ``.venv``, links resolved.

    Only those on the way to the project: ``.venv`` is itself a link, and has to stay one here.
    """
    return ProjectPaths(project.resolve()).environment


def read_generation(directory: Path) -> Generation | None:
    """What a generation says of itself; ``None`` if there is no whole one."""
    try:
        generation = msgspec.json.decode((directory / HEADER_NAME).read_bytes(), type=Generation)
    except (FileNotFoundError, NotADirectoryError, msgspec.MsgspecError):
        return None
    return generation if generation.name == directory.name else None


def read_inventory(directory: Path) -> list[TreeEntry]:
    """Every file and link of a generation as it was built, without byte code.

    Raises:
        EnvironmentFailure: ``code="GENERATION_DAMAGED"``.
    """
    try:
        return msgspec.json.decode((directory / INVENTORY_NAME).read_bytes(), type=list[TreeEntry])
    except (OSError, msgspec.MsgspecError) as error:
        raise EnvironmentFailure(
            f"the list of files of {directory} cannot be read: {error}",
            code="GENERATION_DAMAGED",
            hint="apply builds the environment anew",
        ) from error
