"""One command's run in a project: load, decide, append, project.

A transaction owns the run. The first events it records take ``command.started`` with them, so that
an intent is on the disk before its effect; leaving it appends ``command.completed`` or
``command.failed`` and writes the projections.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

import msgspec

from ppm.engine.errors import Interrupted, PpmError, ProjectError, StorageError
from ppm.engine.files import remove_temporaries
from ppm.engine.ledger.file import FileLedger
from ppm.engine.locks import exclusive
from ppm.engine.manifest.shared import is_shared
from ppm.engine.paths import ProjectPaths
from ppm.engine.ports import Clock, Ledger
from ppm.engine.projector import load_both, lost_place, write
from ppm.engine.redact import as_text, redact_argv, redact_text
from ppm.engine.version import VERSION
from ppm.events.catalog import AnyEvent
from ppm.events.command import CommandCompleted, CommandFailed, CommandStarted, QueryAnswered
from ppm.events.envelope import Draft, Record
from ppm.projections.project import Project, evolve, fold

_MESSAGE_LIMIT = 2_000
_OPERATION_TIMEOUT_S = 600.0
_WRITTEN_AT_ROOT = (
    "pylock.toml",
    "pypm.toml",
    "pyproject.toml",
    ".gitignore",
    ".gitattributes",
    "venv",
)
_REBUILT = ("state.json", "lock.json", "ledger.seen")


class Invocation(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked, and by whom."""

    verb: str
    argv: tuple[str, ...] = ()
    note: str = ""
    actor: str


class Transaction:
    """The open run of a command that changes a project; made by :func:`transaction`."""

    def __init__(
        self, paths: ProjectPaths, ledger: Ledger, clock: Clock, invocation: Invocation
    ) -> None:
        self.paths = paths
        self.run = clock.new_id()
        self.project, self._written = load_both(paths, ledger)
        self.lost = lost_place(paths, ledger) if self._written is None else None
        """The place that projections tell of, if the ledger lost it, and the ledger's size."""
        self.ledger = ledger
        self.clock = clock
        self._actor = invocation.actor
        self._started_us = clock.elapsed_us()
        self._opening: tuple[AnyEvent, ...] = (
            CommandStarted(
                verb=invocation.verb,
                argv=redact_argv(invocation.argv),
                note=redact_text(as_text(invocation.note)),
                ppm=VERSION,
                python=".".join(map(str, sys.version_info[:3])),
            ),
        )

    def record(self, events: Sequence[AnyEvent]) -> tuple[Record, ...]:
        """Append ``events``; on return they are on the disk and folded into :attr:`project`.

        Raises:
            StorageError: They may not be on the disk.
            LedgerError: The ledger is corrupt or kept by another writer.
        """
        drafts = [
            Draft(
                id=self.clock.new_id(),
                time=self.clock.now(),
                run=self.run,
                actor=self._actor,
                event=event,
            )
            for event in (*self._opening, *events)
        ]
        if not drafts:
            return ()
        with self.ledger.writer() as writer:
            if writer.head != self.project.head:
                self._catch_up()
            records = writer.append(_first_things_first(drafts, self.project))
        self._opening = ()
        for record in records:
            self.project = evolve(self.project, record)
        return records

    def _catch_up(self) -> None:
        """Fold what others appended since: queries, and the repair of a torn tail."""
        self.project = fold(self.ledger.read(self.project.head), self.project)

    def complete(self) -> None:
        """Append the completion and write the projections."""
        self.record([CommandCompleted(duration_us=self._duration_us())])
        write(self.paths, self.project, before=self._written)

    def fail(self, error: PpmError) -> None:
        """Append the failure and write the projections; the caller raises ``error`` afterwards.

        An ``init`` that fails before the project has begun leaves no line: the first one says that
        there is a project, and the next ``init`` has to see that there is none.
        """
        if not self.project.head.seq:
            return
        failed = CommandFailed(
            code=error.code,
            message=redact_text(as_text(error.message))[:_MESSAGE_LIMIT],
            duration_us=self._duration_us(),
        )
        try:
            self.record([failed])
            write(self.paths, self.project, before=self._written)
        except PpmError as second:
            # A full or failing disk cannot take the record of its own failure.
            error.add_note(f"and the failure could not be recorded: {second.message}")

    def _duration_us(self) -> int:
        return self.clock.elapsed_us() - self._started_us


