"""Signed notes: a text and the lines of those who signed it (C2SP signed-note).

<text, ends in a newline>
<empty line>
— <key name> <base64 of the key's four-byte id and the signature>
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from ppm.engine.errors import CheckpointError
from ppm.engine.keys import SigningKey, VerifierKey, decode_base64, is_key_name

_DASH = "\N{EM DASH}"
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f]")
_KEY_ID_SIZE = 4
_MOST_SIGNATURES = 100


class Signature(msgspec.Struct, frozen=True):
    """One signature line: who claims to have signed, and the signature."""

    name: str
    key_id: bytes
    value: bytes


class Note(msgspec.Struct, frozen=True):
    """A note as it was read. The text proves nothing before :func:`signers` has been asked."""

    text: str
    signatures: tuple[Signature, ...]


def sign_note(text: str, name: str, key: SigningKey) -> bytes:
    """The bytes of the note that says ``text``, signed with ``key`` under ``name``."""
    encoded = _signature_line(key.named(name), key.sign(text.encode()))
    return f"{text}\n{encoded}".encode()


def _signature_line(key: VerifierKey, signature: bytes) -> str:
    import base64

    return f"{_DASH} {key.name} {base64.b64encode(key.key_id + signature).decode()}\n"


def parse_note(data: bytes) -> Note:
    """Read a note.

    Raises:
        CheckpointError: It is none; nothing of it has been verified otherwise either.
    """
    try:
        whole = data.decode()
    except UnicodeDecodeError as error:
        raise _malformed("it is not UTF-8") from error
    if _CONTROL.search(whole):
        raise _malformed("it holds control characters")
    text, separator, lines = whole.rpartition("\n\n")
    if not separator:
        raise _malformed("it has no signatures")
    if not lines.endswith("\n"):
        raise _malformed("its last line does not end in a newline")
    found = lines[:-1].split("\n")
    if len(found) > _MOST_SIGNATURES:
        raise _malformed(f"it has {len(found)} signatures, at most {_MOST_SIGNATURES} are read")
    return Note(f"{text}\n", tuple(_signature(line) for line in found))


def _signature(line: str) -> Signature:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    if dash != _DASH or not is_key_name(name):
        raise _malformed(f"{line!r} is no signature line")
    try:
        data = decode_base64(encoded)
    except ValueError as error:
        raise _malformed(f"the signature of {name}: {error}") from error
    if len(data) <= _KEY_ID_SIZE:
        raise _malformed(f"the signature of {name} is too short")
    return Signature(name, data[:_KEY_ID_SIZE], data[_KEY_ID_SIZE:])


def signers(note: Note, known: Iterable[VerifierKey]) -> tuple[VerifierKey, ...]:
    """Which of the ``known`` keys signed the note; lines of other keys count for nothing.

    Raises:
        CheckpointError: A known key's signature is wrong, or (``code="CHECKPOINT_UNKNOWN_KEY"``)
            none of them signed.
    """
    keys = {(key.name, key.key_id): key for key in known}
    signed = []
    for signature in note.signatures:
        key = keys.get((signature.name, signature.key_id))
        if key is None:
            continue
        if not key.verifies(signature.value, note.text.encode()):
            raise CheckpointError(f"the signature of {key} is wrong")
        signed.append(key)
    if not signed:
        names = ", ".join(f"{one.name}+{one.key_id.hex()}" for one in note.signatures)
        raise CheckpointError(
            f"none of the given keys signed it; it is signed by {names}",
            code="CHECKPOINT_UNKNOWN_KEY",
        )
    return tuple(dict.fromkeys(signed))


def _malformed(reason: str) -> CheckpointError:
    return CheckpointError(f"no signed note: {reason}")
