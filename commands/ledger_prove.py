"""``ppm ledger prove``: show to somebody without the ledger that an event is in it."""

from __future__ import annotations

from typing import Annotated

from ppm.commands.options import (
    AgainstOption,
    Argument,
    JsonOption,
    OutOption,
    ProjectOption,
    QuietOption,
    VerboseOption,
)
from ppm.commands.output import Console
from ppm.commands.session import asking
from ppm.engine.ledger.checkpoint import read_checkpoint, require_origin
from ppm.engine.ledger.proof import prove
from ppm.engine.ledger.verify import examine, require_extension
from ppm.engine.outputs import write_output


def ledger_prove(
    *,
    seq: Annotated[int, Argument("SEQ", help="The event.")],
    against: AgainstOption = None,
    out: OutOption = None,
    json_output: JsonOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    project: ProjectOption = None,
) -> None:
    """Write the inclusion proof of one event: to a signed checkpoint, else to today's root."""
    console = Console(json_output=json_output, verbose=verbose, quiet=quiet)
    with asking("ledger prove", project) as question:
        path = question.paths.ledger
        signed = read_checkpoint(against) if against is not None else None
        found = examine(path, question.ledger)
        if signed is not None:
            require_origin(signed.checkpoint, found.origin)
            require_extension(path, found, signed.checkpoint)
        proof = prove(path, found, seq, signed)
        if out is not None:
            write_output(out, proof.render())
    checkpoint = proof.checkpoint
    if out is None:
        console.data(proof.render())
    else:
        console.say(f"proof of event {seq} of {checkpoint.size} written to {out}")
    if signed is None:
        console.warn("the proof leads to a root that nobody signed: --against names a checkpoint")
    console.answer(
        {
            "origin": checkpoint.origin,
            "seq": seq,
            "line": proof.line.decode(),
            "hashes": [one.hex() for one in proof.hashes],
            "size": checkpoint.size,
            "root": checkpoint.root.hex(),
            "signed": signed is not None,
            "file": None if out is None else str(out),
        }
    )
