"""``ppm provenance``: what was done, by whom, when and why."""

from __future__ import annotations

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
from ppm.projections.history import Operation, operations

_CHANGES_SHOWN = 6


def provenance(
    *,
    last: Annotated[int, option("--last", minimum=1, help="How many operations.")] = 10,
    everything: Annotated[bool, option("--all", help="Queries as well.")] = False,
    json_output: JsonOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    project: ProjectOption = None,
) -> None:
    """Show the last operations, newest first."""
    console = Console(json_output=json_output, verbose=verbose, quiet=quiet)
    with asking("provenance", project) as question:
        found = latest(operations(question.ledger.read()), last, everything=everything)
        console.answer([msgspec.to_builtins(operation) for operation in found])
        for line in table(found, verbose=verbose):
            console.say(line)


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
            one.note or "-",
            _changes(one, verbose=verbose),
        )
        for one in found
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])
        for row in rows
    ]


def _changes(operation: Operation, *, verbose: bool) -> str:
    shown = operation.changes if verbose else operation.changes[:_CHANGES_SHOWN]
    hidden = len(operation.changes) - len(shown)
    return ", ".join(shown) + (f", … {hidden} more" if hidden else "") or "-"
