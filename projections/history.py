"""What was done: one operation a run, told from its events. A pure fold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

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


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a command.

    ``seq`` is its first event and ``last_seq`` its last so far. ``status`` is ``done``,
    ``failed[CODE]``, or ``cut short`` where the run has no last event. ``query`` where it only
    read. ``message`` is what a failure told, else ``""``. ``changes`` are short words
    (``+httpx 0.28.1``, ``rich 14.0.0 → 13.9.4``), in order, each once.
    """

    seq: int
    last_seq: int
    time: str
    actor: str
    run: str
    verb: str
    argv: tuple[str, ...]
    note: str
    status: str
    message: str
    query: bool
    duration_us: int
    changes: tuple[str, ...]


CUT_SHORT = "cut short"


def operations(records: Iterable[Record], *, whole: bool = True) -> list[Operation]:
    """The operations of ``records``, oldest first.

    Where the records are not the ``whole`` ledger but its end, operations that began before it are
    left out. Commands that change something begin with their verb, and no two of them at once; all
    events of a query stand together.
    """
    runs: dict[str, Operation] = {}
    for record in records:
        before = runs.get(record.run) or _opened(record)
        runs[record.run] = evolve(before, record)
    found = list(runs.values())
    return found if whole else [one for one in found[1:] if one.verb]


def _opened(record: Record) -> Operation:
    return Operation(
        seq=record.seq,
        last_seq=record.seq,
        time=record.time,
        actor=record.actor,
        run=record.run,
        verb="",
        argv=(),
        note="",
        status=CUT_SHORT,
        message="",
        query=False,
        duration_us=0,
        changes=(),
    )


def evolve(operation: Operation, record: Record) -> Operation:
    """The operation after one more of its run's records."""
    replace = msgspec.structs.replace
    operation = replace(operation, last_seq=record.seq)
    match event := record.event:
        case CommandStarted():
            return replace(operation, verb=event.verb, argv=event.argv, note=event.note)
        case CommandCompleted():
            return replace(
                operation,
                status="done",
                duration_us=event.duration_us,
                changes=_once(operation.changes),
            )
        case CommandFailed():
            return replace(
                operation,
                changes=_once(operation.changes),
                status=f"failed[{event.code}]",
                message=event.message,
                duration_us=event.duration_us,
            )
        case QueryAnswered():
            return replace(
                operation,
                verb=event.verb,
                argv=event.argv,
                status=f"failed[{event.code}]" if event.code else "done",
                query=True,
                duration_us=event.duration_us,
            )
        case LedgerRepaired():
            return replace(
                operation, verb="(repair)", status="done", changes=(f"torn tail {event.kept}",)
            )
        case _:
            words = change(event)
            return replace(operation, changes=(*operation.changes, words)) if words else operation


def _once(changes: tuple[str, ...]) -> tuple[str, ...]:
    """What was locked for several targets, in the same words for each of them."""
    return tuple(dict.fromkeys(changes))


def change(event: AnyEvent) -> str:  # noqa: C901, PLR0911, PLR0912 - one branch an event
    """A few words for what an event changed, ``""`` where the fact is no change of its own."""
    match event:
        case ProjectInitialized():
            return f"project {event.name}"
        case ManifestChanged():
            return f"{event.path} edited by hand"
        case RequirementAdded():
            return f"require {event.requirement}{_in_group(event.group)}"
        case RequirementRemoved():
            return f"drop {event.requirement}{_in_group(event.group)}"
        case PackageLocked():
            return f"lock {_versions(event.name, event.previous, event.version)}"
        case PackageUnlocked():
            return f"unlock {event.name} {event.version}"
        case BackendChosen():
            return f"GPU backend {event.backend or 'none'}"
        case PreferenceReleased():
            return f"gave up preference {event.requirement}"
        case LockAdopted():
            return f"{event.path} adopted"
        case ResolutionFailed():
            return "no resolution"
        case ArtifactBuilt():
            return f"built {event.filename}"
        case ArtifactRefused():
            return f"refused {event.filename} [{event.code}]"
        case PackageInstalled():
            if not event.previous:
                return f"+{event.name} {event.version}"
            return _versions(event.name, event.previous, event.version)
        case PackageRemoved():
            return f"-{event.name} {event.version}"
        case SnapshotTaken():
            return "" if event.automatic else f"snapshot {event.name}"
        case RollbackRequested():
            return f"back to {event.name or event.seq}"
        case DirectoryMovedAside():
            return f"{event.path} kept as {event.moved_to}"
        case IntentMerged():
            return f"declined {event.requirement}" if event.outcome == "declined" else ""
        case LedgerMerged():
            return f"merged events {event.fork_seq + 1} to {event.theirs_seq} of another history"
        case CheckpointSigned():
            return f"checkpoint over {event.seq} events"
        case ReceiptSigned():
            return f"signed for {event.name}, {event.size} bytes"
        case ReceiptVerified():
            return f"verified {event.name}: {', '.join(event.problems) or 'as signed for'}"
        case KeyTrusted():
            return f"trust {event.name} {event.key[:16]}"
        case KeyDistrusted():
            return f"distrust {event.key[:16]}"
        case EnvironmentVerified():
            return f"verified {event.files} installed files: {_found(event.differing)}"
        case StoreVerified():
            return f"verified {event.files} files of the store: {_found(event.differing)}"
        case GenerationRepaired():
            return f"repaired generation {event.generation[:12]}"
        case GenerationCollected():
            return f"collected generation {event.generation[:12]}"
        case StoreCollected():
            return f"collected {len(event.blobs)} blobs, {len(event.wheels)} wheels of the store"
        case (
            CommandStarted()
            | CommandCompleted()
            | CommandFailed()
            | QueryAnswered()
            | LedgerRepaired()
            | ManifestWritten()
            | CandidateRejected()
            | ResolutionCompleted()
            | ArtifactFetched()
            | EnvironmentPlanned()
            | GenerationBuilt()
            | EnvironmentSwitched()
            | RepairPlanned()
        ):
            return ""
        case _:
            assert_never(event)


def _found(differing: int) -> str:
    return f"{differing} differ" if differing else "whole"


def _in_group(group: str) -> str:
    return f" ({group})" if group else ""


def _versions(name: str, previous: str, version: str) -> str:
    if not previous:
        return f"{name} {version}"
    if previous == version:
        return f"{name} {version} again"
    return f"{name} {previous} → {version}"
