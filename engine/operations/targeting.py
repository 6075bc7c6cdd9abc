"""What a lock is for: the targets that were asked for, else the project's, else the lock's own."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ppm.engine.errors import ProjectError
from ppm.engine.manifest.model import Manifest
from ppm.engine.runtime import Runtime
from ppm.engine.target import Target, split_backend
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
    names = tuple(asked) or _own_names(project, manifest, runtime)
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
    target = runtime.interpreter.target
    here = target.name
    if named:
        both = {here, target.plain_name}
        return (*named, here) if here in locked and both.isdisjoint(named) else named
    if len(locked) == 1 and _was_here(next(iter(locked)), project.state, runtime):
        return (here,)
    others = [name for name in sorted(locked) if split_backend(name)[0] != target.plain_name]
    if here in locked or len(others) == len(locked):
        return tuple(sorted(locked))
    return (here, *others)  # Another backend of this machine leaves the lock.


def _was_here(name: str, state: State, runtime: Runtime) -> bool:
    """Whether a target is this machine's with the Python that its environment has until now.

    A lock for nobody else follows the machine to another Python.
    """
    environment = state.environments.get(runtime.machine, Environment())
    generation = environment.generations.get(environment.active)
    if generation is None:
        return False
    platform, _, python = split_backend(name)[0].rpartition("-")
    version = ".".join(generation.python.split(".")[:2])
    same = platform == runtime.interpreter.target.plain_name.rpartition("-")[0]
    return same and python.strip("pyt") == version


def _named(names: Sequence[str], manifest: Manifest, here: Target) -> Targets:
    from ppm.engine.targets import parse_targets

    targets = parse_targets(names, here)
    for target in targets:
        if target.backend:
            from ppm.engine.gpu.choose import require_known

            configured = tuple(one.name for one in manifest.settings.backends)
            require_known(target.backend, configured)
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
    configured = {one.name for one in manifest.settings.backends}
    for name in names:
        target = known_target(name, here)
        if target is None:
            warnings.append(f"{name} leaves the lock: that target is not understood here")
        elif target.backend and target.backend not in configured:
            warnings.append(f"{name} leaves the lock: the project has no such GPU backend")
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
