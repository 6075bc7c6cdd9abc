"""``ppm ledger export``: a copy of the ledger, checked line by line."""

from __future__ import annotations

from ppm.commands.options import (
    JsonOption,
    OutOption,
    ProjectOption,
    QuietOption,
    VerboseOption,
)
from ppm.commands.output import Console
from ppm.commands.session import asking
from ppm.engine.files import storage_errors
from ppm.engine.ledger.verify import examine
from ppm.engine.outputs import write_output


def ledger_export(
    *,
    out: OutOption = None,
    json_output: JsonOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    project: ProjectOption = None,
) -> None:
    """Check the ledger and copy its lines, byte by byte, to standard output or a file."""
    console = Console(json_output=json_output, verbose=verbose, quiet=quiet)
    with asking("ledger export", project) as question:
        path = question.paths.ledger
        found = examine(path, question.ledger)
        with storage_errors(path), path.open("rb") as file:
            data = file.read(found.head.end)
        if out is not None:
            write_output(out, data)
    if out is None:
        console.data(data)
    else:
        console.say(f"{found.tree.size} events written to {out}")
    console.answer(
        {
            "origin": found.origin,
            "size": found.tree.size,
            "head": found.head.digest,
            "root": found.tree.root().hex(),
            "file": None if out is None else str(out),
            "lines": data.decode().split("\n")[:-1] if out is None else None,
        }
    )
