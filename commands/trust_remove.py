"""``ppm trust remove``: what a key signs no longer counts in this project."""

from __future__ import annotations

from typing import Annotated

from ppm.commands.options import Argument, JsonOption, ProjectOption, QuietOption, VerboseOption
from ppm.commands.output import Console
from ppm.commands.session import changing
from ppm.engine.operations.trusting import distrust_key
from ppm.engine.plain import clean_line


def trust_remove(
    pub: Annotated[str, Argument("PUB", help="The public key, or its id.")],
    *,
    json_output: JsonOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    project: ProjectOption = None,
) -> None:
    """End the trust in a key; what it signed before counts no longer either."""
    console = Console(json_output=json_output, verbose=verbose, quiet=quiet)
    with changing("trust remove", project, console) as change:
        removed = distrust_key(change.run, pub)
    if removed.changed:
        console.say(clean_line(f"no longer trusted: {removed.name}, key {removed.key}"))
    else:
        console.say(f"not trusted before either: key {removed.key}")
    console.answer({"key": removed.key, "name": removed.name, "removed": removed.changed})
