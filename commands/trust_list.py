"""``ppm trust list``: whose signatures count in this project."""

from __future__ import annotations

from ppm.commands.options import JsonOption, ProjectOption, QuietOption, VerboseOption
from ppm.commands.output import Console
from ppm.commands.session import asking
from ppm.engine.plain import clean_line
from ppm.projections.project import fold


def trust_list(
    *,
    json_output: JsonOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    project: ProjectOption = None,
) -> None:
    """List the trusted keys: id, name, and the event since when."""
    console = Console(json_output=json_output, verbose=verbose, quiet=quiet)
    with asking("trust list", project) as question:
        # From the events, as `verify` does.
        keys = sorted(fold(question.ledger.read()).state.keys.items(), key=lambda pair: pair[1].seq)
    if not keys:
        console.say("no key is trusted: `ppm trust add PUB`")
    for key_id, one in keys:
        console.say(clean_line(f"{key_id}  {one.name}  event {one.seq}, {one.time}"))
    console.answer(
        {
            "keys": [
                {
                    "key": key_id,
                    "name": one.name,
                    "public_key": one.public_key,
                    "seq": one.seq,
                    "time": one.time,
                }
                for key_id, one in keys
            ]
        }
    )
