"""What an apply would come to, without doing or recording any of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

import msgspec

from ppm.engine.environment.files import LinkMode
from ppm.engine.locking import observe_pylock
from ppm.engine.manifest.model import Manifest
from ppm.engine.manifest.read import manifest_path, read_manifest
from ppm.engine.operations.apply import Wish, built_wheels, stands
from ppm.engine.operations.currency import why_stale
from ppm.engine.operations.lock import resolve_here
from ppm.engine.operations.observe import pylock_bytes, roots_of, runtime_for, settle
from ppm.engine.operations.wishing import wish_for
from ppm.engine.paths import ProjectPaths
from ppm.engine.planning import Plan, Selection, make_plan
from ppm.engine.ports import Clock, Progress
from ppm.engine.resolve.problem import Policy
from ppm.engine.runtime import Runtime
from ppm.events.catalog import AnyEvent
from ppm.events.resolution import LockAdopted, PackageLocked, PackageUnlocked
from ppm.projections.lock import Lock, applied
from ppm.projections.project import Project
from ppm.projections.state import Environment


def foresee(
    paths: ProjectPaths,
    project: Project,
    clock: Clock,
    progress: Progress,
    selection: Selection,
    *,
    link_mode: Callable[[Manifest], LinkMode],
    index_url: str,
    offline: bool,
) -> Plan:
    """The plan that ``ppm apply`` would carry out now.

    Raises:
        ProjectError, ResolutionError, IndexFailure: as the apply would.
    """
    manifest = read_manifest(manifest_path(paths.root))
    runtime = runtime_for(
        manifest, clock, progress, root=paths.root, index_url=index_url, offline=offline
    )
    lock = lock_to_be(paths, project, manifest, runtime)
    wish = wish_for(lock, runtime, manifest, selection, link_mode(manifest))
    return plan_of(project, runtime, wish)


def plan_of(project: Project, runtime: Runtime, wish: Wish) -> Plan:
    """The plan that leads from the project's environment to ``wish``."""
    environment = project.state.environments.get(runtime.machine, Environment())
    return make_plan(
        wish.packages,
        environment.packages,
        target=runtime.interpreter.target.name,
        built=built_wheels(runtime, wish.packages),
    )


def in_place(paths: ProjectPaths, project: Project, runtime: Runtime, wish: Wish) -> bool:
    """Whether an apply of ``wish`` would do nothing at all."""
    environment = project.state.environments.get(runtime.machine, Environment())
    plan = plan_of(project, runtime, wish)
    return plan.plan == "noop" and stands(paths.root, runtime, wish, environment)


def lock_to_be(paths: ProjectPaths, project: Project, manifest: Manifest, runtime: Runtime) -> Lock:
    """The lock an apply would use: the one there is, an edited ``pylock.toml``, or a new one."""
    lock = project.lock
    settle(runtime, manifest, lock)
    data = pylock_bytes(paths)
    if data is not None and sha256(data).hexdigest() != lock.pylock:
        lock = _adopted(lock, observe_pylock(lock, data, runtime.interpreter.target))
        settle(runtime, manifest, lock)
    here = runtime.interpreter.target
    if not why_stale(lock, roots_of(manifest), here, paths.root):
        return lock
    seen = msgspec.structs.replace(project, lock=lock)
    return Lock(targets=resolve_here(seen, runtime, manifest, Policy(), _nowhere).locks())


def _adopted(lock: Lock, events: Sequence[AnyEvent]) -> Lock:
    """The lock after ``events``; without any it stays what it is."""
    changes = [one for one in events if isinstance(one, PackageLocked | PackageUnlocked)]
    for event in events:
        if isinstance(event, LockAdopted):
            return Lock(targets=applied(lock, changes, event.targets))
    return lock


def _nowhere(_events: Sequence[AnyEvent]) -> None:
    """A plan records nothing: what had to be fetched for it stays in the store."""
