"""Signing a checkpoint of the project's ledger."""

from __future__ import annotations

from pathlib import Path

from ppm.engine.errors import CheckpointError
from ppm.engine.keys import SigningKey
from ppm.engine.ledger.checkpoint import (
    SignedCheckpoint,
    read_checkpoint,
    read_signed,
    require_origin,
)
from ppm.engine.ledger.note import sign_note
from ppm.engine.ledger.verify import Examined, examine, require_extension
from ppm.engine.outputs import write_output
from ppm.engine.transaction import Transaction
from ppm.events.trust import CheckpointSigned


def sign_checkpoint(run: Transaction, key: SigningKey, out: Path | None) -> SignedCheckpoint:
    """Sign the ledger's size and root as of the beginning of this run, under the ledger's origin.

    Nothing is signed that contradicts what the ledger says was signed before, or the checkpoint
    that ``out`` holds, which is replaced.

    Raises:
        LedgerError: The ledger is not whole, or does not extend an earlier checkpoint.
        CheckpointError: ``out`` holds something else than a checkpoint of this ledger.
        StorageError: ``out`` cannot be written.
    """
    run.record(())  # The intent stands before the signature, and under it.
    found = examine(run.paths.ledger, run.ledger)
    if out is not None:
        _require_successor(out, found, run.paths.ledger)
    checkpoint = found.checkpoint()
    signed = read_signed(sign_note(checkpoint.text, found.origin, key))
    if out is not None:
        write_output(out, signed.data)
    run.record(
        [
            CheckpointSigned(
                key=str(key.named(found.origin)), seq=checkpoint.size, root=checkpoint.root.hex()
            )
        ]
    )
    return signed


def _require_successor(out: Path, found: Examined, ledger: Path) -> None:
    if not out.exists():
        return
    try:
        kept = read_checkpoint(out).checkpoint
        require_origin(kept, found.origin)
    except CheckpointError as error:
        raise CheckpointError(
            f"{out} exists and is no checkpoint of this ledger: {error.message}",
            hint="write the checkpoint to another file",
        ) from error
    require_extension(ledger, found, kept)
