"""SHA-256 of one file of any size, in memory that has a bound."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from ppm.engine.errors import StorageError
from ppm.engine.files import storage_errors
from ppm.engine.ports import Hasher

_PIECE = 1024 * 1024


class FileDigest(msgspec.Struct, frozen=True, kw_only=True):
    """How many bytes a file had, their digest, and which device computed it."""

    size: int
    sha256: str
    device: str


def digest_of_file(path: Path, hasher: Hasher) -> FileDigest:
    """Read the regular file ``path``, or the one that it leads to, once from end to end.

    Raises:
        StorageError: It cannot be read, or (``code="NOT_A_FILE"``) is no regular file.
        HashingFailure: The hasher fails or is contradicted.
    """
    with storage_errors(path):
        if path.exists() and not path.is_file():  # A pipe would have to be waited for.
            raise StorageError(f"{path} is no regular file", code="NOT_A_FILE")
        with path.open("rb", buffering=0) as file:
            return _streamed(file.fileno(), hasher)


def _streamed(descriptor: int, hasher: Hasher) -> FileDigest:
    lane, size = hasher.open(), 0
    while piece := os.read(descriptor, _PIECE):
        hasher.update(lane, piece)
        size += len(piece)
    return FileDigest(size=size, sha256=hasher.finish(lane), device=hasher.device)
