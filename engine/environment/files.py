"""The values that layout, building and linking hand to each other."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from ppm.engine.store.model import WheelTree

LINK = "link"
SPECIAL = "special"

LinkMode: TypeAlias = Literal["auto", "hardlink", "reflink", "copy"]
"""How files come from the store; ``auto`` takes the first of the others that works."""


class Package(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A wheel that belongs to a generation, known without opening it.

    ``name`` is normalised; ``sha256`` the wheel's; ``requested`` where the user asked for it by
    name; ``direct_url`` the bytes of ``direct_url.json`` where it does not come from an index.
    """

    name: str
    version: str
    sha256: str
    requested: bool
    direct_url: bytes = b""


class Material(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A package, the manifest of its unpacked wheel, and the folder where its files lie."""

    package: Package
    tree: WheelTree
    directory: Path


class Placement(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A file that comes from the store.

    ``path`` is relative to the environment, ``source`` absolute. A ``private`` file has to be a
    copy, because its mode is not that of the store's file.
    """

    path: str
    source: str
    sha256: str
    size: int
    executable: bool
    private: bool = False


class Writing(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A file made for this environment. Fields as in :class:`Placement`."""

    path: str
    data: bytes
    sha256: str
    size: int
    executable: bool


def writing(path: str, data: bytes, *, executable: bool = False) -> Writing:
    """A :class:`Writing` of ``data``."""
    return Writing(path, data, sha256(data).hexdigest(), len(data), executable)


class TreeEntry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A file or link as it stands in an environment.

    ``mode`` is ``644``, ``755`` or ``link``; ``content`` the SHA-256, or the link's target. On the
    disk a device, pipe or socket may have turned up as well: ``special``, without content.
    """

    path: str
    mode: str
    content: str
