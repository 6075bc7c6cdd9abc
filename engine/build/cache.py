"""Which wheel was built from which source distribution, so that it is not built again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from ppm.engine.build.model import BuiltRecord
from ppm.engine.files import storage_errors, write_atomic
from ppm.engine.store.blobs import BlobStore, checked


class BuiltWheels:
    """Small records in ``directory``; the wheels themselves are blobs of the store.

    A record holds for one source distribution and one interpreter. Whatever is wrong with a record,
    or a blob that is gone, is a miss: the wheel can be built again.
    """

    def __init__(self, directory: Path, blobs: BlobStore) -> None:
        """``directory`` is made when the first record comes."""
        self._directory = directory
        self._blobs = blobs

    def find(self, source_sha256: str, interpreter_key: str) -> BuiltRecord | None:
        """What was built, if its wheel is still in the store. Blocks."""
        try:
            data = self._path(source_sha256, interpreter_key).read_bytes()
            record = msgspec.json.decode(data, type=BuiltRecord)
            whole = record.source_sha256 == source_sha256 and self._blobs.has(record.sha256)
        except (OSError, ValueError, msgspec.MsgspecError):
            return None
        return record if whole else None

    def keep(self, record: BuiltRecord, interpreter_key: str) -> None:
        """Remember a build whose wheel is in the store. Blocks.

        Raises:
            StorageError: The disk refused.
        """
        path = self._path(record.source_sha256, interpreter_key)
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, msgspec.json.encode(record), durable=False)

    def records(self) -> Iterator[tuple[Path, BuiltRecord | None]]:
        """Every record and its file; ``None`` for one that cannot be read. Blocks."""
        for path in sorted(self._directory.glob("*/[!.]*")):
            try:
                yield path, msgspec.json.decode(path.read_bytes(), type=BuiltRecord)
            except (OSError, msgspec.MsgspecError):
                yield path, None

    def _path(self, source_sha256: str, interpreter_key: str) -> Path:
        return self._directory / checked(source_sha256)[:2] / f"{source_sha256}-{interpreter_key}"
