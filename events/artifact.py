"""Wheels and sdists: fetched, built, refused."""

from typing import ClassVar

from ppm.events.base import Event


class ArtifactFetched(Event, frozen=True, kw_only=True):
    """A file arrived whole, hashed to ``sha256`` on ``device``, and is synced in the store.

    ``size`` is in bytes; ``source`` is the URL without credentials.
    """

    type: ClassVar[str] = "artifact.fetched/1"
    name: str
    version: str
    filename: str
    sha256: str
    size: int
    source: str
    device: str


class ArtifactBuilt(Event, frozen=True, kw_only=True):
    """A wheel was built from a source distribution, a folder or a repository (PEP 517, PEP 660).

    ``source_sha256`` is the sdist or the digest of the sources, ``sha256`` the wheel, ``requires``
    the exact build requirements (``name==version``) that were in the isolated environment.
    """

    type: ClassVar[str] = "artifact.built/1"
    name: str
    version: str
    filename: str
    sha256: str
    size: int
    source_sha256: str
    backend: str
    requires: tuple[str, ...]


class ArtifactRefused(Event, frozen=True, kw_only=True):
    """A file was refused. ``code`` is stable; nothing of the file was installed or run."""

    type: ClassVar[str] = "artifact.refused/1"
    name: str
    version: str
    filename: str
    source: str
    code: str
    reason: str
