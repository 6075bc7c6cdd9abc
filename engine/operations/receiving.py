"""Holding a receipt against a file and against the keys that count; changes nothing."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import msgspec

from ppm.engine.hashing.single import FileDigest, digest_of_file
from ppm.engine.ports import Hasher
from ppm.engine.publickey import PublicKey
from ppm.engine.receipt import Receipt, SignedReceipt
from ppm.engine.redact import as_text
from ppm.events.trust import ReceiptVerified


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Why a receipt does not hold: a stable code and words."""

    code: str
    message: str


class ReceiptAudit(msgspec.Struct, frozen=True, kw_only=True):
    """A rightly signed receipt beside the file as it was found. No problems: it holds."""

    signed: SignedReceipt
    name: str
    seen: FileDigest
    problems: tuple[Problem, ...]

    @property
    def event(self) -> ReceiptVerified:
        """What was found, for the ledger."""
        return ReceiptVerified(
            name=self.name,
            size=self.seen.size,
            sha256=self.seen.sha256,
            device=self.seen.device,
            key=self.signed.signer.key_id,
            problems=tuple(one.code for one in self.problems),
        )


def verify_receipt(
    signed: SignedReceipt, file: Path, known: Collection[PublicKey], hasher: Hasher
) -> ReceiptAudit:
    """Read ``file`` and compare; the name in the receipt is no part of what is compared.

    Raises:
        StorageError: The file cannot be read.
    """
    seen = digest_of_file(file, hasher)
    problems = _file_problems(signed.receipt, seen)
    if signed.signer not in known:
        words = f"valid signature by an unknown key: {signed.signer.key_id}"
        problems = (*problems, Problem(code="RECEIPT_UNKNOWN_KEY", message=words))
    return ReceiptAudit(signed=signed, name=as_text(file.name), seen=seen, problems=problems)


def _file_problems(receipt: Receipt, seen: FileDigest) -> tuple[Problem, ...]:
    """A file of another size has another digest: only the first is told."""
    if seen.size != receipt.size:
        words = f"the file has {seen.size} bytes, the receipt is for {receipt.size}"
        return (Problem(code="RECEIPT_SIZE", message=words),)
    if seen.sha256 != receipt.sha256:
        words = f"the file's SHA-256 is {seen.sha256}, the receipt is for {receipt.sha256}"
        return (Problem(code="RECEIPT_DIGEST", message=words),)
    return ()
