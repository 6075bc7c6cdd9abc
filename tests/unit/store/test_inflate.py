from __future__ import annotations

import random
import zlib
from collections.abc import Callable

import pytest
from support.archives import deflate

from ppm.engine.errors import ArtifactError
from ppm.engine.store import inflate
from ppm.engine.store.archive import Entry
from ppm.engine.store.zipformat import DEFLATED, STORED

CONTENT = random.Random(1).randbytes(700_000) + bytes(3_000_000)
Unpack = Callable[[bytes, Entry], bytes]


def entry(packed: bytes, content: bytes = CONTENT, method: int = DEFLATED, **lies: int) -> Entry:
    facts = {"crc": zlib.crc32(content), "size": len(content)} | lies
    return Entry("member", 0, method, facts["crc"], len(packed), facts["size"], 0, 0)


def in_pieces(data: bytes, member: Entry) -> bytes:
    before, behind = b"before", b"behind"
    archive = before + data + behind
    pieces = list(
        inflate.pieces(lambda offset, length: archive[offset : offset + length], 6, member)
    )
    assert max(map(len, pieces), default=0) <= 2**20
    return b"".join(pieces)


@pytest.fixture(params=["whole", "pieces"])
def unpack(request: pytest.FixtureRequest) -> Unpack:
    return inflate.whole if request.param == "whole" else in_pieces


@pytest.fixture(params=["isal", "zlib"], autouse=True)
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "zlib":
        monkeypatch.setattr(inflate, "decompressobj", zlib.decompressobj)
        monkeypatch.setattr(inflate, "crc32", zlib.crc32)


@pytest.mark.parametrize("size", [0, 1, 65_536, 2**20 - 1, 2**20, 2**20 + 1, len(CONTENT)])
def test_content_comes_back(unpack: Unpack, size: int) -> None:
    content = CONTENT[-size:] if size else b""
    packed = deflate(content)
    assert unpack(packed, entry(packed, content)) == content
    assert unpack(content, entry(content, content, STORED)) == content


def refused(unpack: Unpack, data: bytes, member: Entry) -> str:
    with pytest.raises(ArtifactError) as caught:
        unpack(data, member)
    return caught.value.code


def test_more_than_declared_is_refused(unpack: Unpack) -> None:
    packed = deflate(CONTENT)
    for size in (0, 1, 700_000, len(CONTENT) - 1):
        assert refused(unpack, packed, entry(packed, size=size)) == "ZIP_SIZE"
        assert refused(unpack, CONTENT, entry(CONTENT, method=STORED, size=size)) == "ZIP_SIZE"


def test_less_than_declared_is_refused(unpack: Unpack) -> None:
    packed = deflate(CONTENT)
    size = len(CONTENT) + 1
    assert refused(unpack, packed, entry(packed, size=size)) == "ZIP_SIZE"
    assert refused(unpack, CONTENT, entry(CONTENT, method=STORED, size=size)) == "ZIP_SIZE"


def test_a_wrong_checksum_is_refused(unpack: Unpack) -> None:
    packed = deflate(CONTENT)
    assert refused(unpack, packed, entry(packed, crc=7)) == "ZIP_CRC"
    assert refused(unpack, CONTENT, entry(CONTENT, method=STORED, crc=7)) == "ZIP_CRC"


def test_a_stream_cut_short_is_refused(unpack: Unpack) -> None:
    packed = deflate(CONTENT)
    for end in (0, 1, 300_000, len(packed) - 1):
        cut = packed[:end]
        assert refused(unpack, cut, entry(cut)) == "ZIP_DATA"


def test_bytes_behind_the_stream_are_refused(unpack: Unpack) -> None:
    packed = deflate(CONTENT)
    for more in (b"x", b"x" * 600_000):
        assert refused(unpack, packed + more, entry(packed + more)) == "ZIP_DATA"


def test_a_broken_stream_is_refused(unpack: Unpack) -> None:
    packed = b"\x07" + deflate(CONTENT)[1:]
    assert refused(unpack, packed, entry(packed)) == "ZIP_DATA"


def test_an_archive_cut_short_is_refused() -> None:
    member = entry(CONTENT, method=STORED)
    with pytest.raises(ArtifactError) as caught:
        list(inflate.pieces(lambda offset, length: CONTENT[:1000][offset:][:length], 0, member))
    assert caught.value.code == "ZIP_DATA"
