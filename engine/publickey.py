"""Public Ed25519 keys as receipts and the project's trust name them.

The id of a key is the SHA-256 of its SPKI form (RFC 8410), in lower-case hexadecimal.
"""

from __future__ import annotations

import base64
from hashlib import sha256

import msgspec

from ppm.engine.keys import SigningKey, VerifierKey, decode_base64

# A sequence of the algorithm (1.3.101.112, no parameters) and a bit string of 32 bytes: RFC 8410.
_PREFIX = bytes.fromhex("302a300506032b6570032100")
_SIZE = 32


class PublicKey(msgspec.Struct, frozen=True):
    """A public key. ``raw`` is the 32 bytes of RFC 8032."""

    raw: bytes

    @property
    def key_id(self) -> str:
        """What names the key: 64 hexadecimal digits."""
        return sha256(_PREFIX + self.raw).hexdigest()

    @property
    def spki(self) -> str:
        """Its SPKI form in base64."""
        return base64.b64encode(_PREFIX + self.raw).decode()

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether ``signature`` is this key's over ``message``."""
        return VerifierKey("", self.raw).verifies(signature, message)


def public_of(key: SigningKey) -> PublicKey:
    """The public half of a private key."""
    return PublicKey(key.named("").raw)


def parse_spki(text: str) -> PublicKey:
    """A key from its SPKI form in base64: the one form that an Ed25519 key has.

    Raises:
        ValueError: It is no such form, or of another algorithm.
    """
    data = decode_base64(text)
    if not data.startswith(_PREFIX) or len(data) != len(_PREFIX) + _SIZE:
        raise ValueError("not the SPKI form of an Ed25519 key")
    return PublicKey(data[len(_PREFIX) :])
