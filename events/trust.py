"""Checkpoints and keys: who vouched for what."""

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
