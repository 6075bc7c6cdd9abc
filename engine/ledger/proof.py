"""Proofs that a line stands in the ledger (C2SP tlog-proof).

    c2sp.org/tlog-proof@v1
    extra <the line, base64>
    index <its seq less one>
    <base64 of each hash from the leaf's sibling to the root's child>
    <empty line>
    <the checkpoint>

A proof over a root that nobody signed ends in the text of the checkpoint alone.
"""

from __future__ import annotations

import base64
import re
from pathlib import Path

import msgspec

from ppm.engine.errors import CheckpointError, LedgerError
from ppm.engine.files import storage_errors
from ppm.engine.keys import decode_base64
from ppm.engine.ledger.checkpoint import (
    Checkpoint,
    SignedCheckpoint,
    parse_checkpoint,
    read_signed,
)
from ppm.engine.ledger.tree import HASH_SIZE, includes
from ppm.engine.ledger.verify import Examined

_FIRST_LINE = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")
_LARGEST_FILE = 16 * 1024 * 1024


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """A line, its place, the hashes to the root, and the checkpoint that has the root.

    ``signed`` is None where the checkpoint is not signed. Nothing of it is verified by being read.
    """

    line: bytes
    index: int
    hashes: tuple[bytes, ...]
    checkpoint: Checkpoint
    signed: SignedCheckpoint | None = None

    def render(self) -> bytes:
        """The bytes of the proof file."""
        lines = [
            _FIRST_LINE,
            f"extra {base64.b64encode(self.line).decode()}",
            f"index {self.index}",
            *(base64.b64encode(one).decode() for one in self.hashes),
            "",
            "",
        ]
        end = self.signed.data if self.signed is not None else self.checkpoint.text.encode()
        return "\n".join(lines).encode() + end

    def require_inclusion(self) -> None:
        """Check that the hashes lead from the line to the checkpoint's root.

        Raises:
            CheckpointError: They do not.
        """
        root, size = self.checkpoint.root, self.checkpoint.size
        if not includes(self.line, self.index, size, self.hashes, root):
            raise CheckpointError(
                f"the proof does not lead from this line to the root of its checkpoint over {size} "
                "lines: the line, its place, or the checkpoint is another"
            )


def prove(path: Path, found: Examined, seq: int, signed: SignedCheckpoint | None = None) -> Proof:
    """The proof that line ``seq`` of the examined ledger at ``path`` is under a root.

    Args:
        path: The ledger's file.
        found: What examining it found.
        seq: The line, from 1.
        signed: A checkpoint that the ledger extends; its whole as of now by default.

    Raises:
        LedgerError: ``code="UNKNOWN_EVENT"`` where there is no such line under it.
    """
    checkpoint = signed.checkpoint if signed is not None else found.checkpoint()
    if not 1 <= seq <= checkpoint.size:
        under = "the checkpoint is over" if signed is not None else "the ledger has"
        raise LedgerError(
            f"no event {seq} to prove: {under} events 1 to {checkpoint.size}",
            code="UNKNOWN_EVENT",
        )
    return Proof(
        line=_line(path, seq),
        index=seq - 1,
        hashes=tuple(found.tree.inclusion(seq - 1, checkpoint.size)),
        checkpoint=checkpoint,
        signed=signed,
    )


def _line(path: Path, seq: int) -> bytes:
    with storage_errors(path), path.open("rb") as file:
        for _ in range(seq - 1):
            file.readline()
        return file.readline()[:-1]


def read_proof(path: Path) -> Proof:
    """The proof in the file ``path``.

    Raises:
        CheckpointError: It holds none, or one without the line it is about.
        StorageError: It cannot be read.
    """
    with storage_errors(path), path.open("rb") as file:
        data = file.read(_LARGEST_FILE)
    try:
        return parse_proof(data)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error.message}", code=error.code) from error


def parse_proof(data: bytes) -> Proof:
    """Read the bytes of a proof file.

    Raises:
        CheckpointError: They are none, or name no line.
    """
    head, separator, end = data.partition(b"\n\n")
    if not separator:
        raise _malformed("it holds no checkpoint")
    try:
        first, extra, index, *hashes = head.decode("ascii").split("\n")
    except ValueError as error:
        raise _malformed("it has too few lines") from error
    place = _INDEX.fullmatch(index)
    if first != _FIRST_LINE or not extra.startswith("extra ") or place is None:
        raise _malformed("its first lines are not its kind, `extra` and `index`")
    signed = read_signed(end) if b"\n\n" in end else None
    return Proof(
        line=_decoded(extra.removeprefix("extra ")),
        index=int(place[1]),
        hashes=tuple(_hash(one) for one in hashes),
        checkpoint=signed.checkpoint if signed is not None else _unsigned(end),
        signed=signed,
    )


def _unsigned(data: bytes) -> Checkpoint:
    try:
        return parse_checkpoint(data.decode())
    except UnicodeDecodeError as error:
        raise _malformed("its checkpoint is not UTF-8") from error


def _hash(text: str) -> bytes:
    digest = _decoded(text)
    if len(digest) != HASH_SIZE:
        raise _malformed(f"a hash has {len(digest)} bytes, not {HASH_SIZE}")
    return digest


def _decoded(text: str) -> bytes:
    try:
        return decode_base64(text)
    except ValueError as error:
        raise _malformed(str(error)) from error


def _malformed(reason: str) -> CheckpointError:
    return CheckpointError(f"no proof: {reason}")
