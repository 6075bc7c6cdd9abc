"""``ppm provenance``: what was done, by whom, when and why."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import msgspec

from ppm.commands.options import (
    JsonOption,
    ProjectOption,
    QuietOption,
    VerboseOption,
    option,
)
from ppm.commands.output import Console
from ppm.commands.session import asking
from ppm.engine.ledger.tail import from_the_end
from ppm.engine.outputs import write_output
from ppm.engine.plain import clean_line
from ppm.engine.ports import Ledger
from ppm.events.envelope import Record
from ppm.projections.history import Operation, operations
from ppm.projections.project import Project, fold

_CHANGES_SHOWN = 6
_NOTE_SHOWN = 60
_LAST = 10


def provenance(
    *,
    last: Annotated[
        int | None,
        option("--last", minimum=1, help="How many operations: 10, with --html all by default."),
    ] = None,
    everything: Annotated[bool, option("--all", help="Queries as well.")] = False,
    html: Annotated[
        Path | None, option("--html", help="Write them as one self-contained page to this file.")
    ] = None,
    json_output: JsonOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    project: ProjectOption = None,
) -> None:
    """Show the last operations, newest first."""
    console = Console(json_output=json_output, verbose=verbose, quiet=quiet)
    with asking("provenance", project) as question:
        if html is not None:
            everyone = operations(question.ledger.read())
            found = latest(everyone, last or len(everyone), everything=everything)
            size = write_page(html, found[::-1], fold(question.ledger.read()))
            console.say(f"{html}: operations {len(found)}, bytes {size}")
            console.answer({"file": str(html), "operations": len(found), "size": size})
            return
        found = newest(question.ledger, last or _LAST, everything=everything)
        console.answer([msgspec.to_builtins(operation) for operation in found])
        for line in table(found, verbose=verbose):
            console.say(line)


def write_page(path: Path, found: list[Operation], folded: Project) -> int:
    """Write the history as a page; its size in bytes."""
    from ppm.engine.reports.history_page import History, history_page

    page = history_page(History(project=folded, operations=found))
    write_output(path, page)
    return len(page)


def newest(ledger: Ledger, count: int, *, everything: bool) -> list[Operation]:
    """As :func:`latest`, from as little of the ledger as has so many."""

    def last(records: Iterable[Record], whole: bool) -> list[Operation] | None:
        found = latest(operations(records, whole=whole), count, everything=everything)
        return found if whole or len(found) == count else None

    return from_the_end(ledger, last) or []


def latest(found: list[Operation], count: int, *, everything: bool) -> list[Operation]:
    """The newest ``count`` operations, newest first; queries only with ``everything``."""
    wanted = [one for one in found if everything or not one.query]
    return wanted[::-1][:count]


def table(found: list[Operation], *, verbose: bool) -> list[str]:
    """Aligned columns: seq, time, actor, command, status, note and what changed."""
    rows = [("SEQ", "TIME (UTC)", "ACTOR", "COMMAND", "STATUS", "NOTE", "CHANGES")]
    rows += [
        (
            str(one.seq),
            one.time[:19].replace("T", " "),
            one.actor,
            one.verb,
            one.status,
            _note(one, verbose=verbose),
            _changes(one, verbose=verbose),
        )
        for one in found
    ]
    cells = [[clean_line(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in list(zip(*cells, strict=True))[:-1]]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])
        for row in cells
    ]


def _note(operation: Operation, *, verbose: bool) -> str:
    note = operation.note or "-"
    return note if verbose or len(note) <= _NOTE_SHOWN else note[: _NOTE_SHOWN - 1] + "…"


def _changes(operation: Operation, *, verbose: bool) -> str:
    shown = operation.changes if verbose else operation.changes[:_CHANGES_SHOWN]
    hidden = len(operation.changes) - len(shown)
    return ", ".join(shown) + (f", … {hidden} more" if hidden else "") or "-"
