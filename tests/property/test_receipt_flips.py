"""No bit of a receipt or of its file can be another without being told."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppm.engine.errors import ReceiptError
from ppm.engine.hashing.cpu import CpuHasher
from ppm.engine.hashing.single import digest_of_file
from ppm.engine.keys import generate
from ppm.engine.operations.receiving import verify_receipt
from ppm.engine.publickey import public_of
from ppm.engine.receipt import LedgerPlace, Receipt, open_receipt, sign_receipt

KEY = generate()
CONTENT = b"some bytes that somebody signs for\n"
FOLDER = tempfile.TemporaryDirectory(prefix="ppm-receipts-")
FILE = Path(FOLDER.name) / "file"
FILE.write_bytes(CONTENT)
DIGEST = digest_of_file(FILE, CpuHasher())
RECEIPT = Receipt(
    name="file",
    size=DIGEST.size,
    sha256=DIGEST.sha256,
    device=DIGEST.device,
    time="2026-11-22T06:39:00.000000Z",
    key=public_of(KEY).key_id,
    public_key=public_of(KEY).spki,
    ledger=LedgerPlace(id="ledger-1", seq=7, digest="ab" * 32),
)
DATA = sign_receipt(RECEIPT, KEY).envelope.render()


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_every_bit_of_a_receipt_counts() -> None:
    assert open_receipt(DATA).receipt == RECEIPT
    for bit in range(len(DATA) * 8):
        with pytest.raises(ReceiptError):
            open_receipt(flipped(DATA, bit))


def test_every_beginning_of_a_receipt_is_refused() -> None:
    for size in range(len(DATA)):
        with pytest.raises(ReceiptError):
            open_receipt(DATA[:size])


@given(st.binary(max_size=400), st.integers(0, len(DATA)), st.integers(0, 60))
def test_whatever_is_spliced_into_a_receipt_is_refused(data: bytes, place: int, size: int) -> None:
    spliced = DATA[:place] + data + DATA[place + size :]
    if spliced == DATA:
        return
    with pytest.raises(ReceiptError):
        open_receipt(spliced)


@given(st.integers(0, len(CONTENT) * 8 - 1))
def test_every_bit_of_the_file_counts(bit: int) -> None:
    other = FILE.with_name("other")
    other.write_bytes(flipped(CONTENT, bit))
    audit = verify_receipt(open_receipt(DATA), other, [public_of(KEY)], CpuHasher())
    assert [one.code for one in audit.problems] == ["RECEIPT_DIGEST"]


@given(st.binary(max_size=80))
def test_every_other_content_is_told(content: bytes) -> None:
    other = FILE.with_name("other")
    other.write_bytes(content)
    audit = verify_receipt(open_receipt(DATA), other, [public_of(KEY)], CpuHasher())
    assert (not audit.problems) == (content == CONTENT)
