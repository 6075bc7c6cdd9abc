"""The Merkle tree over the ledger's lines: roots, inclusion and consistency proofs.

RFC 6962, section 2.1 (the same tree as RFC 9162, section 2.1), with SHA-256. A leaf is the bytes of
one line without its newline; leaf ``n`` (from 0) is the line with ``seq`` ``n + 1``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from struct import iter_unpack

from ppm.events.chain import leaf_hash

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()


class MerkleTree:
    """Grows by leaves and answers for each size it has had.

    Keeps the root of every full subtree, level by level: 64 bytes a leaf in all, each hash computed
    once however the leaves arrive.
    """

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        self._levels = [bytearray()]
        self.extend(leaves)

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return len(self._levels[0]) // HASH_SIZE

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Append leaves, given as their bytes."""
        self._levels[0] += b"".join([sha256(b"\x00" + leaf).digest() for leaf in leaves])
        height = 0
        while len(self._levels[height]) >= 2 * HASH_SIZE:
            if height + 1 == len(self._levels):
                self._levels.append(bytearray())
            self._complete(height)
            height += 1

    def _complete(self, height: int) -> None:
        """Hash the pairs of a level that its parent level does not have yet."""
        children, parents = self._levels[height], self._levels[height + 1]
        begin, pair = len(parents) * 2, 2 * HASH_SIZE
        fresh = bytes(children[begin : len(children) // pair * pair])
        parents += b"".join(
            [sha256(b"\x01" + two).digest() for (two,) in iter_unpack("64s", fresh)]
        )

    def root(self, size: int | None = None) -> bytes:
        """The root over the first ``size`` leaves; over all by default."""
        size = self._known(size)
        return self._over(0, size) if size else EMPTY_ROOT

    def inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """The hashes that lead from leaf ``index`` to the root over ``size`` leaves.

        RFC 6962, section 2.1.1; :func:`includes` checks them.
        """
        size = self._known(size)
        if not 0 <= index < size:
            raise IndexError(f"leaf {index} of {size}")
        start, proof = 0, []
        while size > 1:
            split = _split(size)
            if index - start < split:
                proof.append(self._over(start + split, start + size))
                size = split
            else:
                proof.append(self._over(start, start + split))
                start, size = start + split, size - split
        return proof[::-1]

    def consistency(self, old: int, size: int | None = None) -> list[bytes]:
        """The hashes that show the first ``old`` leaves to be the beginning of ``size`` leaves.

        RFC 6962, section 2.1.2; :func:`extends` checks them.
        """
        size = self._known(size)
        if not 0 < old <= size:
            raise IndexError(f"{old} leaves of {size}")
        start, whole, proof = 0, True, []
        while old < size:
            split = _split(size)
            if old <= split:
                proof.append(self._over(start + split, start + size))
                size = split
            else:
                proof.append(self._over(start, start + split))
                start, old, size, whole = start + split, old - split, size - split, False
        if not whole:
            proof.append(self._over(start, start + size))
        return proof[::-1]

    def _known(self, size: int | None) -> int:
        if size is None:
            return self.size
        if not 0 <= size <= self.size:
            raise IndexError(f"{size} leaves of {self.size}")
        return size

    def _over(self, start: int, end: int) -> bytes:
        """The root over the leaves from ``start`` to before ``end``, as the definition splits."""
        size = end - start
        height = size.bit_length() - 1
        if size == 1 << height and start % size == 0:
            at = start // size * HASH_SIZE
            return bytes(self._levels[height][at : at + HASH_SIZE])
        split = start + _split(size)
        return node_hash(self._over(start, split), self._over(split, end))


def _split(size: int) -> int:
    """The largest power of two below ``size`` (2 or more)."""
    return 1 << (size - 1).bit_length() - 1


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 6962 hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


def includes(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether ``proof`` shows ``leaf`` to be number ``index`` of ``size`` leaves under ``root``.

    RFC 9162, section 2.1.3.2.
    """
    if not 0 <= index < size:
        return False
    at, last, digest = index, size - 1, leaf_hash(leaf)
    for sibling in proof:
        if last == 0:
            return False
        if at % 2 or at == last:
            digest = node_hash(sibling, digest)
            while at % 2 == 0 and at:
                at, last = at >> 1, last >> 1
        else:
            digest = node_hash(digest, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and digest == root


def extends(old: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether ``proof`` shows the tree of ``size`` leaves to begin with the tree of ``old``.

    RFC 9162, section 2.1.4.2. Everything extends the empty tree.
    """
    if not 0 <= old <= size:
        return False
    if old in {0, size}:
        return not proof and old_root == (EMPTY_ROOT if old == 0 else root)
    if not proof:
        return False
    # A full old tree is a node of the new one; its root is then left out of the proof.
    path = [old_root, *proof] if old & (old - 1) == 0 else proof
    at, last = old - 1, size - 1
    while at % 2:
        at, last = at >> 1, last >> 1
    old_digest = digest = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if at % 2 or at == last:
            old_digest = node_hash(sibling, old_digest)
            digest = node_hash(sibling, digest)
            while at % 2 == 0 and at:
                at, last = at >> 1, last >> 1
        else:
            digest = node_hash(digest, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and (old_digest, digest) == (old_root, root)
