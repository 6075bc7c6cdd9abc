"""What the pipeline asks of its neighbours, and no more.

The transport is :mod:`ppm.engine.index.transport`; blobs, trees and the pool are in
:mod:`ppm.engine.store`. Blocking methods are called in threads.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from ppm.engine.errors import IndexFailure
from ppm.engine.store.model import WheelTree


class Answer(Protocol):
    """A final HTTP answer; its body is read once, inside the context that gave it."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Case-insensitive."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it is on the wire; ``IndexFailure`` where it breaks or ends early."""
        ...

    def unexpected(self) -> IndexFailure:
        """The failure to raise for a status the caller has no use for."""
        ...


class Source(Protocol):
    """Where files come from: redirects, logins and retries of the request are its own affair."""

    def get(
        self, url: str, headers: Mapping[str, str] = ...
    ) -> AbstractAsyncContextManager[Answer]:
        """GET ``url``; raises ``IndexFailure`` for what no caller could use."""
        ...


class Incoming(Protocol):
    """A private file on its way into the store."""

    @property
    def size(self) -> int:
        """How many bytes it holds."""
        ...

    def write(self, data: bytes) -> None:
        """Append."""
        ...

    def chunks(self) -> Iterator[bytes]:
        """What it holds, from the beginning."""
        ...

    def restart(self) -> None:
        """Forget every byte."""
        ...

    def commit(self, sha256: str) -> None:
        """Give the bytes their final name."""
        ...

    def discard(self) -> None:
        """Remove them."""
        ...

    def close(self) -> None:
        """Leave them for the next try, if they came under a key."""
        ...


class Blobs(Protocol):
    """Files by their digest."""

    def has(self, sha256: str) -> bool:
        """Whether the blob is there."""
        ...

    def size(self, sha256: str) -> int:
        """Its size in bytes."""
        ...

    def incoming(self, key: str = "") -> Incoming:
        """A file to write into; with a key, one that may hold what an earlier try left."""
        ...

    def sync(self) -> None:
        """Make what was committed so far durable."""
        ...


class Wheels(Protocol):
    """Unpacked wheels by the digest of their file."""

    def tree(self, sha256: str) -> WheelTree | None:
        """The manifest of the unpacked wheel, ``None`` if it is not there."""
        ...


class Unpacker(Protocol):
    """Processes that unpack."""

    async def unpack(self, sha256: str, filename: str, name: str, version: str) -> WheelTree:
        """Unpack a stored wheel; ``ArtifactError`` for one that is not what it should be."""
        ...
