"""The base class of every event and the word each is known by on disk."""

from collections.abc import Callable
from typing import ClassVar, TypeAlias

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A fact. Subclasses set ``type`` to ``subject.past-participle/version``.

    A shipped shape never changes: a new field means a new version and an upcaster
    (:mod:`ppm.events.retired`).
    """

    type: ClassVar[str]


Upcaster: TypeAlias = tuple[type[Event], Callable[[Event], Event]]
"""A retired shape and the function from it to the shape of the next version."""
