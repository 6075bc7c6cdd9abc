"""A generation as a value: every file, folder and link, before anything is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from ppm.engine.environment.files import LINK, Material, Placement, TreeEntry, Writing
from ppm.engine.environment.generation import HEADER_NAME, INVENTORY_NAME
from ppm.engine.environment.interpreter import Interpreter
from ppm.engine.environment.layout import Layout
from ppm.engine.environment.placement import place
from ppm.engine.environment.skeleton import skeleton_files, skeleton_links
from ppm.engine.errors import EnvironmentFailure

_ENVIRONMENT = "the environment itself"


class GenerationPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a generation is made of.

    ``directories`` come parents first; ``links`` are path and target; no path stands twice.
    """

    directories: tuple[str, ...]
    placements: tuple[Placement, ...]
    writings: tuple[Writing, ...]
    links: tuple[tuple[str, str], ...]

    def entries(self) -> list[TreeEntry]:
        """The tree as it will stand on the disk."""
        files: Sequence[Placement | Writing] = (*self.placements, *self.writings)
        return [
            *(TreeEntry(one.path, "755" if one.executable else "644", one.sha256) for one in files),
            *(TreeEntry(path, LINK, target) for path, target in self.links),
        ]


class _Claims:
    """Who puts what where, and the first two who disagree."""

    def __init__(self) -> None:
        self.files: dict[str, Placement | Writing] = {}
        self._owners: dict[str, str] = {}

    def take(self, owner: str, files: Iterable[Placement | Writing]) -> None:
        for file in files:
            held = self.files.get(file.path)
            if held is None:
                self._owners[file.path] = owner
            elif held.sha256 != file.sha256 or self._owners[file.path] == _ENVIRONMENT:
                raise _conflict(file.path, self._owners[file.path], owner)
            elif held.executable:
                continue
            self.files[file.path] = file

    def owner(self, path: str) -> str:
        return self._owners.get(path, _ENVIRONMENT)

    def owner_below(self, directory: str) -> str:
        return next(self._owners[path] for path in self.files if path.startswith(f"{directory}/"))


def plan_generation(
    interpreter: Interpreter, materials: Iterable[Material], layout: Layout
) -> GenerationPlan:
    """Lay every package out in one environment; namespace packages merge.

    Raises:
        EnvironmentFailure: ``code="PATH_CONFLICT"`` where two packages put different bytes at one
            path, a file where another needs a folder, or something where PPM keeps its own
            records; else as :func:`place`.
    """
    links = skeleton_links(interpreter, layout)
    claims = _Claims()
    claims.take(_ENVIRONMENT, skeleton_files(interpreter, layout))
    for material in materials:
        claims.take(material.package.name, place(material, layout))
    directories = _directories([*claims.files, *(path for path, _ in links)])
    own = (*(path for path, _ in links), HEADER_NAME, INVENTORY_NAME)
    _refuse_overlaps(claims, directories, own)
    files = claims.files.values()
    return GenerationPlan(
        directories=tuple(sorted(directories)),
        placements=tuple(one for one in files if isinstance(one, Placement)),
        writings=tuple(one for one in files if isinstance(one, Writing)),
        links=tuple(links),
    )


def _directories(paths: Iterable[str]) -> set[str]:
    found = {path.rpartition("/")[0] for path in paths}
    for directory in tuple(found):
        parent = directory.rpartition("/")[0]
        while parent not in found:
            found.add(parent)
            parent = parent.rpartition("/")[0]
    found.discard("")
    return found


def _refuse_overlaps(claims: _Claims, directories: set[str], own: Iterable[str]) -> None:
    for path in sorted(directories & claims.files.keys()):
        raise _conflict(path, claims.owner(path), claims.owner_below(path))
    for path in own:
        if path in claims.files:
            raise _conflict(path, _ENVIRONMENT, claims.owner(path))
        if path in directories:
            raise _conflict(path, _ENVIRONMENT, claims.owner_below(path))


def _conflict(path: str, first: str, second: str) -> EnvironmentFailure:
    return EnvironmentFailure(
        f"{first} and {second} both want {path}, with different contents",
        code="PATH_CONFLICT",
        hint="one environment cannot hold both; remove one of them",
    )
