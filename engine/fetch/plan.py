"""What is there, what has to come, and in which order: decided before anything is done."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ppm.engine.fetch.seams import Blobs, Wheels
from ppm.engine.store.model import StoredFile, WantedFile, WheelTree

WHEEL = "wheel"


class FetchPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What there is and what there is to do.

    ``missing`` are the files to download, each once, the largest first; ``stored`` the files that
    the store holds; ``trees`` the unpacked wheels by digest; ``unpack`` the stored wheels that are
    still to be unpacked, the largest first.
    """

    missing: tuple[WantedFile, ...]
    stored: tuple[StoredFile, ...]
    trees: dict[str, WheelTree]
    unpack: tuple[StoredFile, ...]


def identity(wanted: WantedFile) -> str:
    """What makes two wanted files one download: the digest, else the address."""
    return wanted.sha256 or wanted.url


def make_plan(wanted: Sequence[WantedFile], blobs: Blobs, wheels: Wheels) -> FetchPlan:
    """Ask the store for each file. May block."""
    once = {identity(file): file for file in reversed(wanted)}
    ordered = sorted(once.values(), key=lambda file: (-file.size, file.filename))
    stored: dict[str, StoredFile] = {}
    for file in ordered:
        if file.sha256 and blobs.has(file.sha256):
            stored[file.sha256] = already_stored(file, file.sha256, blobs.size(file.sha256))
    pinned_wheels = [file.sha256 for file in ordered if file.kind == WHEEL and file.sha256]
    trees = {sha256: tree for sha256 in pinned_wheels if (tree := wheels.tree(sha256)) is not None}
    return FetchPlan(
        missing=tuple(file for file in ordered if file.sha256 not in stored),
        stored=tuple(stored.values()),
        trees=trees,
        unpack=tuple(
            file
            for file in stored.values()
            if file.wanted.kind == WHEEL and file.sha256 not in trees
        ),
    )


def already_stored(wanted: WantedFile, sha256: str, size: int) -> StoredFile:
    """A file that did not have to come now: nothing hashed it."""
    return StoredFile(wanted=wanted, sha256=sha256, size=size, device="", fresh=False)
