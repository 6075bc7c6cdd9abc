"""``ppm snapshot``: give this point of history a name."""

from __future__ import annotations

from typing import Annotated

from ppm.commands.options import (
    JsonOption,
    ProjectOption,
    QuietOption,
    VerboseOption,
    option,
)
from ppm.commands.output import Console
from ppm.commands.session import changing
from ppm.engine.environment.machine import machine_id
from ppm.engine.paths import home_paths
from ppm.engine.snapshots import take


def snapshot(
    *,
    name: Annotated[str, option("--name", help="Letters, digits, '.', '_' and '-'.")],
    json_output: JsonOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    project: ProjectOption = None,
) -> None:
    """Name the project's present state, so that `ppm rollback NAME` leads back to it."""
    console = Console(json_output=json_output, verbose=verbose, quiet=quiet)
    with changing("snapshot", project, console) as change:
        events = take(change.run.project, name, machine_id(home_paths().root))
        change.run.record(events)
        taken = change.run.project.state.snapshots[name]
    outcome = "taken" if events else "stands already"
    console.say(f"snapshot {name} {outcome}: event {taken.seq}, {taken.packages} packages")
    console.answer(
        {"name": name, "seq": taken.seq, "packages": taken.packages, "taken": bool(events)}
    )
