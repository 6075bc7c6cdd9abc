"""``ppm trust add``: what a key signs counts in this project."""

from __future__ import annotations

from typing import Annotated

from ppm.commands.options import (
    Argument,
    JsonOption,
    ProjectOption,
    QuietOption,
    VerboseOption,
    option,
)
from ppm.commands.output import Console
from ppm.commands.session import changing
from ppm.engine.operations.trusting import trust_key
from ppm.engine.plain import clean_line


def trust_add(
    pub: Annotated[str, Argument("PUB", help="A public key (PEM), or `name+hash+key`.")],
    *,
    name: Annotated[str, option("--name", help="What to call it; by default as its file.")] = "",
    json_output: JsonOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    project: ProjectOption = None,
) -> None:
    """Trust a key: receipts that it signed hold without --pub."""
    console = Console(json_output=json_output, verbose=verbose, quiet=quiet)
    with changing("trust add", project, console) as change:
        added = trust_key(change.run, pub, name)
    told = "trusted" if added.changed else "already trusted, as"
    console.say(clean_line(f"{told} {added.name}, key {added.key}"))
    console.answer({"key": added.key, "name": added.name, "added": added.changed})
