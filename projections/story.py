"""The story of one package: who asked, which versions were locked and why those, when installed.

A pure fold. Package events count once their run has made them the lock or the environment.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ppm.events.command import CommandStarted
from ppm.events.envelope import Record
from ppm.events.environment import EnvironmentSwitched, PackageInstalled, PackageRemoved
from ppm.events.requirement import RequirementAdded
from ppm.events.resolution import (
    CandidateRejected,
    LockAdopted,
    PackageLocked,
    PackageUnlocked,
    ResolutionCompleted,
)
from ppm.events.snapshot import RollbackRequested


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """An event as somebody's act: which it is, when, by whom, in which run of which command."""

    seq: int
    time: str
    actor: str
    run: str
    verb: str
    argv: tuple[str, ...]
    note: str


class Passed(msgspec.Struct, frozen=True, kw_only=True):
    """A version that was passed over, and the reason."""

    version: str
    reason: str


class Locking(msgspec.Struct, frozen=True, kw_only=True):
    """The package came to a version, or left the lock (``version`` is ``""`` then).

    ``how`` is ``resolved``, ``adopted`` (from a ``pylock.toml`` of somebody else) or ``returned``
    (by a rollback). ``passed`` are the versions the resolver liked better and could not take.
    """

    deed: Deed
    version: str
    previous: str
    how: str
    passed: tuple[Passed, ...] = ()


class Installing(msgspec.Struct, frozen=True, kw_only=True):
    """The package came to a version in the environment, or left it (``version`` is ``""``).

    ``how`` is ``applied``, or ``returned`` (by a rollback).
    """

    deed: Deed
    version: str
    how: str


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """What happened, oldest first.

    ``asked`` maps each requirement that ever stood, of any name, by its group and text to the deed
    that brought it last. A rollback brings nothing of its own: the deed before it stays.
    """

    asked: dict[tuple[str, str], Deed]
    lockings: tuple[Locking, ...]
    installings: tuple[Installing, ...]


def story(records: Iterable[Record], name: str, machine: str, target: str = "") -> Story:
    """The story of the package ``name`` (normalised) on ``machine``.

    Where one command locked it for several targets, ``target`` is the one that is told of.
    """
    teller = _Teller(name, machine, target)
    for record in records:
        teller.take_in(record)
    return Story(
        asked=teller.asked,
        lockings=tuple(teller.lockings),
        installings=tuple(teller.installings),
    )


class _Teller:
    def __init__(self, name: str, machine: str, target: str) -> None:
        self._name = name
        self._machine = machine
        self._target = target
        self._command = CommandStarted(verb="", argv=(), note="", ppm="", python="")
        self._run = ""
        self._back = False
        self._locked: PackageLocked | PackageUnlocked | None = None
        self._installed: PackageInstalled | PackageRemoved | None = None
        self._passed: list[Passed] = []
        self.asked: dict[tuple[str, str], Deed] = {}
        self.lockings: list[Locking] = []
        self.installings: list[Installing] = []

    def take_in(self, record: Record) -> None:  # noqa: C901 - one branch an event
        match event := record.event:
            case CommandStarted():
                self._begin(record, event)
            case RollbackRequested():
                self._back = True
            case RequirementAdded():
                key = (event.group, event.requirement)
                if not (self._back and key in self.asked):
                    self.asked[key] = self._deed(record)
            case PackageLocked() | PackageUnlocked() if event.name == self._name:
                if self._locked is None or self._locked.target != self._target:
                    self._locked = event
            case CandidateRejected() if event.name == self._name:
                self._passed.append(Passed(version=event.version, reason=event.reason))
            case PackageInstalled() | PackageRemoved() if event.name == self._name:
                self._installed = event if event.machine == self._machine else self._installed
            case ResolutionCompleted():
                self._lock(record, "returned" if self._back else "resolved")
            case LockAdopted():
                self._lock(record, "adopted")
            case EnvironmentSwitched() if event.machine == self._machine:
                self._install(record)
            case _:
                pass

    def _begin(self, record: Record, event: CommandStarted) -> None:
        self._command, self._run, self._back = event, record.run, False
        self._locked = self._installed = None
        self._passed = []

    def _deed(self, record: Record) -> Deed:
        # The first command's own beginning stands after the first event of the ledger.
        known = record.run == self._run
        return Deed(
            seq=record.seq,
            time=record.time,
            actor=record.actor,
            run=record.run,
            verb=self._command.verb if known else "",
            argv=self._command.argv if known else (),
            note=self._command.note if known else "",
        )

    def _lock(self, record: Record, how: str) -> None:
        event, self._locked = self._locked, None
        passed, self._passed = tuple(self._passed), []
        if event is None:
            return
        version = event.version if isinstance(event, PackageLocked) else ""
        previous = event.previous if isinstance(event, PackageLocked) else event.version
        if version != previous:
            self.lockings.append(
                Locking(
                    deed=self._deed(record),
                    version=version,
                    previous=previous,
                    how=how,
                    passed=passed,
                )
            )

    def _install(self, record: Record) -> None:
        event, self._installed = self._installed, None
        if event is not None:
            version = event.version if isinstance(event, PackageInstalled) else ""
            how = "returned" if self._back else "applied"
            self.installings.append(Installing(deed=self._deed(record), version=version, how=how))
