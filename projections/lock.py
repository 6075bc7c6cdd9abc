"""The lock: for each target, each package at one version. A pure fold."""

from collections.abc import Iterable
from hashlib import sha256

import msgspec

from ppm.events.command import CommandCompleted, CommandFailed, CommandStarted
from ppm.events.envelope import Record
from ppm.events.resolution import (
    LockAdopted,
    LockedFile,
    PackageLocked,
    PackageUnlocked,
    ResolutionCompleted,
)


class LockedPackage(msgspec.Struct, frozen=True, kw_only=True):
    """A package at its locked version. Fields as in :class:`PackageLocked`."""

    name: str
    version: str
    index: str
    extras: tuple[str, ...]
    groups: tuple[str, ...]
    requires_python: str
    dependencies: tuple[str, ...]
    files: tuple[LockedFile, ...]
    source: str = ""


class Lock(msgspec.Struct, frozen=True, kw_only=True):
    """The lock as a whole.

    ``seq`` is the event that last changed it, 0 for none. ``requirements`` is the digest of what it
    was resolved from, ``""`` where it was adopted. ``pylock`` is the digest of ``pylock.toml`` as
    last written or adopted. ``targets`` maps a target's name to its packages by name.
    """

    seq: int = 0
    requirements: str = ""
    pylock: str = ""
    targets: dict[str, dict[str, LockedPackage]] = {}
    staged: tuple[PackageLocked | PackageUnlocked, ...] = ()


_CONCERNING = frozenset(
    {
        PackageLocked,
        PackageUnlocked,
        ResolutionCompleted,
        LockAdopted,
        CommandStarted,
        CommandCompleted,
        CommandFailed,
    }
)


def evolve(lock: Lock, record: Record) -> Lock:
    """The lock after ``record``: five kinds of event concern it, no other does."""
    event = record.event
    if type(event) not in _CONCERNING:
        return lock
    match event:
        case PackageLocked() | PackageUnlocked():
            return msgspec.structs.replace(lock, staged=(*lock.staged, event))
        case ResolutionCompleted():
            targets = applied(lock, lock.staged, event.targets)
            return Lock(
                seq=record.seq,
                requirements=event.requirements,
                pylock=event.pylock,
                targets=targets,
            )
        case LockAdopted():
            targets = applied(lock, lock.staged, event.targets)
            return Lock(seq=record.seq, requirements="", pylock=event.sha256, targets=targets)
        case CommandStarted() | CommandCompleted() | CommandFailed():
            return msgspec.structs.replace(lock, staged=()) if lock.staged else lock
        case _:
            return lock


def applied(
    lock: Lock, changes: Iterable[PackageLocked | PackageUnlocked], names: tuple[str, ...]
) -> dict[str, dict[str, LockedPackage]]:
    """The targets ``names`` of the lock with ``changes`` made; other targets are left out."""
    targets = {name: dict(lock.targets.get(name, {})) for name in names}
    for staged in changes:
        packages = targets.get(staged.target)
        if packages is None:
            continue
        if isinstance(staged, PackageUnlocked):
            packages.pop(staged.name, None)
        else:
            packages[staged.name] = locked_package(staged)
    return targets


def locked_package(event: PackageLocked) -> LockedPackage:
    """The package that ``event`` puts into the lock."""
    return LockedPackage(
        name=event.name,
        version=event.version,
        index=event.index,
        extras=event.extras,
        groups=event.groups,
        requires_python=event.requires_python,
        dependencies=event.dependencies,
        files=event.files,
        source=event.source,
    )


def content_digest(lock: Lock) -> str:
    """SHA-256 over what the lock pins, in hexadecimal: equal locks, equal digests, however made."""
    if not lock.targets:
        return ""
    return sha256(msgspec.json.encode(lock.targets, order="deterministic")).hexdigest()
