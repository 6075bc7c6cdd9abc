"""Checkpoints of the ledger: its size and root at one moment (C2SP tlog-checkpoint).

    ppm/ledger/<the ledger's id>
    <number of events, decimal>
    <Merkle root over them, base64>

as the text of a signed note (:mod:`ppm.engine.ledger.note`).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

from ppm.engine.errors import CheckpointError
from ppm.engine.files import storage_errors
from ppm.engine.keys import VerifierKey, decode_base64
from ppm.engine.ledger.note import Note, parse_note, signers
from ppm.engine.ledger.tree import HASH_SIZE

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
_BODY_LINES = 3
_LARGEST_FILE = 1024 * 1024


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """What a checkpoint says: the first ``size`` lines of the ledger ``origin`` have this root.

    ``extensions`` are further lines, without meaning here.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The note's text."""
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode())
        return "".join(f"{line}\n" for line in (*lines, *self.extensions))


class SignedCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint as it was read, with its note. Not verified by being read."""

    checkpoint: Checkpoint
    note: Note
    data: bytes

    def signed_by(self, known: Iterable[VerifierKey]) -> tuple[VerifierKey, ...]:
        """As :func:`ppm.engine.ledger.note.signers`."""
        return signers(self.note, known)


def origin_of(ledger: str) -> str:
    """The origin line of the ledger with this id."""
    return f"ppm/ledger/{ledger}"


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint's note.

    Raises:
        CheckpointError: It is none.
    """
    lines = text.removesuffix("\n").split("\n")
    if not text.endswith("\n") or len(lines) < _BODY_LINES or not all(lines):
        raise _malformed("its text is not origin, size and root, each on a line of its own")
    origin, size, encoded, *extensions = lines
    if not _DECIMAL.fullmatch(size):
        raise _malformed(f"{size!r} is no size")
    try:
        root = decode_base64(encoded)
    except ValueError as error:
        raise _malformed(f"its root is {error}") from error
    if len(root) != HASH_SIZE:
        raise _malformed(f"its root has {len(root)} bytes, not {HASH_SIZE}")
    return Checkpoint(origin=origin, size=int(size), root=root, extensions=tuple(extensions))


def read_signed(data: bytes) -> SignedCheckpoint:
    """A checkpoint from the bytes of its note.

    Raises:
        CheckpointError: It is none.
    """
    note = parse_note(data)
    return SignedCheckpoint(checkpoint=parse_checkpoint(note.text), note=note, data=data)


def read_checkpoint(path: Path) -> SignedCheckpoint:
    """The checkpoint in the file ``path``.

    Raises:
        CheckpointError: It holds none.
        StorageError: It cannot be read.
    """
    with storage_errors(path), path.open("rb") as file:
        data = file.read(_LARGEST_FILE)
    try:
        return read_signed(data)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error.message}", code=error.code) from error


def require_origin(checkpoint: Checkpoint, origin: str) -> None:
    """Refuse a checkpoint of another ledger.

    Raises:
        CheckpointError: It is one.
    """
    if checkpoint.origin != origin:
        raise CheckpointError(
            f"the checkpoint is of {checkpoint.origin}, this ledger is {origin}",
            hint="compare a ledger with its own checkpoints; each `ppm init` begins a new ledger",
        )


def _malformed(reason: str) -> CheckpointError:
    return CheckpointError(f"no checkpoint: {reason}")
