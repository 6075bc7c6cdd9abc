"""What a project says of itself: its requirements and its settings."""

from __future__ import annotations

from pathlib import Path

import msgspec


class ProjectRoot(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where a project lives. ``initialized`` tells whether it has a ``.ppm`` folder yet."""

    path: Path
    initialized: bool


class ManifestRequirement(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One requirement where it is declared.

    ``group`` is ``""`` for the project's own, a normalised dependency group, or ``extra:NAME``.
    ``name`` is normalised; ``requirement`` is the PEP 508 text as written.
    """

    group: str
    name: str
    requirement: str


class GroupInclude(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """``{include-group = …}`` (PEP 735): after ``position`` requirements of ``group``."""

    group: str
    included: str
    position: int


class Backend(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A GPU backend (``cpu``, ``cu121`` …) and the index that has its builds."""

    name: str
    index: str


class Preference(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A version the resolver tries first and gives up before failing. ``specifier`` is PEP 440."""

    name: str
    specifier: str


class Settings(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """``[tool.ppm]`` of either manifest; ``""`` where nothing is said.

    ``python`` is a PEP 440 specifier (``^3.10`` became ``>=3.10,<4.0``). ``link_mode`` is ``auto``,
    ``reflink``, ``hardlink`` or ``copy``. ``index_url`` may hold credentials: redact it before it
    is shown or recorded. ``targets`` are the names of those the lock is for, each under its one
    spelling.
    """

    python: str = ""
    link_mode: str = ""
    index_url: str = ""
    default_gpu: str = ""
    backends: tuple[Backend, ...] = ()
    preferences: tuple[Preference, ...] = ()
    ledger_shared: bool = False
    package: bool = True
    targets: tuple[str, ...] = ()


class Manifest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A manifest as read.

    ``path`` is its file name (``pypm.toml`` or ``pyproject.toml``), ``sha256`` the digest of its
    bytes. ``requires_python`` is a PEP 440 specifier set, the project's own and the one of the
    settings together. ``requirements`` stand in the order of the file, each in the group that
    declares it; ``groups`` are all declared ones, empty ones too. ``warnings`` are for the person.
    ``is_package`` where the project itself belongs into its environment: it has a build system and
    ``package = false`` does not stand in its settings. ``version`` is its static one or ``""``.
    """

    path: str
    sha256: str
    name: str
    requires_python: str
    requirements: tuple[ManifestRequirement, ...]
    groups: tuple[str, ...]
    includes: tuple[GroupInclude, ...]
    settings: Settings
    warnings: tuple[str, ...]
    is_package: bool = False
    version: str = ""
