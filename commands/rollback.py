"""``ppm rollback``: back to a point of history."""

from __future__ import annotations

import time
from typing import Annotated

from ppm.commands.options import (
    Argument,
    IndexOption,
    JsonOption,
    NoteOption,
    OfflineOption,
    ProjectOption,
    QuietOption,
    VerboseOption,
    option,
)
from ppm.commands.output import Console
from ppm.commands.returning import name_of, tell_ahead, tell_gone_back
from ppm.commands.session import changing
from ppm.engine.errors import UsageError
from ppm.engine.moments import moment
from ppm.engine.operations.goback import before_last_apply, go_back
from ppm.engine.operations.observe import begin


def rollback(
    to: Annotated[str | None, Argument("NAME|SEQ|TIME", help="A point of history.")] = None,
    *,
    last: Annotated[
        bool, option("--last", help="Before the apply that made this environment.")
    ] = False,
    note: NoteOption = "",
    index_url: IndexOption = None,
    offline: OfflineOption = False,
    json_output: JsonOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    project: ProjectOption = None,
) -> None:
    """Bring requirements, lock and environment back to a point of history, by new events."""
    started = time.monotonic()
    if (to is None) != last:
        raise UsageError("name one point: NAME, SEQ, a time, or --last")
    console = Console(json_output=json_output, verbose=verbose, quiet=quiet)
    with changing("rollback", project, console, note=note) as change:
        manifest, runtime = begin(
            change.run, change.progress, index_url=index_url or "", offline=offline
        )
        if to is None:
            seq = before_last_apply(change.run, runtime.machine)
        else:
            seq = moment(to, change.run.project, change.run.ledger)
        name = to or name_of(change.run.project.state.snapshots, seq)
        outcome = go_back(change.run, runtime, manifest, seq, name=name)
    tell_gone_back(outcome, name, time.monotonic() - started, console)
    if last:
        target = runtime.interpreter.target.name
        tell_ahead(change.run.project, runtime.machine, target, console)
