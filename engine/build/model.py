"""The values that the parts of a build hand to each other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import msgspec

from ppm.engine.store.model import WheelTree
from ppm.events.artifact import ArtifactBuilt

KIB = 1024
MIB = 1024**2
GIB = 1024**3


class SourceLimits(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How large an unpacked source distribution may be.

    ``size`` is in bytes and counts everything in the archive, headers too. From ``ratio_from``
    bytes on it may not be over ``ratio`` times what the packed file has.
    """

    members: int = 100_000
    size: int = 4 * GIB
    ratio: int = 100
    ratio_from: int = 64 * MIB


class HookLimits(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Bounds of one call of a build backend: its time, and the bytes of its output to remember."""

    seconds: float = 30 * 60.0
    log_size: int = 64 * KIB


class BuildSystem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The ``[build-system]`` table, or what stands for a missing one.

    ``backend_path`` are folders of the source tree, relative, with ``/``.
    """

    requires: tuple[str, ...]
    backend: str
    backend_path: tuple[str, ...] = ()


class BuildEnvironment(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A throw-away environment: its interpreter, and what is in it as exact ``name==version``."""

    python: Path
    requires: tuple[str, ...]


Provision: TypeAlias = Callable[[tuple[str, ...]], Awaitable[BuildEnvironment]]
"""Makes an environment with these requirements (PEP 508 texts) and what they need."""


class BackendWheel(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a build backend made: not looked into yet."""

    path: Path
    backend: str
    requires: tuple[str, ...]


class SourceTree(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Sources that are no source distribution: of a folder, a repository, an archive's part.

    ``name`` is the project's, normalised; ``label`` is for messages; ``key`` is what the wheel is
    kept under, 64 hexadecimal digits: equal keys, equal wheels. ``prepare`` blocks; it gets a path
    where nothing stands and gives the folder that is built, which may be another one. With
    ``editable`` the wheel only leads to that folder (PEP 660).
    """

    name: str
    label: str
    key: str
    prepare: Callable[[Path], Path]
    editable: bool = False


class BuiltRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A wheel and what it was made of. Fields as in :class:`ppm.events.artifact.ArtifactBuilt`."""

    name: str
    version: str
    filename: str
    sha256: str
    size: int
    source_sha256: str
    backend: str
    requires: tuple[str, ...]

    def event(self) -> ArtifactBuilt:
        """The fact to record."""
        return ArtifactBuilt(
            name=self.name,
            version=self.version,
            filename=self.filename,
            sha256=self.sha256,
            size=self.size,
            source_sha256=self.source_sha256,
            backend=self.backend,
            requires=self.requires,
        )


class BuiltWheel(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A built wheel that is in the store, synced and unpacked.

    ``fresh`` where it was built just now, not found from an earlier build.
    """

    record: BuiltRecord
    tree: WheelTree
    fresh: bool
