"""Receipts and their envelopes: the published form, and whatever a stranger may write instead."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ppm.engine.dsse import Envelope, pre_authentication_encoding, seal
from ppm.engine.errors import ReceiptError
from ppm.engine.hashing.cpu import CpuHasher
from ppm.engine.keys import SigningKey, generate
from ppm.engine.operations.receiving import verify_receipt
from ppm.engine.publickey import PublicKey, public_of
from ppm.engine.receipt import PAYLOAD_TYPE, Receipt, open_receipt, sign_receipt

HELLO = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"


def receipt_by(key: SigningKey, /, **changes: Any) -> Receipt:
    receipt = Receipt(
        name="hello.txt",
        size=6,
        sha256=HELLO,
        device="cpu:hashlib",
        time="2026-11-22T06:39:00.000000Z",
        key=public_of(key).key_id,
        public_key=public_of(key).spki,
    )
    return msgspec.structs.replace(receipt, **changes)


def signed_bytes(key: SigningKey, /, **changes: Any) -> bytes:
    return sign_receipt(receipt_by(key, **changes), key).envelope.render()


def code_of(data: bytes) -> str:
    with pytest.raises(ReceiptError) as caught:
        open_receipt(data)
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 400
    return caught.value.code


def test_the_pre_authentication_encoding_is_that_of_the_specification() -> None:
    # The example of the DSSE protocol, and one whose lengths in bytes and characters differ.
    encoded = pre_authentication_encoding("http://example.com/HelloWorld", b"hello world")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    assert pre_authentication_encoding("é", "ü".encode()) == "DSSEv1 2 é 2 ü".encode()
    assert pre_authentication_encoding("", b"") == b"DSSEv1 0  0 "


def test_a_signed_receipt_is_read_back() -> None:
    key = generate()
    signed = sign_receipt(receipt_by(key), key)
    assert open_receipt(signed.envelope.render()) == signed
    assert signed.signer == public_of(key)
    envelope = json.loads(signed.envelope.render())
    assert list(envelope) == ["payload", "payloadType", "signatures"]
    said = json.loads(base64.b64decode(envelope["payload"]))
    assert "ledger" not in said
    assert (said["name"], said["size"], said["sha256"]) == ("hello.txt", 6, HELLO)


def resigned(key: SigningKey, payload: bytes, payload_type: str = PAYLOAD_TYPE) -> bytes:
    return seal(payload_type, payload, key, public_of(key).key_id).render()


def payload_of(key: SigningKey, /, **changes: Any) -> bytes:
    """The payload with fields that no receipt may have; None leaves one out."""
    said = json.loads(msgspec.json.encode(receipt_by(key))) | changes
    kept = {name: value for name, value in said.items() if value is not None}
    return json.dumps(kept, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    "changes",
    [
        {"size": -1},
        {"size": 6.0},
        {"size": "6"},
        {"size": True},
        {"size": 2**70},
        {"sha256": HELLO.upper()},
        {"sha256": HELLO[1:]},
        {"sha256": HELLO + "\n"},
        {"sha256": None},
        {"name": None},
        {"name": 1},
        {"name": ["hello.txt"]},
        {"key": "mine"},
        {"public_key": ""},
        {"public_key": "MCowBQYDK2VwAyEA"},
        {"algorithm": "none"},
        {"ledger": {}},
        {"ledger": {"id": "x", "seq": 0, "digest": HELLO}},
        {"ledger": {"id": "x", "seq": 1, "digest": HELLO, "more": 1}},
        {"a\nforged\x1b[31mline\u202e": 1},
        {"a" * 9000: 1},
    ],
)
def test_a_payload_of_another_shape_is_refused_though_it_is_signed(changes: dict[str, Any]) -> None:
    key = generate()
    assert code_of(resigned(key, payload_of(key, **changes))) == "RECEIPT_MALFORMED"


PAYLOADS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "no JSON": lambda _: b"\xff\xfe",
    "a list": lambda plain: b"[" + plain + b"]",
    "deep": lambda _: b"[" * 9000,
    "a key twice": lambda plain: b'{"size":7,' + plain[1:],
    "white space": lambda plain: plain.replace(b'"size":', b'"size": '),
    "another order": lambda plain: b'{"size":6,' + plain[1:].replace(b'"size":6,', b""),
    "another spelling": lambda plain: plain.replace(b"hello.txt", b"\\u0068ello.txt"),
    "trailing": lambda plain: plain + b"{}",
    "trailing space": lambda plain: plain + b"\n",
    "null for absent": lambda plain: plain[:-1] + b',"ledger":null}',
}


@pytest.mark.parametrize("name", PAYLOADS)
def test_a_payload_of_another_spelling_is_refused_though_it_is_signed(name: str) -> None:
    key = generate()
    assert code_of(resigned(key, PAYLOADS[name](payload_of(key)))) == "RECEIPT_MALFORMED"
    assert open_receipt(resigned(key, payload_of(key)))


ENVELOPES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "text": lambda _: b"hello\n",
    "no UTF-8": lambda data: data.replace(b"keyid", b"key\xffd"),
    "null": lambda _: b"null",
    "deep": lambda _: b"[" * 60_000,
    "huge": lambda data: data + b" " * 65_536,
    "trailing": lambda data: data + b"{}",
    "twice": lambda data: data + data,
    "compact": lambda data: json.dumps(json.loads(data)).encode(),
    "CR LF": lambda data: data.replace(b"\n", b"\r\n"),
    "a byte order mark": lambda data: b"\xef\xbb\xbf" + data,
    "a key twice": lambda data: data.replace(b'"payload":', b'"payload": "",\n  "payload":', 1),
    "one more field": lambda data: data.replace(b'"sig":', b'"alg": "none",\n      "sig":'),
    "no signature": lambda data: data[: data.index(b"[")] + b"[]\n}\n",
}


@pytest.mark.parametrize("name", ENVELOPES)
def test_what_is_no_envelope_as_ppm_writes_it_is_refused(name: str) -> None:
    assert code_of(ENVELOPES[name](signed_bytes(generate()))) == "RECEIPT_MALFORMED"


def altered(data: bytes, **changes: Any) -> bytes:
    envelope = msgspec.json.decode(data, type=Envelope)
    return msgspec.structs.replace(envelope, **changes).render()


def test_two_signatures_are_refused_as_is_none() -> None:
    data = signed_bytes(generate())
    (signature,) = msgspec.json.decode(data, type=Envelope).signatures
    assert code_of(altered(data, signatures=(signature, signature))) == "RECEIPT_MALFORMED"
    assert code_of(altered(data, signatures=())) == "RECEIPT_MALFORMED"


@pytest.mark.parametrize(
    "word", ["", "application/vnd.in-toto+json", PAYLOAD_TYPE + " ", "\x1b[2J"]
)
def test_a_payload_of_another_type_is_refused_though_it_is_signed(word: str) -> None:
    key = generate()
    assert code_of(resigned(key, payload_of(key), word)) == "RECEIPT_MALFORMED"


@pytest.mark.parametrize("size", [0, 32, 63, 65, 128])
def test_a_signature_of_another_length_is_wrong(size: int) -> None:
    data = signed_bytes(generate())
    (signature,) = msgspec.json.decode(data, type=Envelope).signatures
    other = msgspec.structs.replace(signature, sig=base64.b64encode(bytes(size)).decode())
    assert code_of(altered(data, signatures=(other,))) == "RECEIPT_SIGNATURE"


def test_the_signature_of_another_key_is_wrong() -> None:
    mine, theirs = generate(), generate()
    forged = seal(
        PAYLOAD_TYPE, msgspec.json.encode(receipt_by(mine)), theirs, public_of(mine).key_id
    )
    assert code_of(forged.render()) == "RECEIPT_SIGNATURE"


def test_a_signature_over_another_payload_type_is_wrong() -> None:
    key = generate()
    data = resigned(key, payload_of(key), "application/vnd.ppm.receipt.v0+json")
    assert code_of(altered(data, payload_type=PAYLOAD_TYPE)) == "RECEIPT_SIGNATURE"


@pytest.mark.parametrize("place", ["payload", "envelope", "both"])
def test_a_key_id_that_is_not_the_keys_is_refused(place: str) -> None:
    mine, theirs = generate(), generate()
    wanted, own = public_of(mine).key_id, public_of(theirs).key_id
    said = receipt_by(theirs, key=own if place == "envelope" else wanted)
    hint = own if place == "payload" else wanted
    data = seal(PAYLOAD_TYPE, msgspec.json.encode(said), theirs, hint).render()
    assert code_of(data) == "RECEIPT_KEY_ID"


def test_a_key_of_another_algorithm_is_refused() -> None:
    other = X25519PrivateKey.generate().public_key()
    spki = other.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    key = generate()
    said = payload_of(key, public_key=base64.b64encode(spki).decode())
    assert code_of(resigned(key, said)) == "RECEIPT_MALFORMED"


def codes(key: SigningKey, file: Path, known: list[PublicKey], **changes: Any) -> list[str]:
    signed = open_receipt(signed_bytes(key, **changes))
    audit = verify_receipt(signed, file, known, CpuHasher())
    assert audit.event.problems == tuple(one.code for one in audit.problems)
    return [one.code for one in audit.problems]


def test_a_file_is_held_against_its_receipt_and_the_keys(tmp_path: Path) -> None:
    key, other = generate(), generate()
    file = tmp_path / "hello.txt"
    file.write_bytes(b"hello\n")
    mine, theirs = public_of(key), public_of(other)
    assert codes(key, file, [theirs, mine]) == []
    assert codes(key, file, [mine], name="another name") == []
    assert codes(key, file, []) == ["RECEIPT_UNKNOWN_KEY"]
    assert codes(key, file, [theirs]) == ["RECEIPT_UNKNOWN_KEY"]
    assert codes(key, file, [mine], size=7) == ["RECEIPT_SIZE"]
    file.write_bytes(b"Hello\n")
    assert codes(key, file, [mine]) == ["RECEIPT_DIGEST"]
    assert codes(key, file, [theirs]) == ["RECEIPT_DIGEST", "RECEIPT_UNKNOWN_KEY"]


def test_the_digest_of_a_large_file_takes_little_memory(tmp_path: Path) -> None:
    import tracemalloc

    file = tmp_path / "large"
    with file.open("wb") as stream:
        stream.truncate(64 * 1024 * 1024)
    signed = open_receipt(signed_bytes(generate()))
    tracemalloc.start()
    try:
        audit = verify_receipt(signed, file, [], CpuHasher())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert audit.seen.size == 64 * 1024 * 1024
    assert peak < 8 * 1024 * 1024
