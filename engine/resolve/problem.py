"""What is to be resolved, and what came of it: values only."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from ppm.engine.index.model import CoreMetadata, DistributionFile
from ppm.engine.target import Target
from ppm.events.resolution import LockedFile

Prereleases: TypeAlias = Literal["if-necessary-or-explicit", "allow", "disallow", "explicit"]
Strategy: TypeAlias = Literal["highest", "lowest", "lowest-direct"]

EVERYTHING = ":all:"
"""In the place of a package's name: every package."""


class RootRequirement(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A requirement of the project; ``group`` as in :mod:`ppm.events.requirement`."""

    group: str
    requirement: str


class Policy(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Which versions and files may be taken, and which are liked best.

    ``prereleases``: ``allow`` and ``disallow`` mean all and none; ``explicit`` takes them only
    where a requirement or constraint on the package names one (``>=2.0rc1``);
    ``if-necessary-or-explicit`` also where nothing else satisfies. ``upgrade`` forgets all
    preferences, ``upgrade_packages`` those of the named ones. ``exclude_newer`` is an RFC 3339
    time, or a date that is included whole; files uploaded then or later do not exist. ``no_build``
    leaves out every source distribution, ``only_binary`` those of the named packages,
    ``no_binary`` the wheels of the named packages; ``:all:`` names every package. ``wishes`` are
    PEP 508 texts without extras that limit packages as long as something fits within them.
    """

    prereleases: Prereleases = "if-necessary-or-explicit"
    resolution: Strategy = "highest"
    upgrade: bool = False
    upgrade_packages: tuple[str, ...] = ()
    exclude_newer: str = ""
    no_build: bool = False
    no_binary: tuple[str, ...] = ()
    only_binary: tuple[str, ...] = ()
    wishes: tuple[str, ...] = ()


class Preference(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A version that the lock pins: taken as long as it satisfies, so that little changes.

    ``source`` and ``file`` are the lock's where the package is from a direct reference.
    """

    name: str
    version: str
    source: str = ""
    file: LockedFile | None = None


class Direct(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A package that the project names a place for: the only candidate of its name.

    ``source`` is the reference as :attr:`ppm.engine.direct.reference.Reference.source` spells it;
    ``file`` what it came to, of a kind in :mod:`ppm.engine.direct.locked`.
    """

    name: str
    source: str
    file: DistributionFile
    metadata: CoreMetadata


class Problem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Everything a resolution depends on except what the package source says.

    ``constraints`` are PEP 508 texts without extras that limit a package if something needs it.
    ``directs`` has an entry for each root that is a direct reference.
    """

    roots: tuple[RootRequirement, ...]
    target: Target
    constraints: tuple[str, ...] = ()
    preferences: tuple[Preference, ...] = ()
    policy: Policy = Policy()
    directs: tuple[Direct, ...] = ()


class ResolvedPackage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One package of the answer.

    ``extras`` are those asked for, also where the version does not know them. ``groups`` are the
    root groups that reach it. ``dependencies`` are PEP 508 texts without markers, those that apply
    on the target with ``extras``, its own extras (``name[extra]``) among them. ``file`` is the best
    one for the target. ``metadata_sha256`` is the digest of the metadata that was resolved with and
    ``metadata_origin`` the rung it came from. ``source`` is the direct reference it comes from,
    ``""`` for a package of an index.
    """

    name: str
    version: str
    index: str
    extras: tuple[str, ...]
    groups: tuple[str, ...]
    requires_python: str
    dependencies: tuple[str, ...]
    file: DistributionFile
    is_sdist: bool
    metadata_sha256: str
    metadata_origin: str
    source: str = ""


class Rejection(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A version that would have come before the chosen one, and why it was passed over."""

    name: str
    version: str
    reason: str


class GivenUp(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A wish that nothing fits within, and why."""

    wish: str
    reason: str


class Resolution(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A set of versions that fits.

    ``packages`` are sorted by name. ``rounds`` counts the resolver's steps and ``metadata_count``
    the distributions whose metadata it looked at; both depend only on problem and source.
    """

    packages: tuple[ResolvedPackage, ...]
    rejections: tuple[Rejection, ...]
    rounds: int
    metadata_count: int
    warnings: tuple[str, ...]
    given_up: tuple[GivenUp, ...] = ()
