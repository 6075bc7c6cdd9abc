"""What the project asks for."""

from __future__ import annotations

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
