"""Going back to a point of history: manifest, requirements, lock and environment, by new events."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from ppm.engine.environment.generation import read_generation, venv_path
from ppm.engine.environment.switch import active, switch, withdraw
from ppm.engine.errors import ProjectError
from ppm.engine.files import storage_errors
from ppm.engine.ledger.tail import from_the_end
from ppm.engine.locking import package_changes
from ppm.engine.manifest.model import Manifest
from ppm.engine.manifest.read import parse_manifest
from ppm.engine.operations.apply import built_events, environment_of
from ppm.engine.operations.edit import write_manifest
from ppm.engine.operations.lockfiles import pylock_for, record_lock
from ppm.engine.operations.observe import manifest_bytes, pylock_bytes, settle
from ppm.engine.operations.past import make_again, origins_until
from ppm.engine.paths import ProjectPaths
from ppm.engine.projector import fold_until
from ppm.engine.registry import register
from ppm.engine.runtime import Runtime
from ppm.engine.target import Target
from ppm.engine.transaction import Transaction
from ppm.events.catalog import AnyEvent
from ppm.events.envelope import Record
from ppm.events.environment import (
    DirectoryMovedAside,
    EnvironmentSwitched,
    PackageInstalled,
    PackageRemoved,
)
from ppm.events.resolution import ResolutionCompleted
from ppm.events.snapshot import RollbackRequested, SnapshotTaken
from ppm.projections.lock import Lock
from ppm.projections.project import Project
from ppm.projections.state import Environment

if TYPE_CHECKING:
    from ppm.engine.environment.build import Build


class GoneBack(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome: the point, the generation active now (``""`` for none), and how it came.

    ``how`` is ``switched``, ``rebuilt`` or ``unchanged``. ``moved_to`` is where a foreign ``.venv``
    went, ``""`` if there was none.
    """

    seq: int
    generation: str
    how: str
    moved_to: str = ""


def before_last_apply(run: Transaction, machine: str) -> int:
    """The snapshot taken before the apply that made the active generation, as its ``seq``.

    Raises:
        ProjectError: ``code="NOTHING_TO_UNDO"``.
    """
    active_now = run.project.state.environments.get(machine, Environment()).active

    def snapshot(records: Iterable[Record], _whole: bool) -> int | None:
        return _snapshot_before(records, machine, active_now)

    found = from_the_end(run.ledger, snapshot) if active_now else None
    if found is None:
        raise ProjectError(
            "there is no apply to go back from",
            code="NOTHING_TO_UNDO",
            hint="`ppm snapshots` lists the points you can go back to",
        )
    return found


def _snapshot_before(records: Iterable[Record], machine: str, generation: str) -> int | None:
    """The ``seq`` of the snapshot that the last apply to ``generation`` took."""
    snapshots: dict[str, int] = {}
    found = None
    for record in records:
        match event := record.event:
            case SnapshotTaken() if event.automatic:
                snapshots[record.run] = record.seq
            case EnvironmentSwitched() if (event.machine, event.generation, event.reason) == (
                machine,
                generation,
                "apply",
            ):
                found = snapshots.get(record.run, found)
            case _:
                pass
    return found


def go_back(
    run: Transaction, runtime: Runtime, manifest: Manifest, seq: int, *, name: str
) -> GoneBack:
    """Make everything as it was just after record ``seq``.

    What can fail for outside reasons comes first: an environment that is gone, or was made before
    the project moved, is made again before anything else changes.

    Raises:
        ProjectError: The manifest cannot be brought back.
        ArtifactError, IndexFailure, BuildError, EnvironmentFailure, StorageError: The environment
            cannot be made again.
    """
    then = fold_until(run.ledger.read(), seq)
    register(runtime.home, run.project.state.ledger, run.paths.root, lambda: runtime.in_use)
    run.record([RollbackRequested(name=name, seq=seq)])
    wanted = then.state.environments.get(runtime.machine, Environment())
    built = None
    if wanted.active and not _usable(run.paths, wanted.active):
        origins = origins_until(run.ledger.read(), seq)
        built = make_again(run.record, runtime, run.paths.root, wanted, origins)
    edited = _manifest_back(run, manifest, then)
    settle(runtime, edited, then.lock)
    _lock_back(run, edited, then.lock, runtime.interpreter.target)
    return _environment_back(run, runtime, seq, wanted, built)


