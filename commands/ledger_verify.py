"""``ppm ledger verify``: is the ledger whole, and does it extend what was signed before?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from ppm.commands.options import (
    AgainstOption,
    JsonOption,
    ProjectOption,
    PubOption,
    QuietOption,
    VerboseOption,
    option,
)
from ppm.commands.output import Console
from ppm.commands.session import asking, noting
from ppm.engine.errors import CheckpointError, UsageError
from ppm.engine.keys import find_verifier
from ppm.engine.ledger.checkpoint import SignedCheckpoint, read_checkpoint, require_origin
from ppm.engine.ledger.proof import Proof, read_proof
from ppm.engine.ledger.verify import Examined, examine, require_extension


def ledger_verify(
    *,
    against: AgainstOption = None,
    pub: PubOption = None,
    proof: Annotated[
        Path | None, option("--proof", help="Check this proof, not the ledger; needs no project.")
    ] = None,
    json_output: JsonOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    project: ProjectOption = None,
) -> None:
    """Check each line of the ledger, and that it extends a checkpoint that was kept elsewhere."""
    console = Console(json_output=json_output, verbose=verbose, quiet=quiet)
    keys = pub or []
    if proof is not None:
        with noting("ledger verify"):
            _verify_proof(proof, against, keys, console)
        return
    if keys and against is None:
        raise UsageError("--pub tells who signed the checkpoint: it needs --against or --proof")
    with asking("ledger verify", project) as question:
        path = question.paths.ledger
        kept = read_checkpoint(against) if against is not None else None
        found = examine(path, question.ledger)
        names: list[str] = []
        if kept is not None:
            require_origin(kept.checkpoint, found.origin)
            names = _signers(kept, keys)
            require_extension(path, found, kept.checkpoint)
        _tell(found, kept, names, console)


def _signers(kept: SignedCheckpoint, keys: Sequence[str]) -> list[str]:
    if not keys:
        return []
    known = [find_verifier(key, kept.checkpoint.origin) for key in keys]
    return [str(key) for key in kept.signed_by(known)]


def _tell(
    found: Examined, kept: SignedCheckpoint | None, names: Sequence[str], console: Console
) -> None:
    root = found.tree.root().hex()
    console.say(f"{found.tree.size} events, head {found.head.digest[:16]}…, root {root[:16]}…")
    if found.unfinished:
        console.warn(f"{found.unfinished} bytes follow the last line: one being written, or torn")
    if kept is not None:
        console.say(f"extends the checkpoint over {kept.checkpoint.size} events")
        _tell_signers(names, console)
    console.answer(
        {
            "ok": True,
            "origin": found.origin,
            "size": found.tree.size,
            "head": found.head.digest,
            "root": root,
            "checkpoints": len(found.signed),
            "unfinished": found.unfinished,
            "against": None if kept is None else _checkpoint_document(kept, names),
        }
    )


def _tell_signers(names: Sequence[str], console: Console) -> None:
    for name in names:
        console.say(f"signed by {name}")
    if not names:
        console.warn("its signature was not checked: name the key with --pub")


def _checkpoint_document(kept: SignedCheckpoint, names: Sequence[str]) -> dict[str, Any]:
    checkpoint = kept.checkpoint
    return {"size": checkpoint.size, "root": checkpoint.root.hex(), "signed_by": list(names)}


def _verify_proof(path: Path, against: Path | None, keys: Sequence[str], console: Console) -> None:
    if against is None and not keys:
        raise UsageError("a proof proves nothing alone: --proof needs --pub or --against")
    proof = read_proof(path)
    names = _anchor(proof, against, keys)
    proof.require_inclusion()
    checkpoint = proof.checkpoint
    console.say(f"event {proof.index + 1} of {checkpoint.size} of {checkpoint.origin}:")
    console.say(proof.line.decode("utf-8", "replace"))
    for name in names:
        console.say(f"signed by {name}")
    console.answer(
        {
            "ok": True,
            "origin": checkpoint.origin,
            "seq": proof.index + 1,
            "line": proof.line.decode("utf-8", "replace"),
            "size": checkpoint.size,
            "root": checkpoint.root.hex(),
            "signed_by": names,
        }
    )


def _anchor(proof: Proof, against: Path | None, keys: Sequence[str]) -> list[str]:
    """Who signed the proof's checkpoint, or nobody where it is the one that was kept."""
    names: list[str] = []
    if keys:
        if proof.signed is None:
            raise CheckpointError("the proof's checkpoint is not signed")
        names = _signers(proof.signed, keys)
    if against is not None:
        kept = read_checkpoint(against).checkpoint
        if kept != proof.checkpoint:
            raise CheckpointError(f"the proof leads to another checkpoint than {against}")
    return names
