"""Signed notes and checkpoints: published examples, several signatures, everything malformed."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ppm.engine.errors import CheckpointError
from ppm.engine.keys import SigningKey, VerifierKey, generate, parse_verifier
from ppm.engine.ledger.checkpoint import (
    Checkpoint,
    origin_of,
    parse_checkpoint,
    read_signed,
    require_origin,
)
from ppm.engine.ledger.note import Note, parse_note, sign_note, signers
from ppm.engine.ledger.tree import MerkleTree

# The example of golang.org/x/mod/sumdb/note, with both of its keys.
GO_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
GO_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    f"{GO_TEXT}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKv"
    "qfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()
# Computed by another implementation: seed 32 times 0x01, leaves the bytes 00 to 04.
CHECKPOINT = (
    "ppm.example/ledger\n5\nuFW0LWww9bCH4FJmeD+9bjlPe5JgE8yqZ3AKiwxaWW8=\n\n"
    "— ppm.example/ledger A5bbSWWiKaDZ7iGblfKAknHJ0VMqnxunQ5qHZfWPxkdzvMnrndnNXPO4KmBOhCBKsdY5qno0"
    "0673XPV7dX8uaEmcfQE=\n"
).encode()
CHECKPOINT_KEY = "ppm.example/ledger+0396db49+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c"
# Of the C2SP specification of signed notes; the text has an empty line of its own.
C2SP_NOTE = (
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
    "— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU"
    "0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
).encode()


def key_of(seed: bytes) -> SigningKey:
    return SigningKey(Ed25519PrivateKey.from_private_bytes(seed))


def test_the_published_note_is_made_byte_by_byte_and_verified() -> None:
    assert sign_note(GO_TEXT, "PeterNeumann", key_of(GO_SEED)) == GO_NOTE
    key = parse_verifier(GO_KEY)
    assert key == key_of(GO_SEED).named("PeterNeumann")
    assert str(key) == GO_KEY
    assert signers(parse_note(GO_NOTE), [key]) == (key,)


def test_the_published_checkpoint_is_made_byte_by_byte_and_verified() -> None:
    tree = MerkleTree(bytes([number]) for number in range(5))
    checkpoint = Checkpoint(origin="ppm.example/ledger", size=5, root=tree.root())
    seed = b"\x01" * 32
    assert sign_note(checkpoint.text, "ppm.example/ledger", key_of(seed)) == CHECKPOINT
    read = read_signed(CHECKPOINT)
    assert read.checkpoint == checkpoint
    assert read.signed_by([parse_verifier(CHECKPOINT_KEY)]) == (parse_verifier(CHECKPOINT_KEY),)


def test_a_text_with_empty_lines_ends_at_the_last_of_them() -> None:
    note = parse_note(C2SP_NOTE)
    assert note.text.endswith("sole:\n\ned è subito sera.\n")
    assert [signature.name for signature in note.signatures] == ["quasimodo.example/salvatore"]


def joined(*notes: bytes) -> bytes:
    """The first note with the signature lines of all."""
    return notes[0] + b"".join(note.rpartition(b"\n\n")[2] for note in notes[1:])


def test_of_several_signatures_those_of_known_keys_count() -> None:
    ours, theirs, stranger = generate(), generate(), generate()
    note = parse_note(
        joined(
            sign_note("text\n", "stranger", stranger),
            sign_note("text\n", "ours", ours),
            sign_note("text\n", "theirs", theirs),
        )
    )
    assert signers(note, [ours.named("ours")]) == (ours.named("ours"),)
    both = [theirs.named("theirs"), ours.named("ours")]
    assert signers(note, both) == (ours.named("ours"), theirs.named("theirs"))


def test_a_known_key_with_a_wrong_signature_spoils_the_whole_note() -> None:
    ours, theirs = generate(), generate()
    whole = joined(sign_note("text\n", "ours", ours), sign_note("another text\n", "theirs", theirs))
    with pytest.raises(CheckpointError, match="the signature of theirs") as caught:
        signers(parse_note(whole), [ours.named("ours"), theirs.named("theirs")])
    assert caught.value.code == "CHECKPOINT_INVALID"
    assert signers(parse_note(whole), [ours.named("ours")]) == (ours.named("ours"),)


@pytest.mark.parametrize(
    "known",
    [
        lambda _: [],
        lambda _: [generate().named("ours")],
        lambda key: [key.named("another name")],
    ],
    ids=["no key", "another key of that name", "the key under another name"],
)
def test_a_note_of_unknown_keys_proves_nothing(
    known: Callable[[SigningKey], list[VerifierKey]],
) -> None:
    key = generate()
    with pytest.raises(CheckpointError, match=r"signed by ours\+") as caught:
        signers(parse_note(sign_note("text\n", "ours", key)), known(key))
    assert caught.value.code == "CHECKPOINT_UNKNOWN_KEY"


def test_a_changed_text_is_noticed() -> None:
    note = parse_note(GO_NOTE)
    changed = Note(note.text.replace("answer", "question"), note.signatures)
    with pytest.raises(CheckpointError, match="is wrong"):
        signers(changed, [parse_verifier(GO_KEY)])


def test_at_least_sixteen_signatures_are_read_and_not_any_number() -> None:
    line = GO_NOTE.rpartition(b"\n\n")[2]
    assert len(parse_note(GO_NOTE + line * 15).signatures) == 16
    with pytest.raises(CheckpointError, match="signatures"):
        parse_note(GO_NOTE + line * 100)


MALFORMED_NOTES = {
    "nothing": b"",
    "no signature": GO_TEXT.encode(),
    "no signature after the empty line": f"{GO_TEXT}\n".encode(),
    "no final newline": GO_NOTE[:-1],
    "a hyphen for the dash": GO_NOTE.replace("—".encode(), b"-"),
    "two spaces": GO_NOTE.replace(b" PeterNeumann", b"  PeterNeumann"),
    "no name": GO_NOTE.replace(b" PeterNeumann ", b"  "),
    "a plus in the name": GO_NOTE.replace(b" PeterNeumann ", b" Peter+Neumann "),
    "a wide space in the name": GO_NOTE.replace(b" Peter", " Pe\u2003ter".encode()),
    "no base64": GO_NOTE.replace(b"x08go/", b"x08go_"),
    "no padding": GO_NOTE.replace(b"JnAM=", b"JnAM"),
    "base64 of another spelling": GO_NOTE.replace(b"JnAM=", b"JnAN="),
    "a key id alone": GO_TEXT.encode() + "\n— PeterNeumann x08gow==\n".encode(),
    "a carriage return": GO_NOTE.replace(b"\n", b"\r\n"),
    "a tab": GO_NOTE.replace(b"If you", b"If\tyou"),
    "a NUL byte": GO_NOTE.replace(b"If you", b"If\x00you"),
    "not UTF-8": GO_NOTE.replace(b"If you", b"If\xffyou"),
    "text after the signature": GO_NOTE + b"more\n",
    "an empty line after the signature": GO_NOTE + b"\n",
}


@pytest.mark.parametrize("what", MALFORMED_NOTES)
def test_a_malformed_note_is_refused(what: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        parse_note(MALFORMED_NOTES[what])
    assert caught.value.code == "CHECKPOINT_INVALID"


ROOT = "uFW0LWww9bCH4FJmeD+9bjlPe5JgE8yqZ3AKiwxaWW8="
MALFORMED_TEXTS = {
    "no origin": f"\n5\n{ROOT}\n",
    "no root": "origin\n5\n",
    "no final newline": f"origin\n5\n{ROOT}",
    "a leading zero": f"origin\n05\n{ROOT}\n",
    "a sign": f"origin\n+5\n{ROOT}\n",
    "a space": f"origin\n5 \n{ROOT}\n",
    "digits of another script": f"origin\n\u0665\n{ROOT}\n",
    "a size beyond all ledgers": f"origin\n{10**19}\n{ROOT}\n",
    "a short root": "origin\n5\nuFW0LWww9bCH4FJmeD+9bg==\n",
    "a root of another spelling": f"origin\n5\n{ROOT.replace('W8=', 'W9=')}\n",
    "an empty extension": f"origin\n5\n{ROOT}\n\n",
}


@pytest.mark.parametrize("what", MALFORMED_TEXTS)
def test_a_malformed_checkpoint_is_refused(what: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        parse_checkpoint(MALFORMED_TEXTS[what])
    assert caught.value.code == "CHECKPOINT_INVALID"


def test_extension_lines_are_kept_and_mean_nothing() -> None:
    text = f"origin\n0\n{ROOT}\none\ntwo\n"
    checkpoint = parse_checkpoint(text)
    assert (checkpoint.size, checkpoint.extensions) == (0, ("one", "two"))
    assert checkpoint.text == text


def test_a_checkpoint_of_another_ledger_is_refused() -> None:
    checkpoint = read_signed(CHECKPOINT).checkpoint
    require_origin(checkpoint, "ppm.example/ledger")
    with pytest.raises(CheckpointError, match="this ledger is ppm/ledger/x") as caught:
        require_origin(checkpoint, origin_of("x"))
    assert caught.value.code == "CHECKPOINT_INVALID"
