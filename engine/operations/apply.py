"""Applying: fetch and build what is missing, build the generation, switch to it.

Each step is recorded when it has happened; ``environment.planned`` and the snapshot before them are
the intent. A run cut short anywhere leaves the old environment, and running again finishes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from ppm.engine.environment.files import LinkMode, Material, Package
from ppm.engine.environment.generation import Generation, generation_name, venv_path
from ppm.engine.environment.switch import active, switch
from ppm.engine.planning import UNBUILT, Plan, chosen_file, make_plan
from ppm.engine.registry import register
from ppm.engine.runtime import Runtime
from ppm.engine.snapshots import take_automatically
from ppm.engine.store.model import WheelTree
from ppm.engine.transaction import Transaction
from ppm.events.catalog import AnyEvent
from ppm.events.environment import (
    DirectoryMovedAside,
    EnvironmentPlanned,
    EnvironmentSwitched,
    GenerationBuilt,
    PackageInstalled,
    PackageRemoved,
)
from ppm.projections.lock import LockedPackage, content_digest
from ppm.projections.state import Environment


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """The environment that is wanted.

    ``packages`` are the selected locked packages by name, ``requested`` the names the user asked
    for, ``reason`` why (``apply`` or ``rollback``), ``parent`` the generation a step back leads to
    (None for the one that is active now).
    """

    packages: dict[str, LockedPackage]
    requested: frozenset[str]
    link_mode: LinkMode = "auto"
    reason: str = "apply"
    parent: str | None = None


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome: the plan that was carried out and the generation that is active now.

    ``fresh`` where the environment is another one than before; a plan without changes may lead to
    one, too (the project has moved, a foreign ``.venv`` stood there). ``moved_to`` is where a
    foreign ``.venv`` went, ``""`` if there was none.
    """

    plan: Plan
    generation: str
    fresh: bool = False
    moved_to: str = ""


def plan_for(run: Transaction, runtime: Runtime, wish: Wish) -> Plan:
    """What :func:`apply` would do now."""
    return make_plan(
        wish.packages,
        environment_of(run, runtime).packages,
        target=runtime.interpreter.target.name,
        built=built_wheels(runtime, wish.packages),
    )


def environment_of(run: Transaction, runtime: Runtime) -> Environment:
    """This machine's environment as the ledger knows it."""
    return run.project.state.environments.get(runtime.machine, Environment())


def built_wheels(runtime: Runtime, packages: Mapping[str, LockedPackage]) -> dict[str, str]:
    """The digest of the wheel built from each source distribution, where one has been built."""
    sources = [file for one in packages.values() if (file := chosen_file(one)).kind != "wheel"]
    found = {file.sha256: runtime.wheel_built_from(file) for file in sources}
    return {source: wheel for source, wheel in found.items() if wheel is not None}


def apply(
    run: Transaction, runtime: Runtime, wish: Wish, *, compile_bytecode: bool = False
) -> Applied:
    """Make the environment what ``wish`` says; records nothing and changes nothing if it is.

    Raises:
        ArtifactError: A file is not what was promised.
        IndexFailure: The index cannot give a file.
        BuildError: A source distribution does not build.
        EnvironmentFailure: The packages do not go together.
        StorageError: The disk refused.
    """
    register(runtime.home, run.project.state.ledger, run.paths.root, lambda: runtime.in_use)
    plan = plan_for(run, runtime, wish)
    before = environment_of(run, runtime)
    if plan.plan == "noop" and stands(run.paths.root, runtime, wish, before):
        return Applied(plan=plan, generation=before.active)
    from ppm.engine.environment.build import build
    from ppm.engine.environment.bytecode import compile_all
    from ppm.engine.environment.staging import remove_stale
    from ppm.engine.operations.acquire import acquire

    run.record(_intent(run, runtime, wish, plan, before))
    remove_stale(run.paths.root)
    trees = acquire(run.record, runtime, list(wish.packages.values()))
    wish = _with_versions(wish, trees)
    materials = materials_of(runtime, wish, trees)
    built = build(
        run.paths.root, runtime.interpreter, materials, link_mode=wish.link_mode
    ).generation
    if compile_bytecode:
        compile_all(run.paths.environments / built.name, runtime.interpreter)
    run.record(built_events(run, runtime.machine, built, before))
    switched = switch(run.paths.root, built.name, now=runtime.clock.now())
    moved: tuple[AnyEvent, ...] = ()
    if switched.moved_to:
        moved = (
            DirectoryMovedAside(machine=runtime.machine, path=".venv", moved_to=switched.moved_to),
        )
    parent = before.active if wish.parent is None else wish.parent
    if parent == built.name:
        parent = before.parents.get(built.name, "")
    run.record(
        (
            *moved,
            EnvironmentSwitched(
                machine=runtime.machine,
                generation=built.name,
                previous=before.active,
                parent=parent,
                reason=wish.reason,
            ),
        )
    )
    return Applied(
        plan=_as_built(plan, wish), generation=built.name, fresh=True, moved_to=switched.moved_to
    )


