"""``ppm snapshots``: the named points of history."""

from __future__ import annotations

from ppm.commands.options import JsonOption, ProjectOption, QuietOption, VerboseOption
from ppm.commands.output import Console
from ppm.commands.session import asking


def snapshots(
    *,
    json_output: JsonOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    project: ProjectOption = None,
) -> None:
    """List snapshots, oldest first, one name a line."""
    console = Console(json_output=json_output, verbose=verbose, quiet=quiet)
    with asking("snapshots", project) as question:
        found = sorted(question.project().state.snapshots.items(), key=lambda item: item[1].seq)
        console.answer(
            [
                {
                    "name": name,
                    "seq": snapshot.seq,
                    "time": snapshot.time,
                    "packages": snapshot.packages,
                    "automatic": snapshot.automatic,
                    "generation": snapshot.generation,
                }
                for name, snapshot in found
            ]
        )
        for name, _ in found:
            console.say(name)