def _first_things_first(drafts: list[Draft], project: Project) -> list[Draft]:
    """``project.initialized`` is the first line of every ledger, also before its own command's."""
    if project.head.seq:
        return drafts
    return sorted(drafts, key=lambda draft: draft.event.type != "project.initialized/1")


def open_ledger(paths: ProjectPaths, clock: Clock, actor: str) -> FileLedger:
    """The project's ledger.

    Raises:
        ProjectError: ``code="LINKED"``: a part of ``.ppm`` is a link.
    """
    paths.refuse_links()
    return FileLedger(paths.ledger, paths.write_lock, clock=clock, actor=actor)


@contextmanager
def transaction(
    paths: ProjectPaths,
    clock: Clock,
    invocation: Invocation,
    *,
    on_wait: Callable[[], None] | None = None,
) -> Iterator[Transaction]:
    """Run the block as one command; its exceptions become ``command.failed``.

    One command at a time changes a project: another waits here. Only :class:`PpmError` and
    interruption are expected; anything else is recorded as ``INTERNAL`` and raised as it is.

    Raises:
        ProjectError: ``code="NO_PROJECT"`` where there is no ``.ppm``.
    """
    if not paths.data.is_dir():
        raise ProjectError(
            f"{paths.root} is not a ppm project",
            code="NO_PROJECT",
            hint="run `ppm init` first",
        )
    paths.refuse_links()
    with exclusive(paths.operation_lock, timeout_s=_OPERATION_TIMEOUT_S, on_wait=on_wait):
        _clear_away(paths)
        run = Transaction(paths, open_ledger(paths, clock, invocation.actor), clock, invocation)
        try:
            yield run
        except PpmError as error:
            run.fail(error)
            raise
        except KeyboardInterrupt as stop:
            stopped = interrupted()
            run.fail(stopped)
            raise stopped from stop
        except Exception as bug:
            run.fail(PpmError(f"{type(bug).__name__}: {bug}", code="INTERNAL"))
            raise
        run.complete()


def _clear_away(paths: ProjectPaths) -> None:
    """Remove the temporary files of killed commands. The lock is ours: nobody writes one now."""
    remove_temporaries(paths.root, _WRITTEN_AT_ROOT)
    remove_temporaries(paths.data, _REBUILT)
    remove_temporaries(paths.snapshots)


@contextmanager
def quiescent(paths: ProjectPaths) -> Iterator[None]:
    """No command changes the project while the block runs, as far as this process may lock it.

    On a project that cannot be written to, nothing can change it either.
    """
    with ExitStack() as stack:
        with suppress(StorageError):
            stack.enter_context(exclusive(paths.operation_lock, timeout_s=_OPERATION_TIMEOUT_S))
        yield


def interrupted() -> Interrupted:
    """The error a stop by the user becomes."""
    return Interrupted(
        "stopped before it was done; nothing is half-done",
        hint="run the command again to finish it",
    )


def record_query(
    paths: ProjectPaths,
    clock: Clock,
    invocation: Invocation,
    *,
    duration_us: int,
    code: str = "",
    found: Sequence[AnyEvent] = (),
) -> bool:
    """Write the one event of a command that only read, after what it found; not synced.

    ``code`` is the error's where the command could not answer.

    Returns:
        False where it is not recorded: in a ledger that a team commits, and where the project
        cannot be written to. Queries work there, too.

    Raises:
        LedgerError: The ledger is corrupt.
    """
    if is_shared(paths.root):
        return False
    answered = QueryAnswered(
        verb=invocation.verb,
        argv=redact_argv(invocation.argv),
        code=code,
        duration_us=duration_us,
    )
    run = clock.new_id()
    drafts = [
        Draft(
            id=clock.new_id(),
            time=clock.now(),
            run=run,
            actor=invocation.actor,
            event=event,
        )
        for event in (*found, answered)
    ]
    try:
        with open_ledger(paths, clock, invocation.actor).writer() as writer:
            writer.append(drafts, sync=False)
    except StorageError:
        return False
    return True