def _usable(paths: ProjectPaths, generation: str) -> bool:
    """Whether ``generation`` is whole and its scripts name the project where it is now."""
    kept = read_generation(paths.environments / generation)
    return kept is not None and kept.venv == str(venv_path(paths.root))


def _manifest_back(run: Transaction, manifest: Manifest, then: Project) -> Manifest:
    """Edit the requirements that differ, each at its place; the manifest as it is now."""
    from ppm.engine.manifest.edit import add_requirements, remove_requirements

    path = run.paths.root / manifest.path
    data = manifest_bytes(run.paths, manifest)
    now: dict[str, dict[str, set[str]]] = {}
    for one in manifest.requirements:
        now.setdefault(one.group, {}).setdefault(one.name, set()).add(one.requirement)
    for group in sorted(now | then.state.requirements.keys()):
        present = now.get(group, {})
        wanted: dict[str, list[str]] = {}
        for text, name in then.state.requirements.get(group, {}).items():
            wanted.setdefault(name, []).append(text)
        data = remove_requirements(
            data, file_name=path.name, group=group, names=present.keys() - wanted.keys()
        )
        differing = [
            text
            for name, texts in wanted.items()
            if set(texts) != present.get(name)
            for text in texts
        ]
        if differing:
            data = add_requirements(
                data,
                file_name=path.name,
                project=manifest.name,
                group=group,
                requirements=differing,
            )
    edited = parse_manifest(data, file_name=path.name, directory=run.paths.root)
    write_manifest(run, manifest, edited, data)
    return edited


def _lock_back(run: Transaction, manifest: Manifest, then: Lock, here: Target) -> None:
    now = run.project.lock
    same = (then.targets, then.requirements) == (now.targets, now.requirements)
    if same and (not now.targets or _pylock_digest(run) == now.pylock):
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
    record_lock(
        run,
        then.targets,
        data=pylock_for(manifest, then.targets, here),
        requirements=then.requirements,
    )


def _pylock_digest(run: Transaction) -> str:
    data = pylock_bytes(run.paths)
    return sha256(data).hexdigest() if data is not None else ""


def _environment_back(
    run: Transaction, runtime: Runtime, seq: int, wanted: Environment, built: Build | None
) -> GoneBack:
    now = environment_of(run, runtime)
    root = run.paths.root
    name = built.generation.name if built is not None else wanted.active
    fresh = built is not None and built.fresh
    how = "rebuilt" if fresh else "switched"
    if name == now.active and (active(root) or "") == name:
        return GoneBack(seq=seq, generation=name, how=how if fresh else "unchanged")
    if built is not None:
        changes = built_events(run, runtime.machine, built.generation, now)
    else:
        changes = _package_changes(runtime.machine, name, now, wanted)
    moved_to = ""
    if name:
        moved_to = switch(root, name, now=runtime.clock.now()).moved_to
    else:
        withdraw(root)
    moved: list[AnyEvent] = []
    if moved_to:
        moved = [DirectoryMovedAside(machine=runtime.machine, path=".venv", moved_to=moved_to)]
    switched = EnvironmentSwitched(
        machine=runtime.machine,
        generation=name,
        previous=now.active,
        parent=wanted.parents.get(wanted.active, ""),
        reason="rollback",
    )
    run.record([*moved, *changes, switched])
    return GoneBack(seq=seq, generation=name, how=how, moved_to=moved_to)


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
