"""The digest of an environment's tree (docs/ledger.md, "Tree roots").

An RFC 6962 tree (:func:`ppm.events.chain.merkle_root`) over one leaf a file, ordered by the bytes
of the leaf:

    <path> NUL <644 or 755> NUL <SHA-256 of the content, hexadecimal>
    <path> NUL link NUL <target>                                        for a symbolic link

Paths are relative to the environment, with ``/``, in UTF-8; the mode is 755 where the owner may
execute. Left out are directories, byte code (``__pycache__``, which running programs write) and
PPM's own two records of the generation, one of which names this very root.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from stat import S_IXUSR

from ppm.engine.environment.files import LINK, SPECIAL, TreeEntry
from ppm.engine.environment.generation import HEADER_NAME, INVENTORY_NAME
from ppm.engine.files import storage_errors
from ppm.engine.ports import Hasher
from ppm.events.chain import leaf_hash, merkle_root

_OWN_RECORDS = frozenset({HEADER_NAME, INVENTORY_NAME})
_BYTE_CODE = "__pycache__"
# A batch is what is in memory at once; a file above the chunk goes through a lane of its own.
_BATCH = 32 * 1024 * 1024
_CHUNK = 1024 * 1024


def root_of(entries: Iterable[TreeEntry]) -> str:
    """The root over entries in any order, hexadecimal."""
    leaves = [
        f"{entry.path}\0{entry.mode}\0{entry.content}".encode("utf-8", "surrogateescape")
        for entry in entries
    ]
    leaves.sort()
    return merkle_root([leaf_hash(leaf) for leaf in leaves]).hex()


def tree_root(directory: Path, hasher: Hasher) -> str:
    """The root of what is on the disk now, every byte read; raises as :func:`read_tree`."""
    return root_of(read_tree(directory, hasher))


def read_tree(directory: Path, hasher: Hasher) -> Iterator[TreeEntry]:
    """Every entry of the environment at ``directory``, hashed in batches.

    Raises:
        StorageError: Something cannot be read.
    """
    with storage_errors(directory):
        yield from _read(f"{directory}/", hasher)


def _read(root: str, hasher: Hasher) -> Iterator[TreeEntry]:
    batch: list[tuple[str, str, bytes]] = []
    size = 0
    for path, mode, length in _walk(root):
        full = root + path
        if mode == LINK:
            yield TreeEntry(path, mode, os.readlink(full))  # noqa: PTH115 - text, for speed
        elif mode == SPECIAL:
            yield TreeEntry(path, mode, "")
        elif length > _CHUNK:
            yield TreeEntry(path, mode, _streamed(full, hasher))
        else:
            batch.append((path, mode, _content(full)))
            size += length
        if size > _BATCH:
            yield from _hashed(batch, hasher)
            batch, size = [], 0
    yield from _hashed(batch, hasher)


def _hashed(batch: list[tuple[str, str, bytes]], hasher: Hasher) -> Iterator[TreeEntry]:
    digests = hasher.digests([data for _, _, data in batch])
    for (path, mode, _), digest in zip(batch, digests, strict=True):
        yield TreeEntry(path, mode, digest)


def _content(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - thousands of them
        return file.readall()


def _streamed(path: str, hasher: Hasher) -> str:
    lane = hasher.open()
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - as above
        while chunk := file.read(_CHUNK):
            hasher.update(lane, chunk)
    return hasher.finish(lane)


def _walk(root: str) -> Iterator[tuple[str, str, int]]:
    """Path, mode and size of everything that is not a directory; links are not followed."""
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        with os.scandir(root + prefix) as found:
            for item in found:
                path = prefix + item.name
                if item.is_symlink():
                    yield path, LINK, 0
                elif item.is_dir():
                    if item.name != _BYTE_CODE:
                        waiting.append(path + "/")
                elif not item.is_file():
                    yield path, SPECIAL, 0
                elif path not in _OWN_RECORDS:
                    status = item.stat()
                    yield path, "755" if status.st_mode & S_IXUSR else "644", status.st_size
