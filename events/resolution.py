"""How requirements became a lock.

Package events are staged by the fold and take effect with the ``resolution.completed`` or
``lock.adopted`` of the same run, so that a run cut short changes no lock.
"""

from typing import ClassVar

import msgspec

from ppm.events.base import Event


class LockedFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """One file a locked package may be installed from.

    ``url`` is absolute without credentials, or a path relative to the project; ``sha256`` is 64
    lower-case hexadecimal digits; ``size`` is in bytes, 0 where the index did not say; ``kind`` is
    ``wheel`` or ``sdist``, or says what a direct reference led to: ``directory`` and ``editable``
    (``url`` is a folder) or ``git`` (``url`` ends in ``@`` and the commit). ``sha256`` is then the
    digest of the sources.
    """

    filename: str
    url: str
    sha256: str
    size: int
    kind: str


class PackageLocked(Event, frozen=True, kw_only=True):
    """A package entered the lock or changed in it.

    ``target`` names the Python and platform (``linux-x86_64-py3.11``). ``dependencies`` are PEP 508
    requirements without markers, those that apply on the target with the package's ``extras``.
    ``groups`` are the requirement groups (as in ``requirement.added``) that reach it. ``previous``
    is the version it replaces, or ``""``. ``source`` is the direct reference that the project makes
    for it, without credentials, ``""`` where it comes from an index.
    """

    type: ClassVar[str] = "package.locked/1"
    target: str
    name: str
    version: str
    previous: str
    index: str
    extras: tuple[str, ...]
    groups: tuple[str, ...]
    requires_python: str
    dependencies: tuple[str, ...]
    files: tuple[LockedFile, ...]
    source: str


class PackageUnlocked(Event, frozen=True, kw_only=True):
    """A package left the lock."""

    type: ClassVar[str] = "package.unlocked/1"
    target: str
    name: str
    version: str


class CandidateRejected(Event, frozen=True, kw_only=True):
    """The resolver passed over a version. ``reason`` says which requirement of whom it failed."""

    type: ClassVar[str] = "candidate.rejected/1"
    name: str
    version: str
    reason: str


class BackendChosen(Event, frozen=True, kw_only=True):
    """The GPU backend whose builds the resolution that follows takes for this machine.

    ``backend`` is ``""`` for none and ``index`` its index without credentials. ``asked`` is what
    the command line or the settings say (``auto``, ``cu121``), ``evidence`` what the machine was
    seen to have.
    """

    type: ClassVar[str] = "backend.chosen/1"
    backend: str
    index: str
    asked: str
    evidence: tuple[str, ...]


class PreferenceReleased(Event, frozen=True, kw_only=True):
    """Nothing fits within a preference of the settings: it was given up. ``reason`` says why."""

    type: ClassVar[str] = "preference.released/1"
    requirement: str
    reason: str


class ResolutionCompleted(Event, frozen=True, kw_only=True):
    """A resolution succeeded; the staged package events are the new lock.

    ``requirements`` is the digest of what was resolved, ``pylock`` of the ``pylock.toml`` written.
    ``rounds`` counts resolver steps, ``metadata`` the metadata files that had to be fetched.
    """

    type: ClassVar[str] = "resolution.completed/1"
    targets: tuple[str, ...]
    requirements: str
    pylock: str
    packages: int
    rounds: int
    metadata: int


class ResolutionFailed(Event, frozen=True, kw_only=True):
    """No set of versions fits. ``explanation`` is what the user was told."""

    type: ClassVar[str] = "resolution.failed/1"
    requirements: str
    explanation: str


class LockAdopted(Event, frozen=True, kw_only=True):
    """``pylock.toml`` differed from what the ledger last recorded and was taken as it is.

    The staged package events of the same run say what changed.
    """

    type: ClassVar[str] = "lock.adopted/1"
    path: str
    sha256: str
    targets: tuple[str, ...]
