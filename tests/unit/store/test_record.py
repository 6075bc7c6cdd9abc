from __future__ import annotations

import hashlib

import pytest
from support.wheels import record, record_hash

from ppm.engine.errors import ArtifactError
from ppm.engine.store.record import Recorded, read_record

OWN = "demo-1.0.dist-info/RECORD"
FILES = {"demo/a.py": b"a", "demo/b, c.py": b"bc", 'demo/"d".py': b""}
SIZES = {path: len(content) for path, content in FILES.items()}


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512", "sha3_256", "blake2b"])
def test_every_row_with_its_digest(algorithm: str) -> None:
    rows = read_record(record(FILES, OWN, algorithm), OWN, {**SIZES, OWN: 300})
    assert rows == {
        path: Recorded(algorithm, hashlib.new(algorithm, content).hexdigest(), len(content))
        for path, content in FILES.items()
    }


@pytest.mark.parametrize(
    "algorithm", ["md5", "sha1", "sha224", "sha3_224", "blake2s", "sha512_256"]
)
def test_weak_and_unheard_of_digests(algorithm: str) -> None:
    with pytest.raises(ArtifactError) as caught:
        read_record(record({"x": b""}, OWN, algorithm), OWN, {"x": 0})
    assert caught.value.code == "RECORD_HASH"


def test_several_problems_are_told_together() -> None:
    lines = [
        f"ghost.py,{record_hash(b'')},0",
        "plain.py,,",
        f"large.py,{record_hash(b'')},7",
        f"{OWN},,",
    ]
    sizes = {"plain.py": 1, "large.py": 8, "z.py": 1, "y.py": 1, "x.py": 1, "w.py": 1}
    with pytest.raises(ArtifactError) as caught:
        read_record("\n".join(lines).encode(), OWN, sizes)
    assert caught.value.code == "RECORD_GHOST"
    for name in ("ghost.py", "plain.py", "large.py", "w.py", "x.py", "2 more"):
        assert name in caught.value.message
    assert "z.py" not in caught.value.message


def test_blank_lines_say_nothing() -> None:
    data = f"\n\r\nx,{record_hash(b'')},0\n\n{OWN},,\n".encode()
    assert set(read_record(data, OWN, {"x": 0})) == {"x"}
