"""The project and the files of it that people edit."""

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


class LedgerMerged(Event, frozen=True, kw_only=True):
    """What another history asked for up to ``theirs_seq`` has been taken in, or decided against.

    The histories part after ``fork_seq``; ``ours_seq`` was the head here when it was decided. Each
    digest is that of the line. The last change of its run: without it the merge was cut short.
    """

    type: ClassVar[str] = "ledger.merged/1"
    theirs_seq: int
    theirs_digest: str
    fork_seq: int
    fork_digest: str
    ours_seq: int
    ours_digest: str
