"""What an apply would come to, without doing or recording any of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

from ppm.engine.environment.files import LinkMode
from ppm.engine.locking import is_current, locked_packages, observe_pylock
from ppm.engine.manifest.model import Manifest
from ppm.engine.manifest.read import manifest_path, read_manifest
from ppm.engine.operations.apply import Wish, built_wheels, stands
from ppm.engine.operations.lock import problem_of
from ppm.engine.operations.observe import pylock_bytes, roots_of, runtime_for
from ppm.engine.operations.resolving import resolve_problem
from ppm.engine.operations.wishing import wish_for
from ppm.engine.paths import ProjectPaths
from ppm.engine.planning import Plan, Selection, make_plan
from ppm.engine.ports import Clock, Progress
from ppm.engine.resolve.problem import Policy
from ppm.engine.runtime import Runtime
from ppm.events.catalog import AnyEvent
from ppm.events.resolution import PackageLocked, PackageUnlocked
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
    runtime = runtime_for(manifest, clock, progress, index_url=index_url, offline=offline)
    lock = lock_to_be(paths, project.lock, manifest, runtime)
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


def lock_to_be(paths: ProjectPaths, lock: Lock, manifest: Manifest, runtime: Runtime) -> Lock:
    """The lock an apply would use: the one there is, an edited ``pylock.toml``, or a new one."""
    target = runtime.interpreter.target
    data = pylock_bytes(paths)
    if data is not None and sha256(data).hexdigest() != lock.pylock:
        events = observe_pylock(lock, data, target)
        changes = [one for one in events if isinstance(one, PackageLocked | PackageUnlocked)]
        lock = Lock(targets=applied(lock, changes, (target.name,)))
    roots = roots_of(manifest)
    if not is_current(lock, roots, target):
        return lock
    resolution = resolve_problem(problem_of(roots, lock, runtime, Policy()), runtime, _nowhere)
    return Lock(targets={target.name: locked_packages(resolution)})


def _nowhere(_events: Sequence[AnyEvent]) -> None:
    """A plan records nothing: what had to be fetched for it stays in the store."""
