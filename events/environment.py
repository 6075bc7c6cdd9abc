"""Environments: generations built and switched.

Package events are staged by the fold and take effect with the ``environment.switched`` of the same
run. All carry ``machine``, the random identity of the machine they are true on.
"""

from typing import ClassVar

from ppm.events.base import Event


class EnvironmentPlanned(Event, frozen=True, kw_only=True):
    """The intent of an apply: the digest of the plan and the generation it leads to.

    ``parent`` is the active generation it starts from, ``""`` for none. ``fetch`` counts the files
    to download and ``fetch_size`` their bytes where known.
    """

    type: ClassVar[str] = "environment.planned/1"
    machine: str
    plan: str
    parent: str
    fetch: int
    fetch_size: int


class PackageInstalled(Event, frozen=True, kw_only=True):
    """A package is part of the generation; ``previous`` is the version it replaces, or ``""``.

    ``sha256`` is the wheel's. ``requested`` is true where the user asked for it by name.
    """

    type: ClassVar[str] = "package.installed/1"
    machine: str
    generation: str
    name: str
    version: str
    previous: str
    sha256: str
    requested: bool


class PackageRemoved(Event, frozen=True, kw_only=True):
    """A package of the parent generation is not part of this one."""

    type: ClassVar[str] = "package.removed/1"
    machine: str
    generation: str
    name: str
    version: str


class GenerationBuilt(Event, frozen=True, kw_only=True):
    """A generation stands complete and synced under its final name.

    ``root`` is the Merkle root over its files (docs/ledger.md, "Tree roots"); ``lock`` the digest
    of the lock it was built from; ``interpreter`` the base interpreter's path; ``link_mode`` how
    its files were materialised (``hardlink``, ``reflink`` or ``copy``).
    """

    type: ClassVar[str] = "generation.built/1"
    machine: str
    generation: str
    root: str
    lock: str
    interpreter: str
    python: str
    link_mode: str
    packages: int
    files: int


class EnvironmentSwitched(Event, frozen=True, kw_only=True):
    """``.venv`` now is ``generation``; before it was ``previous`` (``""`` for none).

    ``parent`` is the generation that a step back leads to. ``reason`` is ``apply`` or ``rollback``.
    """

    type: ClassVar[str] = "environment.switched/1"
    machine: str
    generation: str
    previous: str
    parent: str
    reason: str


class DirectoryMovedAside(Event, frozen=True, kw_only=True):
    """A real directory stood where ``.venv`` belongs and was renamed, not destroyed."""

    type: ClassVar[str] = "directory.moved-aside/1"
    machine: str
    path: str
    moved_to: str
