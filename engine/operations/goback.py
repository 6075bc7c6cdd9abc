"""Going back to a point of history: manifest, requirements, lock and environment, by new events."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ppm.engine.environment.generation import read_generation
from ppm.engine.environment.switch import active, switch, withdraw
from ppm.engine.errors import ProjectError
from ppm.engine.files import storage_errors
from ppm.engine.locking import package_changes
from ppm.engine.manifest.edit import add_requirements, remove_requirements
from ppm.engine.manifest.model import Manifest
from ppm.engine.manifest.read import parse_manifest
from ppm.engine.operations.apply import Wish, apply, environment_of
from ppm.engine.operations.edit import write_manifest
from ppm.engine.operations.lock import pylock_for, record_lock
from ppm.engine.operations.observe import manifest_bytes
from ppm.engine.projector import fold_until
from ppm.engine.runtime import Runtime
from ppm.engine.target import Target
from ppm.engine.transaction import Transaction
from ppm.events.catalog import AnyEvent
from ppm.events.envelope import Record
from ppm.events.environment import EnvironmentSwitched, PackageInstalled, PackageRemoved
from ppm.events.resolution import ResolutionCompleted
from ppm.events.snapshot import RollbackRequested, SnapshotTaken
from ppm.projections.lock import Lock
from ppm.projections.project import Project, evolve
from ppm.projections.state import Environment


class GoneBack(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome: the point, the generation active now (``""`` for none), and how it came.

    ``how`` is ``switched``, ``rebuilt`` or ``unchanged``.
    """

    seq: int
    generation: str
    how: str


def before_last_apply(run: Transaction, machine: str) -> int:
    """The snapshot taken before the apply that made the active generation, as its ``seq``.

    Raises:
        ProjectError: ``code="NOTHING_TO_UNDO"``.
    """
    environment = run.project.state.environments.get(machine, Environment())
    snapshots: dict[str, int] = {}
    found = 0
    for record in run.ledger.read():
        match event := record.event:
            case SnapshotTaken() if event.automatic:
                snapshots[record.run] = record.seq
            case EnvironmentSwitched() if (event.machine, event.generation, event.reason) == (
                machine,
                environment.active,
                "apply",
            ):
                found = snapshots.get(record.run, found)
            case _:
                pass
    if not environment.active or not found:
        raise ProjectError(
            "there is no apply to go back from",
            code="NOTHING_TO_UNDO",
            hint="`ppm snapshots` lists the points you can go back to",
        )
    return found


def go_back(
    run: Transaction, runtime: Runtime, manifest: Manifest, seq: int, *, name: str
) -> GoneBack:
    """Make everything as it was just after record ``seq``; nothing is recorded if it is.

    Raises:
        ProjectError: The manifest cannot be brought back.
        ArtifactError, IndexFailure, EnvironmentFailure, StorageError: as :func:`apply`.
    """
    then = fold_until(run.ledger.read(), seq)
    run.record([RollbackRequested(name=name, seq=seq)])
    _manifest_back(run, manifest, then)
    _lock_back(run, manifest, then.lock, runtime.interpreter.target)
    return _environment_back(run, runtime, then, seq)


def _manifest_back(run: Transaction, manifest: Manifest, then: Project) -> None:
    path = run.paths.root / manifest.path
    data = manifest_bytes(run.paths, manifest)
    now = {one.group for one in manifest.requirements}
    for group in sorted(now | then.state.requirements.keys()):
        wanted = then.state.requirements.get(group, {})
        present = [one for one in manifest.requirements if one.group == group]
        gone = {one.name for one in present if one.requirement not in wanted}
        texts = {one.requirement for one in present if one.name not in gone}
        data = remove_requirements(data, file_name=path.name, group=group, names=gone)
        missing = [text for text, name in wanted.items() if text not in texts or name in gone]
        if missing:
            data = add_requirements(
                data,
                file_name=path.name,
                project=manifest.name,
                group=group,
                requirements=missing,
            )
    edited = parse_manifest(data, file_name=path.name, directory=run.paths.root)
    write_manifest(run, manifest, edited, data)


def _lock_back(run: Transaction, manifest: Manifest, then: Lock, here: Target) -> None:
    now = run.project.lock
    if (then.targets, then.requirements) == (now.targets, now.requirements):
        return
    if not then.targets:
        left = [change for target in now.targets for change in package_changes(now, target, {})]
        with storage_errors(run.paths.pylock):
            run.paths.pylock.unlink(missing_ok=True)
        nothing = ResolutionCompleted(
            targets=(), requirements="", pylock="", packages=0, rounds=0, metadata=0
        )
        run.record([*left, nothing])
        return
    for target, packages in then.targets.items():
        record_lock(
            run,
            packages,
            target=target,
            data=pylock_for(manifest, packages, here if target == here.name else None),
            requirements=then.requirements,
            resolution=None,
        )


def _environment_back(run: Transaction, runtime: Runtime, then: Project, seq: int) -> GoneBack:
    wanted = then.state.environments.get(runtime.machine, Environment())
    now = environment_of(run, runtime)
    root = run.paths.root
    name = wanted.active
    if name == now.active and (active(root) or "") == name:
        return GoneBack(seq=seq, generation=name, how="unchanged")
    parent = wanted.parents.get(name, "")
    if name and read_generation(run.paths.environments / name) is None:
        lock = lock_of_generation(run.ledger.read(), runtime.machine, name, seq)
        locked = lock.targets[runtime.interpreter.target.name]
        wish = Wish(
            packages={package: locked[package] for package in wanted.packages},
            requested=frozenset(
                package for package, installed in wanted.packages.items() if installed.requested
            ),
            reason="rollback",
            parent=parent,
        )
        return GoneBack(seq=seq, generation=apply(run, runtime, wish).generation, how="rebuilt")
    changes = _package_changes(runtime.machine, name, now, wanted)
    if name:
        switch(root, name, now=runtime.clock.now())
    else:
        withdraw(root)
    switched = EnvironmentSwitched(
        machine=runtime.machine,
        generation=name,
        previous=now.active,
        parent=parent,
        reason="rollback",
    )
    run.record([*changes, switched])
    return GoneBack(seq=seq, generation=name, how="switched")


def lock_of_generation(
    records: Iterator[Record], machine: str, generation: str, until: int
) -> Lock:
    """The lock that held when ``generation`` last became active, at or before record ``until``."""
    project, found = Project(), Lock()
    for record in records:
        if record.seq > until:
            break
        project = evolve(project, record)
        event = record.event
        if isinstance(event, EnvironmentSwitched) and (event.machine, event.generation) == (
            machine,
            generation,
        ):
            found = project.lock
    return found


def _package_changes(
    machine: str, generation: str, now: Environment, wanted: Environment
) -> list[AnyEvent]:
    removed: list[AnyEvent] = [
        PackageRemoved(
            machine=machine, generation=generation, name=name, version=now.packages[name].version
        )
        for name in sorted(now.packages.keys() - wanted.packages.keys())
    ]
    installed = [
        PackageInstalled(
            machine=machine,
            generation=generation,
            name=name,
            version=package.version,
            previous=now.packages[name].version if name in now.packages else "",
            sha256=package.sha256,
            requested=package.requested,
        )
        for name, package in sorted(wanted.packages.items())
        if now.packages.get(name) != package
    ]
    return [*removed, *installed]
