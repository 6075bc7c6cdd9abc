"""How a verb runs: find the project, open the run, tell the outcome."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ppm.commands.output import Console, Progress
from ppm.engine.clock import SystemClock
from ppm.engine.errors import LedgerError, PpmError, ProjectError
from ppm.engine.ledger.file import has_records
from ppm.engine.ledger.lost import HINT, LINES_HINT, is_lost, lines_lost
from ppm.engine.manifest.read import find_project as climb
from ppm.engine.paths import ProjectPaths, home_paths
from ppm.engine.projector import load
from ppm.engine.transaction import (
    Invocation,
    Transaction,
    open_ledger,
    record_query,
    transaction,
)
from ppm.events.catalog import AnyEvent
from ppm.projections.project import Project


def actor() -> str:
    """``user@host`` as events name who acted."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid()) if hasattr(os, "getuid") else "unknown"
    return f"{user}@{_host() or 'localhost'}"


def _host() -> str:
    if hasattr(os, "uname"):
        return os.uname().nodename
    import platform

    return platform.node()


def invocation(verb: str, note: str = "") -> Invocation:
    """This process's command line as an invocation of ``verb``."""
    argv = tuple(sys.argv[1 + len(verb.split()) :])
    return Invocation(verb=verb, argv=argv, note=note, actor=actor())


def find_project(directory: Path | None) -> ProjectPaths:
    """The project in ``directory``, or the one found by climbing from the working directory.

    Raises:
        ProjectError: ``code="NO_PROJECT"`` where none has been initialised.
    """
    if directory is not None:
        found = ProjectPaths(directory.absolute())
        if directory.is_file():
            raise ProjectError(
                f"{directory} is a file, and a project is a folder",
                code="NO_PROJECT",
                hint=f"--project {directory.parent}",
            )
    else:
        found = ProjectPaths(climb(Path.cwd(), ppm_home=home_paths().root).path)
    if not has_records(found.ledger):
        if is_lost(found):
            raise ProjectError(
                f"the ledger {found.ledger} is missing or empty", code="NO_PROJECT", hint=HINT
            )
        raise ProjectError(
            f"{found.root} is no ppm project",
            code="NO_PROJECT",
            hint=f"run `ppm init` in {found.root}",
        )
    return found


def project_around(directory: Path | None) -> ProjectPaths | None:
    """As :func:`find_project`; None where nobody named one and there is none to be found.

    Raises:
        ProjectError: ``code="NO_PROJECT"``: the one that was named, or whose ``.ppm`` is there, has
            no history.
    """
    if directory is None:
        try:
            found = climb(Path.cwd(), ppm_home=home_paths().root)
        except ProjectError:
            return None
        if not found.initialized:
            return None
    return find_project(directory)


class Change:
    """An open command that changes the project."""

    def __init__(self, run: Transaction, clock: SystemClock, progress: Progress) -> None:
        self.run = run
        self.paths = run.paths
        self.clock = clock
        self.progress = progress


@contextmanager
def changing(
    verb: str, directory: Path | None, console: Console, *, note: str = ""
) -> Iterator[Change]:
    """The block is one run of ``verb`` that changes the project."""
    paths = find_project(directory)
    with changing_at(paths, verb, console, note=note) as change:
        yield change


@contextmanager
def changing_at(
    paths: ProjectPaths, verb: str, console: Console, *, note: str = ""
) -> Iterator[Change]:
    """As :func:`changing`, for a project that is known."""
    clock = SystemClock()
    progress = console.progress()

    def waiting() -> None:
        console.note("waiting for another ppm that is changing this project …")

    try:
        with transaction(paths, clock, invocation(verb, note), on_wait=waiting) as run:
            if run.lost is not None:
                console.warn(f"{lines_lost(*run.lost)} ({LINES_HINT})")
            yield Change(run, clock, progress)
    finally:
        progress.close()


class Question:
    """An open command that only reads."""

    def __init__(self, paths: ProjectPaths, clock: SystemClock) -> None:
        self.paths = paths
        self.clock = clock
        self.ledger = open_ledger(paths, clock, actor())
        self.found: tuple[AnyEvent, ...] = ()
        """What is to be recorded with the question, as far as it is an event of its own."""

    def project(self) -> Project:
        """The project as of the ledger's head."""
        return load(self.paths, self.ledger)


@contextmanager
def asking(verb: str, directory: Path | None) -> Iterator[Question]:
    """The block answers a question; that it did, or why not, is one ``query.answered``."""
    clock = SystemClock()
    started_us = clock.elapsed_us()
    question = Question(find_project(directory), clock)

    def record(code: str = "") -> None:
        duration_us = clock.elapsed_us() - started_us
        record_query(
            question.paths,
            clock,
            invocation(verb),
            duration_us=duration_us,
            code=code,
            found=question.found,
        )

    try:
        yield question
    except LedgerError:
        raise  # There is no ledger to record it in.
    except PpmError as error:
        record(error.code)
        raise
    record()


@contextmanager
def noting(verb: str) -> Iterator[None]:
    """The block needs no project; it is recorded as a query where it was run inside a whole one."""
    clock = SystemClock()
    started_us = clock.elapsed_us()
    yield
    duration_us = clock.elapsed_us() - started_us
    with suppress(ProjectError, LedgerError):  # What was done holds without a record, too.
        record_query(find_project(None), clock, invocation(verb), duration_us=duration_us)
