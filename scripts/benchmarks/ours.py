"""The facts of ``history`` in PPM's ledger; prints seconds as JSON. Beside ``sourced``.

python ours.py append FOLDER EVENTS BATCH     one write and one sync a batch
python ours.py replay FOLDER EVENTS           the project from the lines of ``lay``
python ours.py load FOLDER                    the same from its projections
python ours.py lay FOLDER EVENTS              write lines and projections, not measured
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import msgspec
from benchmarks.history import Fact, lines, numbered

from ppm.engine.clock import SystemClock
from ppm.engine.ledger.file import FileLedger
from ppm.engine.paths import ProjectPaths
from ppm.engine.projector import load as load_project
from ppm.engine.projector import write
from ppm.events.catalog import EVENTS, AnyEvent
from ppm.events.envelope import Draft
from ppm.projections.project import Project, fold

CLOCK = SystemClock()


def ledger_in(folder: str) -> tuple[ProjectPaths, FileLedger]:
    """The project in ``folder`` and its ledger."""
    paths = ProjectPaths(Path(folder))
    paths.data.mkdir(exist_ok=True)
    return paths, FileLedger(paths.ledger, paths.write_lock, clock=CLOCK, actor="user@host")


def append(folder: str, events: int, batch: int) -> Callable[[], None]:
    """Append the first ``events`` facts, ``batch`` at once."""
    _, ledger = ledger_in(folder)
    facts = numbered(events)

    def work() -> None:
        with ledger.writer() as writer:
            for start in range(0, events, batch):
                writer.append([draft(str(run), fact) for run, fact in facts[start : start + batch]])

    return work


def draft(run: str, fact: Fact) -> Draft:
    """The event of a fact, as it happens now."""
    word, data = fact
    event = cast("AnyEvent", msgspec.convert(data, EVENTS[word]))
    return Draft(id=CLOCK.new_id(), time=CLOCK.now(), run=run, actor="user@host", event=event)


def lay(folder: str, events: int) -> Callable[[], None]:
    """Write the ledger of the first ``events`` facts, and its projections."""
    paths, ledger = ledger_in(folder)

    def work() -> None:
        with paths.ledger.open("wb") as file:
            file.writelines(lines(events))
        write(paths, fold(ledger.read()))

    return work


def replay(folder: str, events: int) -> Callable[[], None]:
    """Fold every line, each checked for its form and its place in the chain."""
    _, ledger = ledger_in(folder)

    def work() -> None:
        _require(fold(ledger.read()), events)

    return work


def load(folder: str) -> Callable[[], None]:
    """Load state and lock from the projections, as a command does that finds nothing new."""
    paths, ledger = ledger_in(folder)
    events = load_project(paths, ledger).head.seq

    def work() -> None:
        _require(load_project(paths, ledger), events)

    return work


def _require(project: Project, events: int) -> None:
    """Questions at the very end do not move the project's head."""
    if not events - 3 <= project.head.seq <= events:
        sys.exit(f"{project.head.seq} events were folded, not {events}")


def main() -> None:
    """Run one of them and tell how long it took."""
    verb, folder, *numbers = sys.argv[1:]
    verbs: dict[str, Callable[..., Callable[[], None]]] = {
        "append": append,
        "replay": replay,
        "load": load,
        "lay": lay,
    }
    work = verbs[verb](folder, *map(int, numbers))
    began, processor = time.perf_counter(), time.process_time()
    work()
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - processor
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds}))


if __name__ == "__main__":
    main()
