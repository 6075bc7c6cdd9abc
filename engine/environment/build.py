"""Building a generation.

It grows under a temporary name beside the others, is synced, and only then gets its own name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from ppm.engine.environment.exchange import exchange
from ppm.engine.environment.files import LinkMode, Material, Package
from ppm.engine.environment.generation import (
    HEADER_NAME,
    INVENTORY_NAME,
    Generation,
    InstalledPackage,
    generation_name,
    read_generation,
    venv_path,
)
from ppm.engine.environment.interpreter import Interpreter
from ppm.engine.environment.layout import layout_for
from ppm.engine.environment.link import materialised
from ppm.engine.environment.plan import plan_generation
from ppm.engine.environment.staging import staging
from ppm.engine.environment.tree import root_of
from ppm.engine.files import storage_errors, sync_directory, sync_filesystem
from ppm.engine.paths import ProjectPaths


class Build(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The outcome of :func:`build`; not ``fresh`` where the generation stood there already."""

    generation: Generation
    fresh: bool


def build(
    project: Path,
    interpreter: Interpreter,
    materials: Sequence[Material],
    *,
    link_mode: LinkMode = "auto",
    anew: bool = False,
) -> Build:
    """Build the generation of these packages below ``.ppm/envs``, unless it is there.

    Args:
        project: The project's root.
        interpreter: What the generation is for.
        materials: One for each package.
        link_mode: How files come from the store; ``auto`` takes the best that works.
        anew: Build even if it is there, and put it in place of what is there: a repair.

    Raises:
        EnvironmentFailure: Packages that do not go together, see :func:`plan_generation`, or a
            link mode that does not work here.
        StorageError: The disk refused; nothing is left behind.
    """
    venv = venv_path(project)
    packages = [material.package for material in materials]
    name = generation_name(interpreter, packages, link_mode, venv)
    environments = ProjectPaths(project).environments
    if not anew and (existing := read_generation(environments / name)):
        return Build(generation=existing, fresh=False)
    with storage_errors(environments):
        plan = plan_generation(interpreter, materials, layout_for(interpreter, venv))
        with (
            staging(environments) as temporary,
            materialised(plan, str(temporary), link_mode) as used,
        ):
            entries = plan.entries()
            root = root_of(entries)
            _create(temporary / INVENTORY_NAME, msgspec.json.encode(entries))
            generation = Generation(
                name=name,
                root=root,
                files=len(entries),
                interpreter=interpreter.path,
                python=interpreter.version,
                venv=str(venv),
                link_mode=used(),
                packages=tuple(_installed(packages)),
            )
            _create(temporary / HEADER_NAME, msgspec.json.encode(generation))
            sync_filesystem(temporary)
            _publish(temporary, environments / name, anew=anew)
    return Build(generation=generation, fresh=True)


def _create(path: Path, data: bytes) -> None:
    # Never through a link: what stands here may be the store's file.
    with path.open("xb") as file:
        file.write(data)


def _publish(temporary: Path, final: Path, *, anew: bool) -> None:
    try:
        temporary.rename(final)
    except OSError:
        if not final.is_dir():
            raise
        # There already: a whole one that somebody else has just built, to be kept, or a damaged
        # one, whose remains go away with the temporary name.
        if anew or read_generation(final) is None:
            exchange(temporary, final)
    sync_directory(final.parent)


def _installed(packages: Iterable[Package]) -> list[InstalledPackage]:
    return [
        InstalledPackage(
            name=one.name, version=one.version, sha256=one.sha256, requested=one.requested
        )
        for one in sorted(packages, key=_name)
    ]


def _name(package: Package) -> str:
    return package.name
