"""What stands around every event on its line of the ledger."""

import msgspec

from ppm.events.catalog import AnyEvent

GENESIS = "0" * 64
"""``prev`` of the first event."""


class Envelope(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A line of the ledger, field by field in the order of its bytes.

    ``seq`` counts from 1. ``id`` and ``run`` are UUIDv7 text. ``time`` is UTC, RFC 3339 with six
    digits of fraction and ``Z``. ``prev`` is the SHA-256 of the previous line's bytes without its
    newline. ``data`` is the event's own JSON.
    """

    seq: int
    id: str
    time: str
    type: str
    run: str
    actor: str
    prev: str
    data: msgspec.Raw


class Draft(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An event that has happened but has no place in the chain yet. Fields as in Envelope."""

    id: str
    time: str
    run: str
    actor: str
    event: AnyEvent


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An event in its place.

    ``digest`` is the SHA-256 of the line's bytes without newline, which the next record's ``prev``
    repeats; ``end`` is the byte offset in the ledger just after the line's newline.
    """

    seq: int
    id: str
    time: str
    run: str
    actor: str
    prev: str
    event: AnyEvent
    digest: str
    end: int


class Head(msgspec.Struct, frozen=True, gc=False):
    """The last record's place: its ``seq``, line digest and end offset; all zero when empty."""

    seq: int = 0
    digest: str = GENESIS
    end: int = 0
