"""What the project asks for."""

from typing import ClassVar

from ppm.events.base import Event


class RequirementAdded(Event, frozen=True, kw_only=True):
    """A requirement stands in the manifest.

    ``group`` is ``""`` for ``[project.dependencies]``, a dependency group's name, or
    ``extra:NAME`` for an optional dependency. ``requirement`` is PEP 508 text as written;
    ``name`` its normalised name.
    """

    type: ClassVar[str] = "requirement.added/1"
    group: str
    name: str
    requirement: str


class RequirementRemoved(Event, frozen=True, kw_only=True):
    """A requirement no longer stands in the manifest. Fields as in :class:`RequirementAdded`."""

    type: ClassVar[str] = "requirement.removed/1"
    group: str
    name: str
    requirement: str


class IntentMerged(Event, frozen=True, kw_only=True):
    """What became of something that another history asked for; ``ledger.merged`` follows.

    ``origin_id`` and ``origin_digest`` are the id and line digest of the event that asked there.
    ``kind`` is ``added`` or ``removed`` (a requirement, fields as in :class:`RequirementAdded`) or
    ``locked`` (``requirement`` is ``name==version``). ``outcome`` is ``reapplied``, ``held`` (it
    was so here already) or ``declined``.
    """

    type: ClassVar[str] = "intent.merged/1"
    origin_id: str
    origin_digest: str
    kind: str
    group: str
    name: str
    requirement: str
    outcome: str
