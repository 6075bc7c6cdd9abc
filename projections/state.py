"""What holds now: requirements, environments, snapshots. A pure fold.

``evolve`` is total and silent: every event of the catalog has its branch, and a branch that changes
nothing says so by standing in the list of those that do not concern the state.
"""

from __future__ import annotations

from typing import assert_never

import msgspec

from ppm.events.artifact import ArtifactBuilt, ArtifactFetched, ArtifactRefused
from ppm.events.command import CommandCompleted, CommandFailed, CommandStarted, QueryAnswered
from ppm.events.envelope import Record
from ppm.events.environment import (
    DirectoryMovedAside,
    EnvironmentPlanned,
    EnvironmentSwitched,
    GenerationBuilt,
    PackageInstalled,
    PackageRemoved,
)
from ppm.events.project import (
    LedgerMerged,
    LedgerRepaired,
    ManifestChanged,
    ManifestWritten,
    ProjectInitialized,
)
from ppm.events.requirement import IntentMerged, RequirementAdded, RequirementRemoved
from ppm.events.resolution import (
    CandidateRejected,
    LockAdopted,
    PackageLocked,
    PackageUnlocked,
    ResolutionCompleted,
    ResolutionFailed,
)
from ppm.events.snapshot import RollbackRequested, SnapshotTaken
from ppm.events.trust import CheckpointSigned


class InstalledPackage(msgspec.Struct, frozen=True, kw_only=True):
    """A package of the active generation; ``sha256`` is its wheel's."""

    version: str
    sha256: str
    requested: bool


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """A generation that was built. ``seq`` is the event that says so."""

    seq: int
    root: str
    lock: str
    interpreter: str
    python: str
    link_mode: str
    packages: int
    files: int


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """The environments of one machine. ``active`` is ``""`` before the first apply.

    ``parents`` names for each generation the one that a step back leads to.
    """

    active: str = ""
    packages: dict[str, InstalledPackage] = {}
    generations: dict[str, Generation] = {}
    parents: dict[str, str] = {}


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A named point of history: the place of its event, and what held there."""

    seq: int
    head: str
    time: str
    automatic: bool
    machine: str
    generation: str
    lock: str
    packages: int


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that holds, except the lock (:mod:`ppm.projections.lock`).

    ``requirements`` maps a group to its requirements as written, each to its normalised name.
    ``staged`` are package events of a run that has not switched the environment yet; it is empty
    between commands and never rendered.
    """

    ledger: str = ""
    name: str = ""
    manifest: str = ""
    manifest_sha256: str = ""
    requirements: dict[str, dict[str, str]] = {}
    environments: dict[str, Environment] = {}
    snapshots: dict[str, Snapshot] = {}
    staged: tuple[PackageInstalled | PackageRemoved, ...] = ()


def evolve(state: State, record: Record) -> State:  # noqa: C901, PLR0911 - one branch an event
    """The state after ``record``."""
    replace = msgspec.structs.replace
    match event := record.event:
        case ProjectInitialized():
            return replace(state, ledger=event.ledger, name=event.name, manifest=event.manifest)
        case ManifestWritten() | ManifestChanged():
            return replace(state, manifest=event.path, manifest_sha256=event.sha256)
        case RequirementAdded():
            group = {**state.requirements.get(event.group, {}), event.requirement: event.name}
            return replace(state, requirements={**state.requirements, event.group: group})
        case RequirementRemoved():
            return _without_requirement(state, event)
        case PackageInstalled() | PackageRemoved():
            return replace(state, staged=(*state.staged, event))
        case GenerationBuilt():
            return _with_generation(state, record.seq, event)
        case EnvironmentSwitched():
            return _switched(state, event)
        case SnapshotTaken():
            return _with_snapshot(state, record, event)
        case CommandStarted() | CommandCompleted() | CommandFailed():
            return replace(state, staged=()) if state.staged else state
        case (
            QueryAnswered()
            | LedgerRepaired()
            | LedgerMerged()
            | IntentMerged()
            | PackageLocked()
            | PackageUnlocked()
            | CandidateRejected()
            | ResolutionCompleted()
            | ResolutionFailed()
            | LockAdopted()
            | ArtifactFetched()
            | ArtifactBuilt()
            | ArtifactRefused()
            | EnvironmentPlanned()
            | DirectoryMovedAside()
            | RollbackRequested()
            | CheckpointSigned()
        ):
            return state
        case _:
            assert_never(event)


def _without_requirement(state: State, event: RequirementRemoved) -> State:
    group = {
        text: name
        for text, name in state.requirements.get(event.group, {}).items()
        if text != event.requirement
    }
    others = {key: value for key, value in state.requirements.items() if key != event.group}
    requirements = {**others, event.group: group} if group else others
    return msgspec.structs.replace(state, requirements=requirements)


def _environment(state: State, machine: str) -> Environment:
    return state.environments.get(machine, Environment())


def _with_environment(state: State, machine: str, environment: Environment) -> State:
    return msgspec.structs.replace(state, environments={**state.environments, machine: environment})


def _with_generation(state: State, seq: int, event: GenerationBuilt) -> State:
    environment = _environment(state, event.machine)
    generation = Generation(
        seq=seq,
        root=event.root,
        lock=event.lock,
        interpreter=event.interpreter,
        python=event.python,
        link_mode=event.link_mode,
        packages=event.packages,
        files=event.files,
    )
    generations = {**environment.generations, event.generation: generation}
    return _with_environment(
        state, event.machine, msgspec.structs.replace(environment, generations=generations)
    )


def _switched(state: State, event: EnvironmentSwitched) -> State:
    environment = _environment(state, event.machine)
    packages = dict(environment.packages)
    for staged in state.staged:
        if staged.machine != event.machine or staged.generation != event.generation:
            continue
        match staged:
            case PackageInstalled():
                packages[staged.name] = InstalledPackage(
                    version=staged.version, sha256=staged.sha256, requested=staged.requested
                )
            case PackageRemoved():
                packages.pop(staged.name, None)
            case _:
                assert_never(staged)
    switched = msgspec.structs.replace(
        environment,
        active=event.generation,
        packages=packages,
        parents={**environment.parents, event.generation: event.parent},
    )
    return msgspec.structs.replace(_with_environment(state, event.machine, switched), staged=())


def _with_snapshot(state: State, record: Record, event: SnapshotTaken) -> State:
    snapshot = Snapshot(
        seq=record.seq,
        head=record.digest,
        time=record.time,
        automatic=event.automatic,
        machine=event.machine,
        generation=event.generation,
        lock=event.lock,
        packages=event.packages,
    )
    return msgspec.structs.replace(state, snapshots={**state.snapshots, event.name: snapshot})
