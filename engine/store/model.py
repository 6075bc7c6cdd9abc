"""What the store holds of a wheel once it is unpacked."""

from __future__ import annotations

import msgspec


class TreeFile(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One file of an unpacked wheel.

    ``path`` is as in the archive, with ``/``; ``sha256`` lower-case hexadecimal; ``size`` in bytes;
    ``executable`` where the archive's mode had an x bit.
    """

    path: str
    sha256: str
    size: int
    executable: bool


class EntryPoint(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A launcher to generate: ``kind`` is ``console`` or ``gui``; ``value`` is ``module:attr``."""

    kind: str
    name: str
    module: str
    attribute: str


class WheelTree(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The manifest of an unpacked wheel: everything an install needs without reading its files.

    ``sha256`` is the wheel file's digest, ``dist_info`` the name of its metadata directory,
    ``purelib`` its ``Root-Is-Purelib``. ``files`` are all archive files except RECORD, its
    signatures and shipped byte code, sorted by path. ``root`` is the Merkle root over them,
    hexadecimal (see docs/ledger.md, "Tree roots").
    """

    sha256: str
    name: str
    version: str
    dist_info: str
    purelib: bool
    files: tuple[TreeFile, ...]
    entry_points: tuple[EntryPoint, ...]
    root: str


class WantedFile(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A file to have in the store, of a locked package.

    ``url`` is absolute, without credentials. ``sha256`` may be ``""`` where nothing pins it yet;
    ``size`` in bytes, 0 if unknown. ``kind`` is ``wheel`` or ``sdist``.
    """

    name: str
    version: str
    filename: str
    url: str
    sha256: str
    size: int
    kind: str


class StoredFile(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A file that is in the store, synced, under its digest. ``device`` is what hashed it."""

    wanted: WantedFile
    sha256: str
    size: int
    device: str
    fresh: bool
