"""The pipeline with real neighbours, and stand-ins that note what they are told."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import anyio

from ppm.engine.errors import ArtifactError
from ppm.engine.fetch.limits import FetchLimits
from ppm.engine.fetch.pipeline import FetchedWheel, fetch
from ppm.engine.fetch.seams import Blobs
from ppm.engine.hashing.cpu import CpuHasher
from ppm.engine.index.credentials import Credentials
from ppm.engine.index.transport import Transport
from ppm.engine.ports import Hasher
from ppm.engine.store.memory_blobs import MemoryBlobStore
from ppm.engine.store.model import StoredFile, WantedFile, WheelTree

QUICK = FetchLimits(
    attempts=4,
    backoff_seconds=0.01,
    idle_seconds=0.3,
    rate_seconds=0.4,
    minimum_rate=1,
    total_seconds=20,
    piece_size=4096,
)


def some_bytes(size: int, seed: int = 0) -> bytes:
    """The same bytes for the same arguments, not compressible, no two blocks alike."""
    return random.Random(seed * 1_000_003 + size).randbytes(size)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def want(
    url: str, data: bytes | None = None, *, sha256: str = "", size: int = 0, kind: str = "wheel"
) -> WantedFile:
    """A file wanted at ``url``; pinned to ``data`` where that is given."""
    filename = url.rpartition("/")[2]
    if data is not None:
        sha256, size = digest(data), len(data)
    return WantedFile(
        name=filename.partition("-")[0],
        version="1.0",
        filename=filename,
        url=url,
        sha256=sha256,
        size=size,
        kind=kind,
    )


@dataclass
class NotedProgress:
    expected: tuple[int, int] = (0, 0)
    advanced: int = 0
    lines: list[str] = field(default_factory=list)

    def stage(self, text: str) -> None:
        self.lines.append(text)

    def expect(self, files: int, size: int) -> None:
        self.expected = (files, size)

    def advance(self, size: int) -> None:
        assert size > 0
        self.advanced += size

    def detail(self, text: str) -> None:
        self.lines.append(text)


@dataclass
class Shelf:
    """Unpacked wheels in a dict, and the pool that puts them there."""

    trees: dict[str, WheelTree] = field(default_factory=dict)
    unpacked: list[str] = field(default_factory=list)
    refuses: frozenset[str] = frozenset()
    takes: float = 0.0

    def tree(self, sha256: str) -> WheelTree | None:
        return self.trees.get(sha256)

    async def unpack(self, sha256: str, filename: str, name: str, version: str) -> WheelTree:
        self.unpacked.append(filename)
        await anyio.sleep(self.takes)
        if filename in self.refuses:
            raise ArtifactError(f"{filename} is hostile", code="HOSTILE")
        tree = WheelTree(
            sha256=sha256,
            name=name,
            version=version,
            dist_info=f"{name}-{version}.dist-info",
            purelib=True,
            files=(),
            entry_points=(),
            root=sha256,
        )
        self.trees[sha256] = tree
        return tree


@dataclass
class Bench:
    """One fetch after another over the same store."""

    blobs: Blobs = field(default_factory=MemoryBlobStore)
    shelf: Shelf = field(default_factory=Shelf)
    progress: NotedProgress = field(default_factory=NotedProgress)
    batches: list[tuple[StoredFile, ...]] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    limits: FetchLimits = QUICK
    hasher: Hasher = field(default_factory=CpuHasher)

    async def fetch(self, *wanted: WantedFile) -> tuple[FetchedWheel, ...]:
        async with Transport(
            credentials=Credentials(), attempts=3, connections=self.limits.connections
        ) as transport:
            return await fetch(
                wanted,
                transport=transport,
                blobs=self.blobs,
                wheels=self.shelf,
                hasher=self.hasher,
                unpack_pool=self.shelf,
                progress=self.progress,
                on_stored=self._note_stored,
                on_refused=self._note_refused,
                limits=self.limits,
            )

    async def _note_stored(self, files: Sequence[StoredFile]) -> None:
        self.batches.append(tuple(files))

    async def _note_refused(self, wanted: WantedFile, error: ArtifactError) -> None:
        self.refused.append((wanted.filename, error.code))

    @property
    def recorded(self) -> list[str]:
        return [file.wanted.filename for batch in self.batches for file in batch]
