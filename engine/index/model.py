"""What an index says, parsed once: project pages, files, core metadata."""

from __future__ import annotations

from collections.abc import Callable

import msgspec


class DistributionFile(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One file of a project page, as the simple API lists it (PEP 503, 691, 700, 714).

    ``url`` is absolute, without credentials and without fragment. ``kind`` is ``wheel`` or
    ``sdist``. ``sha256`` is lower-case hexadecimal or ``""``; ``size`` is in bytes, 0 if not said.
    ``requires_python`` is the specifier text or ``""``. ``yanked`` is ``None`` where the file is
    not yanked, else the reason (may be empty). ``upload_time`` is RFC 3339 or ``""``. ``metadata``
    is ``""`` where the index offers no metadata sibling, ``"true"`` where it does without a digest,
    else the sibling's SHA-256.
    """

    filename: str
    url: str
    kind: str
    version: str
    sha256: str = ""
    size: int = 0
    requires_python: str = ""
    yanked: str | None = None
    upload_time: str = ""
    metadata: str = ""


class Release:
    """All files of one version; ``version`` is normalised PEP 440 text.

    ``files`` may be given as a function that is called when they are first asked for: a resolver
    looks at a few versions of each project, and reading the files of all of them from the cache
    took most of a warm command's time.
    """

    __slots__ = ("_files", "version")

    def __init__(
        self,
        *,
        version: str,
        files: tuple[DistributionFile, ...] | Callable[[], tuple[DistributionFile, ...]],
    ) -> None:
        self.version = version
        self._files = files

    @property
    def files(self) -> tuple[DistributionFile, ...]:
        """In the order of the index."""
        if not isinstance(self._files, tuple):
            self._files = self._files()
        return self._files

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Release):
            return NotImplemented
        return self.version == other.version and self.files == other.files

    def __hash__(self) -> int:
        return hash((self.version, self.files))

    def __repr__(self) -> str:
        return f"Release(version={self.version!r}, files={self.files!r})"


class ProjectPage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A project on one index: releases newest first.

    ``index`` is the index's base URL without credentials. ``skipped`` are the files left out, each
    ``filename: reason``. ``status`` follows PEP 792.
    """

    name: str
    index: str
    releases: tuple[Release, ...]
    skipped: tuple[str, ...] = ()
    status: str = "active"


class CoreMetadata(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The part of a distribution's core metadata that resolving needs.

    ``requires_dist`` are PEP 508 texts as in METADATA; ``provides_extra`` normalised names.
    ``origin`` is the rung of the ladder it came from: ``sibling``, ``range``, ``wheel``, ``sdist``
    (static PKG-INFO) or ``build``. ``sha256`` is the digest of the METADATA bytes.
    """

    name: str
    version: str
    requires_python: str
    requires_dist: tuple[str, ...]
    provides_extra: tuple[str, ...]
    origin: str
    sha256: str
