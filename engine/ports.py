"""The seams: small Protocols that return domain types, each with two real implementations.

Ledger: file and memory. Package source: cached, live index and folder. Blobs: directory and memory
(:mod:`ppm.engine.fetch.seams`). Hasher: hashlib and lanes on a GPU. Clock: system and stepping.
Each of these has one contract suite in ``tests/contracts`` that every implementation passes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from ppm.engine.index.model import CoreMetadata, DistributionFile, ProjectPage
from ppm.events.envelope import Draft, Head, Record


class Clock(Protocol):
    """Time and identity, the only places where they come from."""

    def now(self) -> str:
        """UTC, RFC 3339 with six digits of fraction and ``Z``."""
        ...

    def elapsed_us(self) -> int:
        """Microseconds on a monotonic clock with an arbitrary zero."""
        ...

    def new_id(self) -> str:
        """A fresh UUIDv7 (RFC 9562), lower-case text."""
        ...


class LedgerWriter(Protocol):
    """The exclusive right to append, held while the context of :meth:`Ledger.writer` is open."""

    head: Head

    def append(self, drafts: Sequence[Draft], *, sync: bool = True) -> tuple[Record, ...]:
        """Append all drafts with one write; with ``sync`` they are on the disk on return.

        Raises:
            StorageError: Nothing may be assumed about the drafts; the writer is closed for good.
        """
        ...


class Ledger(Protocol):
    """An append-only chain of events (docs/ledger.md)."""

    def read(self, after: Head = ...) -> Iterator[Record]:
        """Records after ``after`` in order, checking the chain.

        Raises:
            LedgerError: A line is not what the chain demands, named by its number.
        """
        ...

    def holds(self, head: Head) -> bool:
        """Whether ``head`` is the place of a record of this ledger (or the empty beginning).

        Raises:
            LedgerError: A line before it was changed.
        """
        ...

    def back(self, size: int) -> Head:
        """The last place that is ``size`` bytes or more before the end, else the beginning.

        It comes from one line: :meth:`holds` tells whether the chain leads there.
        """
        ...

    def writer(self) -> AbstractContextManager[LedgerWriter]:
        """Take the lock, repair a torn tail, stand at the head."""
        ...


class PackageSource(Protocol):
    """Where the resolver learns of versions and their metadata, synchronously.

    Implementations: the warm cache (raises :class:`NotCached` instead of waiting), the live index
    seen from the resolver's thread, and a folder of wheels.
    """

    def page(self, name: str) -> ProjectPage:
        """The project's page from the first index that has it.

        Args:
            name: Normalised project name.

        Raises:
            IndexFailure: ``code="UNKNOWN_PACKAGE"`` if no index has it; other codes for trouble.
            NotCached: The answer would need the network.
        """
        ...

    def metadata(self, file: DistributionFile) -> CoreMetadata:
        """The core metadata of one file, by the cheapest rung of the ladder that works.

        Raises:
            IndexFailure: ``code="INVALID_METADATA"`` for a file the resolver should leave out.
            NotCached: The answer would need the network.
        """
        ...


class NotCached(Exception):  # noqa: N818 - it is a signal, not an error
    """A :class:`PackageSource` that may not use the network has no fresh answer."""


class LiveSource(Protocol):
    """The asynchronous side of a package source: the same questions, awaited."""

    async def page(self, name: str) -> ProjectPage:
        """As :meth:`PackageSource.page`, never ``NotCached``."""
        ...

    async def metadata(self, file: DistributionFile) -> CoreMetadata:
        """As :meth:`PackageSource.metadata`, never ``NotCached``."""
        ...


class Hasher(Protocol):
    """SHA-256 of many messages at once. Digests are lower-case hexadecimal."""

    device: str

    def open(self) -> int:
        """A new lane."""
        ...

    def update(self, lane: int, data: bytes | bytearray | memoryview) -> None:
        """Append bytes to a lane's message."""
        ...

    def finish(self, lane: int) -> str:
        """Close the lane and return its digest."""
        ...

    def digests(self, messages: Sequence[bytes | memoryview]) -> list[str]:
        """One-shot: the digest of each message, in order."""
        ...


class Progress(Protocol):
    """Where the engine tells how far it is; the commands decide what a person sees."""

    def stage(self, text: str) -> None:
        """A new step began (``resolving``, ``downloading 12 files`` …)."""
        ...

    def expect(self, files: int, size: int) -> None:
        """So many files and bytes (0 if unknown) will be downloaded."""
        ...

    def advance(self, size: int) -> None:
        """So many more bytes arrived."""
        ...

    def detail(self, text: str) -> None:
        """A line that only ``--verbose`` shows."""
        ...