def _with_versions(wish: Wish, trees: Mapping[str, WheelTree]) -> Wish:
    """The wish with the version that a package turned out to have when it was built."""
    known = {
        name: msgspec.structs.replace(one, version=trees[name].version)
        for name, one in wish.packages.items()
        if one.version == UNBUILT
    }
    return msgspec.structs.replace(wish, packages={**wish.packages, **known}) if known else wish


def _as_built(plan: Plan, wish: Wish) -> Plan:
    """The plan with the versions that packages turned out to have; its digest stays."""
    if UNBUILT not in plan.packages.values():
        return plan
    packages = {name: wish.packages[name].version for name in plan.packages}
    changes = tuple(
        msgspec.structs.replace(one, to=packages[one.name]) if one.to == UNBUILT else one
        for one in plan.changes
    )
    return msgspec.structs.replace(plan, packages=packages, changes=changes)


def stands(root: Path, runtime: Runtime, wish: Wish, before: Environment) -> bool:
    """Whether the wished generation is the active one, in the ledger and on the disk.

    ``before`` has the wished packages already.
    """
    packages = [
        _package(root, wish, name, installed.sha256) for name, installed in before.packages.items()
    ]
    name = generation_name(runtime.interpreter, packages, wish.link_mode, venv_path(root))
    return name == before.active == active(root)


def _package(root: Path, wish: Wish, name: str, sha256: str) -> Package:
    locked = wish.packages[name]
    return Package(
        name=name,
        version=locked.version,
        sha256=sha256,
        requested=name in wish.requested,
        direct_url=_direct_url(locked, root) if locked.source else b"",
    )


def _direct_url(package: LockedPackage, root: Path) -> bytes:
    from ppm.engine.direct.locked import direct_url  # Few projects have any.

    return direct_url(package, root)


def materials_of(runtime: Runtime, wish: Wish, trees: Mapping[str, WheelTree]) -> list[Material]:
    """The wished packages with their unpacked wheels ``trees``, in order of name."""
    return [
        Material(
            package=_package(runtime.root, wish, name, trees[name].sha256),
            tree=trees[name],
            directory=runtime.wheels.directory(trees[name].sha256),
        )
        for name in sorted(wish.packages)
    ]


def _intent(
    run: Transaction, runtime: Runtime, wish: Wish, plan: Plan, before: Environment
) -> tuple[AnyEvent, ...]:
    files = [chosen_file(package) for package in wish.packages.values()]
    missing = [
        file
        for file in files
        if file.kind in {"wheel", "sdist"} and not runtime.blobs.has(file.sha256)
    ]
    planned = EnvironmentPlanned(
        machine=runtime.machine,
        plan=plan.digest,
        parent=before.active,
        fetch=len(missing),
        fetch_size=sum(file.size for file in missing),
    )
    if wish.reason != "apply":
        return (planned,)
    snapshot = take_automatically(run.project, runtime.clock.now(), runtime.machine)
    return (snapshot, planned)


def built_events(
    run: Transaction, machine: str, built: Generation, before: Environment
) -> Sequence[AnyEvent]:
    """What a generation changes in the environment ``before`` it, and, if it is new, that it is."""
    kept = {package.name for package in built.packages}
    changes: list[AnyEvent] = [
        PackageRemoved(
            machine=machine,
            generation=built.name,
            name=name,
            version=before.packages[name].version,
        )
        for name in sorted(before.packages.keys() - kept)
    ]
    for package in built.packages:
        installed = before.packages.get(package.name)
        now = (package.version, package.sha256, package.requested)
        if installed is None or now != (installed.version, installed.sha256, installed.requested):
            changes.append(
                PackageInstalled(
                    machine=machine,
                    generation=built.name,
                    name=package.name,
                    version=package.version,
                    previous=installed.version if installed is not None else "",
                    sha256=package.sha256,
                    requested=package.requested,
                )
            )
    if built.name not in before.generations:
        changes.append(
            GenerationBuilt(
                machine=machine,
                generation=built.name,
                root=built.root,
                lock=content_digest(run.project.lock),
                interpreter=built.interpreter,
                python=built.python,
                link_mode=built.link_mode,
                packages=len(built.packages),
                files=built.files,
            )
        )
    return changes
