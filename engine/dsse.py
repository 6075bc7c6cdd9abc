"""Signed envelopes (DSSE 1.0.2): a payload, its type, and who signed both.

What is signed is not the envelope but its pre-authentication encoding:

    "DSSEv1" SP <length of type> SP <type> SP <length of payload> SP <payload>

with lengths in bytes, as ASCII decimals.
"""

from __future__ import annotations

import base64

import msgspec

from ppm.engine.keys import SigningKey, decode_base64


class Signature(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``keyid`` is a hint, which no signature covers; ``sig`` is base64."""

    keyid: str
    sig: str


class Envelope(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """An envelope as it stands in a file. ``payload`` is base64."""

    payload: str
    payload_type: str
    signatures: tuple[Signature, ...]

    @property
    def body(self) -> bytes:
        """The payload's bytes.

        Raises:
            ValueError: It is not base64.
        """
        return decode_base64(self.payload)

    @property
    def message(self) -> bytes:
        """The bytes that signatures are over.

        Raises:
            ValueError: The payload is not base64.
        """
        return pre_authentication_encoding(self.payload_type, self.body)

    def render(self) -> bytes:
        """The bytes of the envelope's file: indented by two spaces, with a final newline."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """What a signature is made over."""
    word = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(word), word, len(payload), payload)


def seal(payload_type: str, payload: bytes, key: SigningKey, key_id: str) -> Envelope:
    """``payload`` in an envelope, signed with ``key``."""
    signature = key.sign(pre_authentication_encoding(payload_type, payload))
    return Envelope(
        payload=base64.b64encode(payload).decode(),
        payload_type=payload_type,
        signatures=(Signature(keyid=key_id, sig=base64.b64encode(signature).decode()),),
    )


def parse_envelope(data: bytes) -> Envelope:
    """The envelope that :meth:`Envelope.render` gives these bytes for; nothing is verified.

    Raises:
        ValueError: There is none: no JSON, other fields, fields twice, another spelling, bytes
            after the end.
    """
    try:
        envelope = msgspec.json.decode(data, type=Envelope)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"no DSSE envelope: {error}") from error
    if envelope.render() != data:
        raise ValueError("the envelope is not written as ppm writes it")
    return envelope
