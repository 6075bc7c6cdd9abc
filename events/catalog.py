"""The closed union of events, and the retired shapes that are still read."""

from __future__ import annotations

from typing import TypeAlias, get_args

from ppm.events.artifact import ArtifactBuilt, ArtifactFetched, ArtifactRefused
from ppm.events.base import Event
from ppm.events.command import CommandCompleted, CommandFailed, CommandStarted, QueryAnswered
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

AnyEvent: TypeAlias = (
    ProjectInitialized
    | ManifestWritten
    | ManifestChanged
    | LedgerRepaired
    | LedgerMerged
    | CommandStarted
    | CommandCompleted
    | CommandFailed
    | QueryAnswered
    | RequirementAdded
    | RequirementRemoved
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
    | PackageInstalled
    | PackageRemoved
    | GenerationBuilt
    | EnvironmentSwitched
    | DirectoryMovedAside
    | SnapshotTaken
    | RollbackRequested
    | CheckpointSigned
    | ReceiptSigned
    | ReceiptVerified
    | KeyTrusted
    | KeyDistrusted
    | EnvironmentVerified
    | StoreVerified
    | RepairPlanned
    | GenerationRepaired
    | GenerationCollected
    | StoreCollected
)

EVENTS: dict[str, type[Event]] = {event.type: event for event in get_args(AnyEvent)}
"""Every current event by the word it is known by on disk."""
