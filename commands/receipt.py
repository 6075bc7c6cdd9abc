"""``ppm verify --receipt``: is a file the one that somebody signed for, and who was it?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from ppm.commands.output import Console
from ppm.commands.session import Question, asking, project_around
from ppm.engine.errors import ReceiptError
from ppm.engine.hashing.cpu import CpuHasher
from ppm.engine.keys import find_verifier
from ppm.engine.operations.receiving import ReceiptAudit, verify_receipt
from ppm.engine.plain import clean_line
from ppm.engine.publickey import PublicKey
from ppm.engine.receipt import read_receipt
from ppm.engine.trusting import trusted_keys
from ppm.projections.project import Project, fold

_HINT = "name the key with --pub, or trust it in this project with `ppm trust add`"


def check_receipt(
    path: Path, file: Path, pub: Sequence[str], project: Path | None, console: Console
) -> None:
    """Hold the receipt against the file and the given keys, else those that the project trusts.

    Raises:
        ReceiptError: It does not hold.
        StorageError: One of the files cannot be read.
    """
    with _asking(project) as question:
        signed = read_receipt(path)
        there = _project(question) if not pub else Project()
        known = _given(pub) if pub else trusted_keys(there.state)
        audit = verify_receipt(signed, file, known, CpuHasher())
        if question is not None:
            question.found += (audit.event,)
        name = _name_of(audit, there)
        console.answer(_document(audit, name))
        _require_sound(audit)
        _tell(audit, name, console)


@contextmanager
def _asking(project: Path | None) -> Iterator[Question | None]:
    """A question to the project, None where there is none."""
    paths = project_around(project)
    if paths is None:
        yield None
        return
    with asking("verify", paths.root) as question:
        yield question


def _project(question: Question | None) -> Project:
    """What the events say: a projection on the disk is no witness. Outside, nothing is trusted."""
    return fold(question.ledger.read()) if question is not None else Project()


def _given(pub: Sequence[str]) -> frozenset[PublicKey]:
    return frozenset(PublicKey(find_verifier(one, "given").raw) for one in pub)


def _name_of(audit: ReceiptAudit, there: Project) -> str:
    key = there.state.keys.get(audit.signed.signer.key_id)
    return "" if key is None else key.name


def _require_sound(audit: ReceiptAudit) -> None:
    if not audit.problems:
        return
    codes = [one.code for one in audit.problems]
    raise ReceiptError(
        clean_line("; ".join(one.message for one in audit.problems)),
        code=codes[0],
        hint=_HINT if "RECEIPT_UNKNOWN_KEY" in codes else "",
    )


def _tell(audit: ReceiptAudit, name: str, console: Console) -> None:
    receipt = audit.signed.receipt
    console.say(clean_line(f"{audit.name}: {audit.seen.size} bytes, SHA-256 {audit.seen.sha256}"))
    who = f"{name}, key {receipt.key}" if name else f"key {receipt.key}"
    console.say(clean_line(f"signed by {who}"))
    console.say(clean_line(f"on {receipt.time}, as {receipt.name}, hashed on {receipt.device}"))
    if isinstance(receipt.ledger, msgspec.UnsetType):
        return
    place = receipt.ledger
    console.say(clean_line(f"after event {place.seq} of ledger {place.id}, {place.digest}"))


def _document(audit: ReceiptAudit, name: str) -> dict[str, Any]:
    said: dict[str, Any] = msgspec.to_builtins(audit.signed.receipt)
    return {
        "ok": not audit.problems,
        "signed_by": {"key": audit.signed.signer.key_id, "name": name},
        "receipt": {**said, "ledger": said.get("ledger")},
        "file": msgspec.to_builtins(audit.seen),
        "problems": msgspec.to_builtins(audit.problems),
    }
