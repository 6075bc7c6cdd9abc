"""Maps that grow while a ledger is folded."""

from __future__ import annotations

from typing import TypeVar

ValueT = TypeVar("ValueT")


class Maps:
    """Adds entries to maps; a map is copied once in a fold, not once an event.

    A fold gives away its last state alone. What it has copied is in no other state, and may grow
    in place until then; the maps that it was given are never touched. Without this a fold takes
    the square of the number of snapshots.
    """

    def __init__(self) -> None:
        self._own: dict[int, object] = {}  # By identity; held here, so that none is given twice.

    def put(self, map_: dict[str, ValueT], key: str, value: ValueT) -> dict[str, ValueT]:
        """``map_`` with one more entry."""
        if id(map_) not in self._own:
            map_ = dict(map_)
            self._own[id(map_)] = map_
        map_[key] = value
        return map_
