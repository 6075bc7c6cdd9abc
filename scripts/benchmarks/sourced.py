"""The facts of ``history`` in the `eventsourcing` library with SQLite; prints seconds as JSON.

    python sourced.py append FOLDER EVENTS BATCH     one transaction a batch, synced
    python sourced.py replay FOLDER EVENTS           the project from what append has stored

Run by ``ledger`` in an environment that has the library. One domain event a fact, which carries the
fact's type word and data; the aggregate folds them to requirements, lock, environment and snapshots
as PPM does, in place, with the most direct code. The library's JSON transcoder and its SQLite
recorder stand as they come: a file, write-ahead log, ``synchronous`` at its default FULL.
"""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from benchmarks.history import numbered
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate

_PROJECT = uuid.UUID(int=1)


class Project(Aggregate):
    """Requirements, lock, environment and snapshots."""

    class Recorded(Aggregate.Event):
        """A fact."""

        word: str
        data: dict[str, Any]
        run: int
        actor: str

        def apply(self, aggregate: Aggregate) -> None:
            """Fold it in."""
            cast("Project", aggregate).fold(self.word, self.data)

    def __init__(self) -> None:
        self.requirements: dict[str, str] = {}
        self.locked: dict[str, dict[str, Any]] = {}
        self.installed: dict[str, dict[str, Any]] = {}
        self.generations: dict[str, dict[str, Any]] = {}
        self.snapshots: dict[str, dict[str, Any]] = {}
        self.active = ""
        self.staged: list[tuple[str, dict[str, Any]]] = []

    @classmethod
    def create_id(cls) -> uuid.UUID:
        """There is one."""
        return _PROJECT

    def fold(self, word: str, data: dict[str, Any]) -> None:
        """What a fact changes."""
        match word:
            case "requirement.added/1":
                self.requirements[data["requirement"]] = data["name"]
            case "package.locked/1" | "package.installed/1":
                self.staged.append((word, data))
            case "resolution.completed/1":
                self._commit(self.locked)
            case "environment.switched/1":
                self._commit(self.installed)
                self.active = data["generation"]
            case "generation.built/1":
                self.generations[data["generation"]] = data
            case "snapshot.taken/1":
                self.snapshots[data["name"]] = data
            case "command.started/1" | "command.completed/1":
                self.staged.clear()

    def _commit(self, into: dict[str, dict[str, Any]]) -> None:
        into.update((data["name"], data) for _, data in self.staged)
        self.staged.clear()


def application(folder: str) -> Application[uuid.UUID]:
    """The library's application over a database in ``folder``."""
    os.environ["PERSISTENCE_MODULE"] = "eventsourcing.sqlite"
    os.environ["SQLITE_DBNAME"] = str(Path(folder, "facts.sqlite"))
    return Application()


def append(folder: str, events: int, batch: int) -> Callable[[], None]:
    """Store the first ``events`` facts, ``batch`` a transaction."""
    app = application(folder)
    facts = numbered(events)

    def work() -> None:
        project = Project()
        app.save(project)
        for start in range(0, events, batch):
            for run, (word, data) in facts[start : start + batch]:
                project.trigger_event(
                    Project.Recorded, word=word, data=data, run=run, actor="user@host"
                )
            app.save(project)

    return work


def replay(folder: str, events: int) -> Callable[[], None]:
    """Fold all that is stored."""
    app = application(folder)

    def work() -> None:
        project: Project = app.repository.get(_PROJECT)
        if project.version != events + 1:
            sys.exit(f"{project.version - 1} events were folded, not {events}")

    return work


def main() -> None:
    """Run one of the two and tell how long it took."""
    verb, folder, *numbers = sys.argv[1:]
    verbs: dict[str, Callable[..., Callable[[], None]]] = {"append": append, "replay": replay}
    work = verbs[verb](folder, *map(int, numbers))
    began, processor = time.perf_counter(), time.process_time()
    work()
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - processor
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds}))


if __name__ == "__main__":
    main()
