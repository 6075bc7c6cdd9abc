"""SHA-256 of many files: read by threads, hashed in batches, in memory that has a bound.

While one batch goes through the :class:`ppm.engine.ports.Hasher` the next ones are being read. A
large file goes through a lane of its own, piece by piece.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeAlias

from ppm.engine.files import storage_errors
from ppm.engine.folders import Found
from ppm.engine.ports import Hasher

# A batch ends at whichever comes first; one is hashed while at most _AHEAD others are in memory.
_BATCH_BYTES = 8 * 1024 * 1024
_BATCH_FILES = 512
_AHEAD = 3
# A larger file is not read whole.
_LARGE = 4 * 1024 * 1024
_PIECE = 1024 * 1024
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW


class Sized(NamedTuple):
    """A file to hash: its path as text, and its size as far as is known."""

    path: str
    size: int


_Read: TypeAlias = "list[bytes | str | None]"


def digests_of_files(files: Sequence[Sized], hasher: Hasher) -> Iterator[str | None]:
    """The digest of each file, in order; ``None`` for one that is not there. Follows no link.

    Raises:
        OSError: One cannot be read.
    """
    with ThreadPoolExecutor(os.cpu_count() or 1) as readers:
        waiting: deque[Future[_Read]] = deque()
        for batch in _batches(files):
            waiting.append(readers.submit(_read, batch, hasher))
            if len(waiting) > _AHEAD:
                yield from _hashed(waiting.popleft().result(), hasher)
        while waiting:
            yield from _hashed(waiting.popleft().result(), hasher)


def _batches(files: Sequence[Sized]) -> Iterator[Sequence[Sized]]:
    start = size = 0
    for place, file in enumerate(files, 1):
        size += min(file.size, _LARGE)
        if size >= _BATCH_BYTES or place - start >= _BATCH_FILES:
            yield files[start:place]
            start, size = place, 0
    if start < len(files):
        yield files[start:]


def _read(batch: Sequence[Sized], hasher: Hasher) -> _Read:
    """For each file its content, or its digest where it is large."""
    return [_content_or_digest(file, hasher) for file in batch]


def _content_or_digest(file: Sized, hasher: Hasher) -> bytes | str | None:
    try:
        descriptor = os.open(file.path, _FLAGS)
    except FileNotFoundError:
        return None
    try:
        if file.size > _LARGE:
            return _streamed(descriptor, hasher)
        content = os.read(descriptor, file.size + 1)
        if len(content) == file.size:
            return content
        # Not the size it had a moment ago.
        return content + b"".join(iter(lambda: os.read(descriptor, _PIECE), b""))
    finally:
        os.close(descriptor)


def _streamed(descriptor: int, hasher: Hasher) -> str:
    lane = hasher.open()
    while piece := os.read(descriptor, _PIECE):
        hasher.update(lane, piece)
    return hasher.finish(lane)


def _hashed(read: _Read, hasher: Hasher) -> Iterator[str | None]:
    digests = iter(hasher.digests([one for one in read if isinstance(one, bytes)]))
    for one in read:
        yield next(digests) if isinstance(one, bytes) else one


class FileReader:
    """Hashes each file once, however many names it has, and counts.

    Attributes:
        files: How many names were asked for.
        size: How many bytes were hashed.
    """

    def __init__(self, hasher: Hasher) -> None:
        self._hasher = hasher
        self._known: dict[tuple[int, int], str] = {}
        self.device = hasher.device
        self.files = 0
        self.size = 0

    def digests(self, root: str, found: Sequence[Found]) -> list[str | None]:
        """The digest of each file below ``root``, in order; ``None`` for one that is gone.

        Raises:
            StorageError: One cannot be read.
        """
        fresh = {one.inode: one for one in found if one.inode not in self._known}
        files = [Sized(f"{root}/{one.path}", one.size) for one in fresh.values()]
        with storage_errors(Path(root)):
            digests = list(digests_of_files(files, self._hasher))
        gone: set[tuple[int, int]] = set()
        for inode, digest in zip(fresh, digests, strict=True):
            if digest is None:
                gone.add(inode)
            else:
                self._known[inode] = digest
        self.files += len(found)
        self.size += sum(one.size for one in fresh.values())
        return [None if one.inode in gone else self._known[one.inode] for one in found]

    def forget(self) -> None:
        """Read again what is asked for again: a whole store is not kept in memory."""
        self._known.clear()
