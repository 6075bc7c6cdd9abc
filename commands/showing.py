"""Which target of a lock a question is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from ppm.commands.options import option
from ppm.engine.errors import ProjectError

if TYPE_CHECKING:
    from ppm.commands.output import Console
    from ppm.engine.paths import ProjectPaths
    from ppm.engine.target import Target
    from ppm.projections.lock import Lock

TargetOption = Annotated[
    str, option("--target", help="Of this target; of this machine's otherwise.")
]


def shown_target(lock: Lock, asked: str, paths: ProjectPaths, console: Console) -> str:
    """The target that was asked for, else this machine's, else the first; ``""`` if none is locked.

    Raises:
        ProjectError: ``UNKNOWN_TARGET``, or ``TARGET_NOT_LOCKED``.
    """
    if len(lock.targets) < 2 and not asked:  # noqa: PLR2004 - nothing to choose from
        return next(iter(lock.targets), "")
    here = _here(lock, paths, console)
    if not asked:
        return here.name if here.name in lock.targets else min(lock.targets)
    from ppm.engine.targets import parse_targets

    name = asked if asked in lock.targets else parse_targets([asked], here)[0].name
    if name in lock.targets:
        return name
    raise ProjectError(
        f"nothing is locked for {name}",
        code="TARGET_NOT_LOCKED",
        hint=f"the lock is for {', '.join(sorted(lock.targets)) or 'nothing yet'}",
    )


def _here(lock: Lock, paths: ProjectPaths, console: Console) -> Target:
    from ppm.engine.clock import SystemClock
    from ppm.engine.manifest.read import manifest_path, read_manifest
    from ppm.engine.operations.observe import runtime_for, settle

    manifest = read_manifest(manifest_path(paths.root))
    runtime = runtime_for(manifest, SystemClock(), console.progress(), root=paths.root)
    settle(runtime, manifest, lock)
    return runtime.interpreter.target
