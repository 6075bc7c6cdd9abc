"""``ppm ledger checkpoint``: sign what the ledger says today."""

from __future__ import annotations

from ppm.commands.options import (
    JsonOption,
    OutOption,
    ProjectOption,
    QuietOption,
    SecretKeyOption,
    VerboseOption,
)
from ppm.commands.output import Console
from ppm.commands.passphrase import ask_passphrase
from ppm.commands.session import changing
from ppm.engine.keys import load_private
from ppm.engine.operations.checkpoint import sign_checkpoint


def ledger_checkpoint(
    *,
    sk: SecretKeyOption,
    out: OutOption = None,
    json_output: JsonOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    project: ProjectOption = None,
) -> None:
    """Sign the size and the Merkle root of the ledger; keep the result where this ledger is not."""
    console = Console(json_output=json_output, verbose=verbose, quiet=quiet)
    with changing("ledger checkpoint", project, console) as change:
        key = load_private(sk, ask_passphrase)
        signed = sign_checkpoint(change.run, key, out)
    checkpoint = signed.checkpoint
    verifier = str(key.named(checkpoint.origin))
    if out is None:
        console.data(signed.data)
    else:
        console.say(f"checkpoint over {checkpoint.size} events written to {out}")
        console.say(f"verifier key {verifier}")
    console.answer(
        {
            "origin": checkpoint.origin,
            "size": checkpoint.size,
            "root": checkpoint.root.hex(),
            "key": verifier,
            "note": signed.data.decode(),
            "file": None if out is None else str(out),
        }
    )
