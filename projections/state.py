"""What holds now: requirements, environments, snapshots. A pure fold.

``evolve`` is total and silent: every event of the catalog has its branch, or stands in the list of
those that do not concern the state.
"""

from typing import TYPE_CHECKING, TypeAlias, assert_never, get_args

import msgspec

from ppm.events.artifact import ArtifactBuilt, ArtifactFetched, ArtifactRefused
from ppm.events.catalog import AnyEvent
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
    BackendChosen,
    CandidateRejected,
    LockAdopted,
    PackageLocked,
    PackageUnlocked,
    PreferenceReleased,
    ResolutionCompleted,
    ResolutionFailed,
)
from ppm.events.snapshot import RollbackRequested, SnapshotTaken
from ppm.events.trust import (
    CheckpointSigned,
    KeyDistrusted,
    KeyTrusted,
    ReceiptSigned,
    ReceiptVerified,
)
from ppm.events.upkeep import (
    EnvironmentVerified,
    GenerationCollected,
    GenerationRepaired,
    RepairPlanned,
    StoreCollected,
    StoreVerified,
)
from ppm.projections.maps import Maps

if TYPE_CHECKING:
    from typing_extensions import TypeIs


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


class TrustedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key whose signatures count, and the event that says so; fields as in its event."""

    seq: int
    time: str
    name: str
    public_key: str


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that holds, except the lock (:mod:`ppm.projections.lock`).

    ``requirements`` maps a group to its requirements as written, each to its normalised name.
    ``keys`` are the trusted ones by their ids.
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
    keys: dict[str, TrustedKey] = {}
    staged: tuple[PackageInstalled | PackageRemoved, ...] = ()


_OfNoConcern: TypeAlias = (
    QueryAnswered
    | LedgerRepaired
    | LedgerMerged
    | IntentMerged
    | PackageLocked
    | PackageUnlocked
    | CandidateRejected
    | BackendChosen
    | PreferenceReleased
    | ResolutionCompleted
    | ResolutionFailed
    | LockAdopted
    | ArtifactFetched
    | ArtifactBuilt
    | ArtifactRefused
    | EnvironmentPlanned
    | DirectoryMovedAside
    | RollbackRequested
    | CheckpointSigned
    | ReceiptSigned
    | ReceiptVerified
    | EnvironmentVerified
    | StoreVerified
    | RepairPlanned
    | GenerationRepaired
    | StoreCollected
)
_OF_NO_CONCERN = frozenset(get_args(_OfNoConcern))


def _is_of_no_concern(event: AnyEvent) -> "TypeIs[_OfNoConcern]":
    """Quicker than to ask for one type after another: most of a ledger changes no state."""
    return type(event) in _OF_NO_CONCERN


def evolve(state: State, record: Record, maps: Maps) -> State:  # noqa: C901, PLR0911, PLR0912 - one each
    """The state after ``record``; a fold brings one ``maps`` along for all of its records."""
    replace = msgspec.structs.replace
    event = record.event
    if _is_of_no_concern(event):
        return state
    match event:  # Those that are met most come first.
        case PackageInstalled() | PackageRemoved():
            return replace(state, staged=(*state.staged, event))
        case CommandStarted() | CommandCompleted() | CommandFailed():
            return replace(state, staged=()) if state.staged else state
        case ProjectInitialized():
            return replace(state, ledger=event.ledger, name=event.name, manifest=event.manifest)
        case ManifestWritten() | ManifestChanged():
            return replace(state, manifest=event.path, manifest_sha256=event.sha256)
        case RequirementAdded():
            group = maps.put(state.requirements.get(event.group, {}), event.requirement, event.name)
            return replace(state, requirements=maps.put(state.requirements, event.group, group))
        case RequirementRemoved():
            return _without_requirement(state, event)
        case GenerationBuilt():
            return _with_generation(state, record.seq, event, maps)
        case GenerationCollected():
            return _without_generation(state, event, maps)
        case EnvironmentSwitched():
            return _switched(state, event, maps)
        case SnapshotTaken():
            return _with_snapshot(state, record, event, maps)
        case KeyTrusted():
            return _with_key(state, record, event, maps)
        case KeyDistrusted():
            keys = {name: one for name, one in state.keys.items() if name != event.key}
            return replace(state, keys=keys)
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


def _with_environment(state: State, machine: str, environment: Environment, maps: Maps) -> State:
    environments = maps.put(state.environments, machine, environment)
    return msgspec.structs.replace(state, environments=environments)


def _with_generation(state: State, seq: int, event: GenerationBuilt, maps: Maps) -> State:
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
    generations = maps.put(environment.generations, event.generation, generation)
    return _with_environment(
        state, event.machine, msgspec.structs.replace(environment, generations=generations), maps
    )


def _without_generation(state: State, event: GenerationCollected, maps: Maps) -> State:
    environment = _environment(state, event.machine)
    kept = {name: one for name, one in environment.generations.items() if name != event.generation}
    return _with_environment(
        state, event.machine, msgspec.structs.replace(environment, generations=kept), maps
    )


def _switched(state: State, event: EnvironmentSwitched, maps: Maps) -> State:
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
        parents=maps.put(environment.parents, event.generation, event.parent),
    )
    changed = _with_environment(state, event.machine, switched, maps)
    return msgspec.structs.replace(changed, staged=())


def _with_snapshot(state: State, record: Record, event: SnapshotTaken, maps: Maps) -> State:
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
    return msgspec.structs.replace(state, snapshots=maps.put(state.snapshots, event.name, snapshot))


def _with_key(state: State, record: Record, event: KeyTrusted, maps: Maps) -> State:
    key = TrustedKey(seq=record.seq, time=record.time, name=event.name, public_key=event.public_key)
    return msgspec.structs.replace(state, keys=maps.put(state.keys, event.key, key))
