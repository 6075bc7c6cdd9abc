"""Ledgers made of runs, for tests of what is folded from them."""

from __future__ import annotations

from ppm.engine.clock import SteppingClock
from ppm.engine.ledger.memory import MemoryLedger
from ppm.events.catalog import AnyEvent
from ppm.events.command import CommandCompleted, CommandFailed, CommandStarted
from ppm.events.envelope import Draft, Record
from ppm.events.environment import EnvironmentSwitched, PackageInstalled
from ppm.events.project import ManifestWritten, ProjectInitialized
from ppm.events.resolution import LockedFile, PackageLocked, ResolutionCompleted

MACHINE = "machine-1"
TARGET = "linux-x86_64-py3.11"


class Storyteller:
    """Appends one run after another to a ledger in memory, which begins with ``init``."""

    def __init__(self, name: str = "demo") -> None:
        self.ledger = MemoryLedger()
        self._clock = SteppingClock()
        self.run(
            "init",
            ProjectInitialized(ledger="ledger-1", name=name, manifest="pypm.toml"),
            written(),
        )

    @property
    def seq(self) -> int:
        """The last event's number."""
        return len(self.ledger.lines)

    def records(self) -> list[Record]:
        """All of it."""
        return list(self.ledger.read())

    def run(
        self,
        verb: str,
        *events: AnyEvent,
        argv: tuple[str, ...] = (),
        note: str = "",
        ends: str = "done",
    ) -> int:
        """One run of a command; ``ends`` is ``done``, ``cut short`` or the code of a failure.

        Returns:
            The ``seq`` of its first event.
        """
        first = self.seq + 1
        started = CommandStarted(verb=verb, argv=argv, note=note, ppm="0.1.0", python="3.11.7")
        last: tuple[AnyEvent, ...] = (CommandCompleted(duration_us=1_000),)
        if ends != "done":
            last = (CommandFailed(code=ends, message="it failed", duration_us=1_000),)
        self.append(started, *events, *(() if ends == "cut short" else last))
        return first

    def append(self, *events: AnyEvent, actor: str = "alice@laptop") -> None:
        """Events of one run."""
        run = self._clock.new_id()
        drafts = [
            Draft(
                id=self._clock.new_id(),
                time=self._clock.now(),
                run=run,
                actor=actor,
                event=event,
            )
            for event in events
        ]
        with self.ledger.writer() as writer:
            writer.append(drafts)


def written() -> ManifestWritten:
    """The manifest was written."""
    return ManifestWritten(path="pypm.toml", sha256="0" * 64)


def locked(
    name: str, version: str, previous: str = "", dependencies: tuple[str, ...] = ()
) -> PackageLocked:
    """A package entered the lock."""
    filename = f"{name}-{version}-py3-none-any.whl"
    file = LockedFile(
        filename=filename,
        url=f"https://index.example/{filename}",
        sha256=f"{name}-{version}",
        size=1,
        kind="wheel",
    )
    return PackageLocked(
        target=TARGET,
        name=name,
        version=version,
        previous=previous,
        index="https://index.example/simple/",
        extras=(),
        groups=("",),
        requires_python="",
        dependencies=dependencies,
        files=(file,),
        source="",
    )


def resolved() -> ResolutionCompleted:
    """The staged packages are the lock."""
    return ResolutionCompleted(
        targets=(TARGET,), requirements="r", pylock="p", packages=1, rounds=1, metadata=1
    )


def installed(
    name: str, version: str, previous: str = "", machine: str = MACHINE
) -> PackageInstalled:
    """A package is part of a generation."""
    return PackageInstalled(
        machine=machine,
        generation=f"{name}-{version}",
        name=name,
        version=version,
        previous=previous,
        sha256=f"{name}-{version}",
        requested=True,
    )


def switched(generation: str, machine: str = MACHINE) -> EnvironmentSwitched:
    """The environment is another one."""
    return EnvironmentSwitched(
        machine=machine, generation=generation, previous="", parent="", reason="apply"
    )
