"""``ppm redo``: one step forward again."""

from __future__ import annotations

import time

from ppm.commands.options import (
    IndexOption,
    JsonOption,
    NoteOption,
    OfflineOption,
    ProjectOption,
    QuietOption,
    VerboseOption,
)
from ppm.commands.output import Console
from ppm.commands.returning import tell_gone_back
from ppm.commands.session import changing
from ppm.engine.operations.goback import go_back
from ppm.engine.operations.observe import begin
from ppm.engine.operations.stepping import step_forward
from ppm.projections.steps import REDO


def redo(
    *,
    note: NoteOption = "",
    index_url: IndexOption = None,
    offline: OfflineOption = False,
    json_output: JsonOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    project: ProjectOption = None,
) -> None:
    """Take the last undo back; again for the one before it."""
    started = time.monotonic()
    console = Console(json_output=json_output, verbose=verbose, quiet=quiet)
    with changing(REDO, project, console, note=note) as change:
        manifest, runtime = begin(
            change.run, change.progress, index_url=index_url or "", offline=offline
        )
        step = step_forward(change.run, runtime.machine)
        outcome = go_back(change.run, runtime, manifest, step.point, name="")
    console.say(f"redid {step.verb} (events {step.seq} to {step.last_seq})")
    tell_gone_back(outcome, "", time.monotonic() - started, console, step)
