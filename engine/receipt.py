"""Receipts: what a file was when somebody signed for it.

A receipt is JSON in a signed envelope (:mod:`ppm.engine.dsse`); docs/trust.md has the bytes. The
public key inside it makes its signature checkable, never trusted.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from ppm.engine.dsse import Envelope, parse_envelope, seal
from ppm.engine.errors import ReceiptError
from ppm.engine.files import storage_errors
from ppm.engine.keys import SigningKey, decode_base64
from ppm.engine.plain import clean_line
from ppm.engine.publickey import PublicKey, parse_spki, public_of

PAYLOAD_TYPE = "application/vnd.ppm.receipt.v1+json"
_LARGEST = 64 * 1024
_MOST_WORDS = 300
_LARGEST_INTEGER = 2**63 - 1

_Digest = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]


class LedgerPlace(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The last event of a ledger that is no query when a receipt was signed, and its digest."""

    id: str
    seq: Annotated[int, msgspec.Meta(gt=0, le=_LARGEST_INTEGER)]
    digest: _Digest


class Receipt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is signed.

    ``name`` is the file's, without its folder. ``key`` is the id of ``public_key``, which is the
    SPKI form in base64. ``ledger`` is left out where no project was at hand.
    """

    name: str
    size: Annotated[int, msgspec.Meta(ge=0, le=_LARGEST_INTEGER)]
    sha256: _Digest
    device: str
    time: str
    key: _Digest
    public_key: str
    ledger: LedgerPlace | msgspec.UnsetType = msgspec.UNSET


class SignedReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt whose signature is that of ``signer``, whoever that is."""

    receipt: Receipt
    signer: PublicKey
    envelope: Envelope


def sign_receipt(receipt: Receipt, key: SigningKey) -> SignedReceipt:
    """``receipt`` signed with ``key``, which has to be the one it names."""
    envelope = seal(PAYLOAD_TYPE, msgspec.json.encode(receipt), key, receipt.key)
    return SignedReceipt(receipt=receipt, signer=public_of(key), envelope=envelope)


def read_receipt(path: Path) -> SignedReceipt:
    """The receipt in the file ``path``.

    Raises:
        ReceiptError: As :func:`open_receipt`.
        StorageError: It cannot be read.
    """
    with storage_errors(path), path.open("rb") as file:
        data = file.read(_LARGEST + 1)
    try:
        return open_receipt(data)
    except ReceiptError as error:
        raise ReceiptError(f"{path}: {error.message}", code=error.code) from error


def open_receipt(data: bytes) -> SignedReceipt:
    """A receipt from its bytes, its signature checked with the key that it names itself.

    Raises:
        ReceiptError: ``RECEIPT_MALFORMED``: it is none; ``RECEIPT_KEY_ID``: its key has another id;
            ``RECEIPT_SIGNATURE``: it is not what that key signed.
    """
    if len(data) > _LARGEST:
        raise _malformed(f"it is larger than {_LARGEST} bytes")
    try:
        envelope = parse_envelope(data)
        receipt = _receipt_in(envelope)
        signer = parse_spki(receipt.public_key)
        (signature,) = envelope.signatures
        value, message = decode_base64(signature.sig), envelope.message
    except ValueError as error:
        raise _malformed(str(error)) from error
    if not signature.keyid == receipt.key == signer.key_id:
        raise ReceiptError(
            f"it names the key {receipt.key}, and its key is {signer.key_id}",
            code="RECEIPT_KEY_ID",
        )
    if not signer.verifies(value, message):
        raise ReceiptError(
            f"the signature is not that of the key {signer.key_id} over what it says",
            code="RECEIPT_SIGNATURE",
        )
    return SignedReceipt(receipt=receipt, signer=signer, envelope=envelope)


def _receipt_in(envelope: Envelope) -> Receipt:
    if envelope.payload_type != PAYLOAD_TYPE:
        raise ValueError(f"its payload is {envelope.payload_type!r}, not {PAYLOAD_TYPE!r}")
    if len(envelope.signatures) != 1:
        raise ValueError(f"it has {len(envelope.signatures)} signatures, not one")
    body = envelope.body
    try:
        receipt = msgspec.json.decode(body, type=Receipt)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"its payload says no receipt: {error}") from error
    if msgspec.json.encode(receipt) != body:
        raise ValueError("its payload is not written as ppm writes it")
    return receipt


def _malformed(reason: str) -> ReceiptError:
    # It repeats what a stranger wrote.
    return ReceiptError(f"no receipt: {clean_line(reason[:_MOST_WORDS])}", code="RECEIPT_MALFORMED")
