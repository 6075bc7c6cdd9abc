"""Signing for a file: hashed, written down in a receipt beside it, and told to the ledger."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ppm.engine.errors import ReceiptError, UsageError
from ppm.engine.hashing.checked import CheckedHasher
from ppm.engine.hashing.cpu import CpuHasher
from ppm.engine.hashing.single import digest_of_file
from ppm.engine.keys import SigningKey
from ppm.engine.outputs import write_output
from ppm.engine.plain import clean_line
from ppm.engine.ports import Clock, Hasher
from ppm.engine.publickey import public_of
from ppm.engine.receipt import LedgerPlace, Receipt, SignedReceipt, read_receipt, sign_receipt
from ppm.engine.redact import as_text
from ppm.engine.transaction import Transaction
from ppm.events.trust import ReceiptSigned


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be signed: ``file`` with ``key``, hashed by ``hasher``, the receipt in ``out``."""

    file: Path
    key: SigningKey
    hasher: Hasher
    out: Path


def receipt_path(file: Path) -> Path:
    """Where the receipt of ``file`` stands by default."""
    return file.with_name(f"{file.name}.receipt.json")


def hasher_of(library: Path | None) -> Hasher:
    """The CPU, or what ``library`` drives, each of whose digests the CPU then computes, too.

    Raises:
        HashingFailure: As :class:`ppm.engine.hashing.library.LibraryHasher`.
    """
    if library is None:
        return CpuHasher()
    from ppm.engine.hashing.library import LibraryHasher

    # One file is the first lane, and the first lane is always checked.
    return CheckedHasher(LibraryHasher(library), seed=0)


def require_replaceable(file: Path, out: Path) -> None:
    """Refuse to write where something else stands than a receipt of a file of this name.

    Raises:
        UsageError: ``out`` is the file itself.
        ReceiptError: ``code="RECEIPT_EXISTS"``.
        StorageError: What stands there cannot be read.
    """
    if out.resolve() == file.resolve():
        raise UsageError(f"{out} is the file that is to be signed; choose another name")
    if not out.is_file():
        return
    try:
        name = read_receipt(out).receipt.name
    except ReceiptError as error:
        raise _occupied(out, "is no receipt") from error
    if name != as_text(file.name):
        raise _occupied(out, clean_line(f"is a receipt of {name}"))


def _occupied(out: Path, what: str) -> ReceiptError:
    return ReceiptError(
        f"{out} exists and {what}",
        code="RECEIPT_EXISTS",
        hint="write the receipt to another file (--out), or move that one away",
    )


def sign_file(order: Order, clock: Clock, place: LedgerPlace | None = None) -> SignedReceipt:
    """Hash the file, sign, and write the receipt, whole or not at all.

    Raises:
        StorageError: The file cannot be read, or the receipt not be written.
        HashingFailure: A library fails or computes another digest than the CPU.
        UsageError: ``out`` is a file of PPM's own or in no folder.
    """
    public = public_of(order.key)
    digest = digest_of_file(order.file, order.hasher)
    receipt = Receipt(
        name=as_text(order.file.name),
        size=digest.size,
        sha256=digest.sha256,
        device=digest.device,
        time=clock.now(),
        key=public.key_id,
        public_key=public.spki,
        ledger=msgspec.UNSET if place is None else place,
    )
    signed = sign_receipt(receipt, order.key)
    write_output(order.out, signed.envelope.render())
    return signed


def sign_in_project(run: Transaction, order: Order) -> SignedReceipt:
    """As :func:`sign_file`; the receipt names the ledger's head, and the ledger the receipt."""
    run.record(())  # The intent stands before the signature, and under it.
    head = run.project.head
    place = LedgerPlace(id=run.project.state.ledger, seq=head.seq, digest=head.digest)
    signed = sign_file(order, run.clock, place)
    receipt = signed.receipt
    run.record(
        [
            ReceiptSigned(
                name=receipt.name,
                size=receipt.size,
                sha256=receipt.sha256,
                device=receipt.device,
                key=receipt.key,
            )
        ]
    )
    return signed
