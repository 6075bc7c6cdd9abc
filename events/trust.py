"""Checkpoints, receipts and keys: who vouched for what, and whom the project trusts."""

from typing import ClassVar

from ppm.events.base import Event


class CheckpointSigned(Event, frozen=True, kw_only=True):
    """A checkpoint over the first ``seq`` lines of this ledger was signed and handed out.

    ``root`` is their Merkle root (RFC 6962) in hexadecimal, ``key`` the verifier key
    ``name+hash+key`` that belongs to the signature.
    """

    type: ClassVar[str] = "checkpoint.signed/1"
    key: str
    seq: int
    root: str


class ReceiptSigned(Event, frozen=True, kw_only=True):
    """A receipt for a file was signed and written.

    ``name`` is the file's, without its folder; ``size`` and ``sha256`` were computed on ``device``.
    ``key`` is the id of the key that signed: the SHA-256 of its SPKI form.
    """

    type: ClassVar[str] = "receipt.signed/1"
    name: str
    size: int
    sha256: str
    device: str
    key: str


class ReceiptVerified(Event, frozen=True, kw_only=True):
    """A rightly signed receipt was held against a file and against the keys that were known.

    ``name``, ``size`` and ``sha256`` are the file's as it was found, computed on ``device``.
    ``key`` is the id of the key that signed. ``problems`` are codes, none where the receipt holds.
    """

    type: ClassVar[str] = "receipt.verified/1"
    name: str
    size: int
    sha256: str
    device: str
    key: str
    problems: tuple[str, ...]


class KeyTrusted(Event, frozen=True, kw_only=True):
    """What ``key`` signs counts in this project.

    ``key`` is the SHA-256 of ``public_key``, which is its SPKI form (RFC 8410) in base64. ``name``
    is what a person calls it; nothing depends on it.
    """

    type: ClassVar[str] = "key.trusted/1"
    key: str
    public_key: str
    name: str


class KeyDistrusted(Event, frozen=True, kw_only=True):
    """What ``key`` signs no longer counts in this project."""

    type: ClassVar[str] = "key.distrusted/1"
    key: str
