"""RECORD of a wheel, held against the archive both ways (binary distribution format, "RECORD")."""

from __future__ import annotations

import binascii
import csv
import hashlib
import io
from collections.abc import Mapping

import msgspec

from ppm.engine.errors import ArtifactError

# "sha256 or better", of what hashlib has everywhere.
_DIGEST_SIZES = {
    name: hashlib.new(name).digest_size
    for name in ("sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512", "blake2b")
}
_SHOWN = 5


class Recorded(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One row: ``digest`` is lower-case hexadecimal, ``size`` -1 where the row leaves it open."""

    algorithm: str
    digest: str
    size: int


def read_record(data: bytes, own_path: str, sizes: Mapping[str, int]) -> dict[str, Recorded]:
    """The rows of RECORD, one for every file of the archive and no other.

    Signatures of RECORD (``RECORD.jws``, ``RECORD.p7s``; dropped by PEP 815) are looked at neither
    way.

    Args:
        data: The file.
        own_path: Its archive path.
        sizes: Archive path to size of every file.

    Raises:
        ArtifactError: A ``RECORD_…`` code, with the first few problems of all that were found.
    """
    ignored = {own_path, f"{own_path}.jws", f"{own_path}.p7s"}
    rows: dict[str, Recorded] = {}
    problems: list[tuple[str, str]] = []
    for line in _lines(data):
        if not line:
            continue
        path = line[0]
        if len(line) != 3:  # noqa: PLR2004 - path, hash, size
            problems.append(("RECORD_SYNTAX", f"a row of {len(line)} columns: {path!a}"))
        elif path in rows:
            problems.append(("RECORD_DUPLICATE", f"two rows for {path!a}"))
        elif path not in ignored:
            row = rows[path] = _row(line[1], line[2])
            if problem := _problem(path, row, sizes):
                problems.append(problem)
    unlisted = sizes.keys() - rows.keys() - ignored
    problems += [("RECORD_MISSING", f"no row for the file {path!a}") for path in sorted(unlisted)]
    if problems:
        raise _refusal(problems)
    return rows


def _lines(data: bytes) -> list[list[str]]:
    try:
        return list(csv.reader(io.StringIO(data.decode("utf-8"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ArtifactError(f"RECORD cannot be read: {error}", code="RECORD_SYNTAX") from error


def _row(checksum: str, size: str) -> Recorded:
    """The row; an empty digest stands for a checksum that is none."""
    algorithm, _, value = checksum.partition("=")
    try:
        standard = value.replace("-", "+").replace("_", "/") + "=" * (-len(value) % 4)
        digest = binascii.a2b_base64(standard, strict_mode=True)
    except ValueError:
        digest = b""
    if len(digest) != _DIGEST_SIZES.get(algorithm):
        return Recorded(algorithm, "", -1)
    number = int(size) if size.isascii() and size.isdigit() else -1 if not size else -2
    return Recorded(algorithm, digest.hex(), number)


def _problem(path: str, row: Recorded, sizes: Mapping[str, int]) -> tuple[str, str] | None:
    size = sizes.get(path)
    if size is None:
        return "RECORD_GHOST", f"a row without a file: {path!a}"
    if not row.digest:
        return "RECORD_HASH", f"no SHA-256 or stronger digest of {path!a}"
    if row.size not in {-1, size}:
        return "RECORD_SIZE", f"another size for {path!a} than the archive's {size}"
    return None


def _refusal(problems: list[tuple[str, str]]) -> ArtifactError:
    shown = "; ".join(text for _, text in problems[:_SHOWN])
    more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
    return ArtifactError(f"RECORD has {shown}{more}", code=problems[0][0])
