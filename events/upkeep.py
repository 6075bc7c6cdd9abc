"""Environments and the store looked after: verified, repaired, collected.

What was verified changes nothing; it is recorded with the query that asked.
"""

from typing import ClassVar

import msgspec

from ppm.events.base import Event


class Difference(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A file that is not what it should be.

    ``problem`` is ``changed``, ``missing`` or ``extra``. ``path`` is relative to the environment,
    or to the store. ``package`` is whose file it is, ``""`` where nobody's.
    """

    problem: str
    path: str
    package: str


class EnvironmentVerified(Event, frozen=True, kw_only=True):
    """Every file of a generation was read and held against the root that the ledger recorded.

    ``expected`` is that root, ``seen`` the one of what is on the disk; ``files`` were hashed on
    ``device``. ``differing`` counts the differences, ``differences`` tells the first hundred.
    """

    type: ClassVar[str] = "environment.verified/1"
    machine: str
    generation: str
    expected: str
    seen: str
    files: int
    device: str
    differing: int
    differences: tuple[Difference, ...]


class StoreVerified(Event, frozen=True, kw_only=True):
    """Blobs were held against their names and unpacked wheels against their records.

    ``scope`` is ``project`` or ``all``. Other fields as in :class:`EnvironmentVerified`.
    """

    type: ClassVar[str] = "store.verified/1"
    machine: str
    scope: str
    blobs: int
    wheels: int
    files: int
    device: str
    differing: int
    differences: tuple[Difference, ...]


class RepairPlanned(Event, frozen=True, kw_only=True):
    """The intent of a repair: the generation to build anew, the store entries to make again.

    ``wheels`` are the digests of damaged unpacked wheels and ``blobs`` those of damaged files.
    """

    type: ClassVar[str] = "repair.planned/1"
    machine: str
    generation: str
    wheels: tuple[str, ...]
    blobs: tuple[str, ...]
    differing: int
    differences: tuple[Difference, ...]


class GenerationRepaired(Event, frozen=True, kw_only=True):
    """A generation was built anew and put in place of the damaged one; its root is ``root``."""

    type: ClassVar[str] = "generation.repaired/1"
    machine: str
    generation: str
    root: str
    files: int


class GenerationCollected(Event, frozen=True, kw_only=True):
    """A generation that nothing needs any more was removed from this machine's project."""

    type: ClassVar[str] = "generation.collected/1"
    machine: str
    generation: str


class StoreCollected(Event, frozen=True, kw_only=True):
    """What no project refers to was removed from the store of ``machine``.

    ``blobs`` and ``wheels`` are digests; ``temporaries`` counts what dead writers had left;
    ``size`` is what all of it held, in bytes.
    """

    type: ClassVar[str] = "store.collected/1"
    machine: str
    blobs: tuple[str, ...]
    wheels: tuple[str, ...]
    temporaries: int
    size: int
