"""What a lock is for: the targets that were asked for, else the project's, else the lock's own."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ppm.engine.errors import ProjectError
from ppm.engine.manifest.model import Manifest
from ppm.engine.runtime import Runtime
from ppm.engine.target import Target
from ppm.projections.project import Project
from ppm.projections.state import Environment, State


class Targets(msgspec.Struct, frozen=True, kw_only=True):
    """The targets in the order in which they are resolved, and what a person should know.

    Those that are locked come first: the others follow them.
    """

    targets: tuple[Target, ...]
    warnings: tuple[str, ...] = ()


def targets_of(
    project: Project,
    manifest: Manifest,
    runtime: Runtime,
    asked: Sequence[str] = (),
    *,
    with_here: bool = False,
) -> Targets:
    """The targets that a new lock shall have.

    Args:
        project: The lock today, and what this machine has of it.
        manifest: Its settings may name the project's targets.
        runtime: Knows the running machine's target: the only one where nobody named any.
        asked: Names from the command line, which count alone.
        with_here: Whether the running machine needs a lock whatever is asked for.

    Raises:
        ProjectError: ``UNKNOWN_TARGET``; ``TARGET_PYTHON`` for one whose Python is not among those
            that the project is for.
    """
    lock, here = project.lock, runtime.interpreter.target
    names = (*asked, *(() if asked else _own_names(project, manifest, runtime)))
    if not names or names == (here.name,):
        return Targets(targets=(here,))
    found = _named(names, manifest, here) if asked or manifest.settings.targets else None
    found = found or _locked(names, manifest, here)
    targets = found.targets
    if not targets or (with_here and here not in targets):
        targets = (*targets, here)
    ordered = sorted(targets, key=lambda target: target.name not in lock.targets)
    return msgspec.structs.replace(found, targets=tuple(ordered))


def _own_names(project: Project, manifest: Manifest, runtime: Runtime) -> tuple[str, ...]:
    named, locked = manifest.settings.targets, project.lock.targets
    here = runtime.interpreter.target.name
    if named:
        return (*named, here) if here in locked and here not in named else named
    if len(locked) == 1 and _was_here(next(iter(locked)), project.state, runtime):
        return (here,)
    return tuple(sorted(locked))


def _was_here(name: str, state: State, runtime: Runtime) -> bool:
    """Whether a target is this machine's with the Python that its environment has until now.

    A lock for nobody else follows the machine to another Python.
    """
    environment = state.environments.get(runtime.machine, Environment())
    generation = environment.generations.get(environment.active)
    if generation is None:
        return False
    platform, _, python = name.rpartition("-")
    version = ".".join(generation.python.split(".")[:2])
    same = platform == runtime.interpreter.target.name.rpartition("-")[0]
    return same and python.strip("pyt") == version


def _named(names: Sequence[str], manifest: Manifest, here: Target) -> Targets:
    from ppm.engine.targets import parse_targets

    targets = parse_targets(names, here)
    for target in targets:
        if target is not here and not _is_for(manifest, target):
            raise ProjectError(
                f"{target.name} has Python {target.python_full_version}, and {manifest.path} asks "
                f"for {manifest.requires_python}",
                code="TARGET_PYTHON",
                hint="name another target, with its patch release if that matters "
                "(linux-x86_64-py3.12.4)",
            )
    return Targets(targets=targets)


def _locked(names: Sequence[str], manifest: Manifest, here: Target) -> Targets:
    """The lock's targets, without those that cannot be resolved for any more."""
    from ppm.engine.targets import known_target

    targets, warnings = [], []
    for name in names:
        target = known_target(name, here)
        if target is None:
            warnings.append(f"{name} leaves the lock: that target is not understood here")
        elif target is not here and not _is_for(manifest, target):
            warnings.append(
                f"{name} leaves the lock: the project is for {manifest.requires_python}"
            )
        else:
            targets.append(target)
    return Targets(targets=tuple(targets), warnings=tuple(warnings))


def _is_for(manifest: Manifest, target: Target) -> bool:
    if not manifest.requires_python:
        return True
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(manifest.requires_python).contains(target.python_full_version)
