"""The project and the files of it that people edit."""

from __future__ import annotations

from typing import ClassVar

from ppm.events.base import Event


class ProjectInitialized(Event, frozen=True, kw_only=True):
    """The ledger begins. ``ledger`` is its identity, ``manifest`` the manifest's file name."""

    type: ClassVar[str] = "project.initialized/1"
    ledger: str
    name: str
    manifest: str


class ManifestWritten(Event, frozen=True, kw_only=True):
    """PPM wrote the manifest; ``sha256`` is the digest of the bytes it wrote."""

    type: ClassVar[str] = "manifest.written/1"
    path: str
    sha256: str


class ManifestChanged(Event, frozen=True, kw_only=True):
    """The manifest differs from what the ledger last recorded: somebody else edited it.

    The events of the requirements that changed follow in the same run.
    """

    type: ClassVar[str] = "manifest.changed/1"
    path: str
    sha256: str
    added: tuple[str, ...]
    removed: tuple[str, ...]


class LedgerRepaired(Event, frozen=True, kw_only=True):
    """A torn last line was cut off and kept beside the ledger."""

    type: ClassVar[str] = "ledger.repaired/1"
    kept: str
    size: int
    sha256: str
