"""Which bytes of which messages are hashed in the next launch.

A launch ends with its last lane, and a lane is slow: what a launch takes of one message is bounded,
and what a window holds is shared so that no piece is longer than it has to be. The longest messages
take part in every window, so that none is left to run alone at the end. The pieces of a window come
with the most blocks first: lanes that run together end together. ``breath_plan.h`` does the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

BLOCK = 64
# Pieces begin on a sector of the device's memory.
ALIGNMENT = 32
# What a message may count on in a window that it has a place in.
SHARE = 4096
# The most that one launch hashes of one message.
MOST = 1024 * 1024


class Piece(NamedTuple):
    """``size`` bytes of a message from ``start`` on, put at ``begin`` of the window."""

    message: int
    start: int
    size: int
    begin: int
    ends: bool


class _Left(NamedTuple):
    message: int
    start: int
    size: int


def padded(size: int) -> int:
    """``size`` up to where the next piece may begin."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def windows(sizes: Sequence[int], *, window: int, most: int) -> Iterator[list[Piece]]:
    """Cut messages of these sizes into pieces for windows of ``window`` bytes and ``most`` pieces.

    Pieces are whole blocks, but for the last of a message. Every message has one that ends it, an
    empty message too; a message's pieces come in order, at most one in a window.
    """
    left = sorted(
        (_Left(message, 0, size) for message, size in enumerate(sizes)), key=_blocks, reverse=True
    )
    while left:
        taken = _prefix(left, window, most)
        pieces = _shared(left[:taken], window)
        yield pieces
        rest = [
            _Left(piece.message, piece.start + piece.size, one.size - piece.size)
            for one, piece in zip(left, pieces, strict=False)
            if not piece.ends
        ]
        # Both parts are in order; sorting finds that out and merges them.
        left = sorted(rest + left[taken:], key=_blocks, reverse=True)


def _blocks(left: _Left) -> int:
    return left.size // BLOCK


def _prefix(left: Sequence[_Left], window: int, most: int) -> int:
    """How many of the messages have a place in the window with their share."""
    space = window
    for place, one in enumerate(left[:most]):
        space -= padded(min(one.size, SHARE))
        if space < 0:
            return place
    return min(len(left), most)


def _shared(left: Sequence[_Left], window: int) -> list[Piece]:
    """A piece of each; what the short ones do not need of theirs is there for the longer."""
    space = window
    sizes = [0] * len(left)
    for place in reversed(range(len(left))):
        fair = min(space // (place + 1), MOST)
        size = left[place].size
        sizes[place] = size if padded(size) <= fair else fair // BLOCK * BLOCK
        space -= padded(sizes[place])
    pieces = []
    begin = 0
    for (message, start, whole), size in zip(left, sizes, strict=True):
        pieces.append(Piece(message, start, size, begin, ends=size == whole))
        begin += padded(size)
    return pieces
