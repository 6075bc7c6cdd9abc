"""Blobs in memory, for tests and dry runs: the same contract as the directory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from ppm.engine.store.blobs import CHUNK, checked, corrupt, missing


class MemoryIncoming:
    """:class:`Incoming` of a :class:`MemoryBlobStore`."""

    def __init__(self, store: MemoryBlobStore, key: str) -> None:
        self._store = store
        self._key = key
        self._data = store.partial.pop(key, bytearray()) if key else bytearray()

    @property
    def size(self) -> int:
        """Bytes so far."""
        return len(self._data)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append."""
        self._data += data

    def chunks(self) -> Iterator[bytes]:
        """What is there already, from the beginning."""
        for offset in range(0, len(self._data), CHUNK):
            yield bytes(self._data[offset : offset + CHUNK])

    def restart(self) -> None:
        """Forget what is there."""
        self._data.clear()

    def commit(self, sha256: str) -> None:
        """Give the bytes their name."""
        self._store.blobs.setdefault(checked(sha256), bytes(self._data))
        self.discard()

    def discard(self) -> None:
        """Delete what arrived."""
        self._key = ""

    def close(self) -> None:
        """Keep what arrived under a key."""
        if self._key:
            self._store.partial[self._key] = self._data
            self._key = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class MemoryBlobStore:
    """Blobs in a dict; ``partial`` holds what interrupted downloads left, by key."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.partial: dict[str, bytearray] = {}

    def has(self, sha256: str) -> bool:
        """Whether the blob is here."""
        return checked(sha256) in self.blobs

    def size(self, sha256: str) -> int:
        """Its size in bytes; raises ``BLOB_MISSING``."""
        return len(self._bytes(sha256))

    def incoming(self, key: str = "") -> MemoryIncoming:
        """Room to write a new blob into."""
        return MemoryIncoming(self, key)

    def read(self, sha256: str) -> bytes:
        """The blob's bytes, digested again; raises ``BLOB_MISSING`` or ``BLOB_CORRUPT``."""
        data = self._bytes(sha256)
        if hashlib.sha256(data).hexdigest() != sha256:
            self.remove(sha256)
            raise corrupt(sha256)
        return data

    def verify(self, sha256: str) -> None:
        """Digest the blob again; raises as :meth:`read`."""
        self.read(sha256)

    def remove(self, sha256: str) -> None:
        """Delete the blob if it is here."""
        self.blobs.pop(checked(sha256), None)

    def digests(self) -> Iterator[str]:
        """Every blob, in order of digest."""
        yield from sorted(self.blobs)

    def sync(self) -> None:
        """Memory is as durable as it gets."""

    def _bytes(self, sha256: str) -> bytes:
        try:
            return self.blobs[checked(sha256)]
        except KeyError:
            raise missing(sha256) from None
