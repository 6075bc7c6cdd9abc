"""One digest for a tree of files: RFC 6962 over path, mode and content (docs/ledger.md)."""

from __future__ import annotations

from collections.abc import Iterable

from ppm.engine.store.model import TreeFile
from ppm.events.chain import leaf_hash, merkle_root


def tree_root(files: Iterable[TreeFile]) -> str:
    """The Merkle root over ``files``, hexadecimal, whatever their order.

    A leaf is the UTF-8 text ``path NUL mode NUL sha256`` with mode ``644`` or ``755``; leaves are
    in the order of the bytes of their paths, which is that of code points.
    """
    ordered = sorted(files, key=lambda file: file.path)
    return merkle_root([leaf_hash(leaf(file)) for file in ordered]).hex()


def leaf(file: TreeFile) -> bytes:
    """The leaf that stands for one file."""
    mode = "755" if file.executable else "644"
    return f"{file.path}\0{mode}\0{file.sha256}".encode()
