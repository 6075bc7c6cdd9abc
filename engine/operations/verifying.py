"""Holding the installed environment and the store against the history; changes nothing."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ppm.engine.environment.audit import deviations, entries_on_disk, recorded_entries
from ppm.engine.environment.files import TreeEntry
from ppm.engine.environment.generation import (
    HEADER_NAME,
    INVENTORY_NAME,
    read_generation,
    read_inventory,
)
from ppm.engine.environment.tree import root_of
from ppm.engine.errors import EnvironmentFailure
from ppm.engine.hashing.files import FileReader
from ppm.engine.operations.expecting import Expectation
from ppm.engine.paths import ProjectPaths
from ppm.engine.redact import as_text
from ppm.engine.runtime import Runtime
from ppm.engine.store.audit import StoreAudit, audit_store
from ppm.events.upkeep import Difference, EnvironmentVerified, StoreVerified
from ppm.projections.lock import Lock
from ppm.projections.project import Project
from ppm.projections.state import Environment, Generation

TOLD = 100
"""How many differences an event tells; it counts them all."""


class EnvironmentAudit(msgspec.Struct, frozen=True, kw_only=True):
    """The active generation as it is on the disk.

    ``generation`` is ``""`` where nothing has been applied. ``seen`` is the root on the disk.
    """

    generation: str
    expected: str
    seen: str
    files: int
    differences: tuple[Difference, ...]


def verify_environment(
    paths: ProjectPaths, project: Project, runtime: Runtime, reader: FileReader
) -> EnvironmentAudit:
    """Read every file of the active generation and compare with what the ledger recorded.

    Raises:
        StorageError: Something cannot be read.
    """
    environment = project.state.environments.get(runtime.machine, Environment())
    recorded = environment.generations.get(environment.active)
    if recorded is None:
        return EnvironmentAudit(generation="", expected="", seen="", files=0, differences=())
    directory = paths.environments / environment.active
    led_astray = _link_deviations(paths, environment.active)
    if not directory.is_dir():
        gone = Difference(problem="missing", path=f".ppm/envs/{environment.active}", package="")
        return EnvironmentAudit(
            generation=environment.active,
            expected=recorded.root,
            seen="",
            files=0,
            differences=(*led_astray, gone),
        )
    seen = entries_on_disk(directory, reader)
    expectation = Expectation(paths.root, runtime, environment, recorded)
    found = [
        *led_astray,
        *_own_records(directory, environment, recorded),
        *_file_differences(directory, expectation, seen),
    ]
    return EnvironmentAudit(
        generation=environment.active,
        expected=recorded.root,
        seen=root_of(seen),
        files=len(seen),
        differences=tuple(found),
    )


def _link_deviations(paths: ProjectPaths, generation: str) -> list[Difference]:
    """``.venv`` has to be the link to the active generation."""
    target = paths.environments.relative_to(paths.root) / generation
    try:
        if paths.environment.readlink() == target:
            return []
        problem = "changed"
    except OSError:
        problem = "changed" if paths.environment.exists() else "missing"
    return [Difference(problem=problem, path=".venv", package="")]


def _own_records(
    directory: Path, environment: Environment, recorded: Generation
) -> list[Difference]:
    """PPM's two records of a generation are no part of its tree: they are held against the ledger.

    The list of files is right where it has the recorded root.
    """
    found = []
    header = read_generation(directory)
    packages = {} if header is None else {one.name: one for one in header.packages}
    right = (
        header is not None
        and (header.root, header.files, header.interpreter, header.python, header.link_mode)
        == (
            recorded.root,
            recorded.files,
            recorded.interpreter,
            recorded.python,
            recorded.link_mode,
        )
        and {name: (one.version, one.sha256, one.requested) for name, one in packages.items()}
        == {
            name: (one.version, one.sha256, one.requested)
            for name, one in environment.packages.items()
        }
    )
    if not right:
        found.append(_own(directory, HEADER_NAME))
    if recorded_entries(directory, recorded.root) is None:
        found.append(_own(directory, INVENTORY_NAME))
    return found


def _own(directory: Path, name: str) -> Difference:
    problem = "changed" if (directory / name).exists() else "missing"
    return Difference(problem=problem, path=name, package="")


def _file_differences(
    directory: Path, expectation: Expectation, seen: list[TreeEntry]
) -> list[Difference]:
    root = expectation.root
    if root_of(seen) == root:
        return []
    expected = recorded_entries(directory, root) or expectation.entries()
    if expected is None:
        # Nothing that has the recorded root is left: what the generation says of itself must do.
        expected = _unproven(directory)
    owners = expectation.owners(directory)
    return [
        Difference(problem=one.problem, path=as_text(one.path), package=owners.of(one.path))
        for one in deviations(expected, seen)
    ]


def _unproven(directory: Path) -> list[TreeEntry]:
    try:
        return read_inventory(directory)
    except EnvironmentFailure:
        return []


def verify_store(
    project: Project, runtime: Runtime, reader: FileReader, *, whole: bool
) -> StoreAudit:
    """Read what the store has of the project's lock and environment, or all of it.

    Raises:
        StorageError: Something cannot be read.
    """
    names = cited(project.lock, project.state.environments.get(runtime.machine, Environment()))
    return audit_store(runtime.wheels, reader, names, whole=whole)


def cited(lock: Lock, environment: Environment) -> dict[str, str]:
    """The package of each digest that a lock and an environment name."""
    names = {
        file.sha256: package.name
        for packages in lock.targets.values()
        for package in packages.values()
        for file in package.files
    }
    return names | {one.sha256: name for name, one in environment.packages.items()}


def environment_event(audit: EnvironmentAudit, machine: str, device: str) -> EnvironmentVerified:
    """What was found, for the ledger."""
    return EnvironmentVerified(
        machine=machine,
        generation=audit.generation,
        expected=audit.expected,
        seen=audit.seen,
        files=audit.files,
        device=device,
        differing=len(audit.differences),
        differences=audit.differences[:TOLD],
    )


def store_event(
    audit: StoreAudit, machine: str, reader: FileReader, files: int, *, whole: bool
) -> StoreVerified:
    """What was found, for the ledger."""
    differences = store_differences(audit)
    return StoreVerified(
        machine=machine,
        scope="all" if whole else "project",
        blobs=audit.blobs,
        wheels=audit.wheels,
        files=files,
        device=reader.device,
        differing=len(differences),
        differences=differences[:TOLD],
    )


def store_differences(audit: StoreAudit) -> tuple[Difference, ...]:
    """The damages as differences."""
    return tuple(
        Difference(problem=one.problem, path=as_text(one.path), package=one.package)
        for one in audit.damages
    )
