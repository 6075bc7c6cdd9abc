"""Markers on a target: which of a distribution's requirements apply."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from ppm.engine.resolve.requirement import (
    Parsed,
    normalize_name,
    parse_requirement,
    split_marker,
)
from ppm.engine.target import Target

if TYPE_CHECKING:
    from packaging.markers import Marker

_EXTRA = r"""\bextra\s*==\s*(['"])([^'"]+)\1"""

_OR = r"\bor\b"


class TargetMarkers:
    """Evaluates PEP 508 markers on one target and remembers the answers."""

    def __init__(self, target: Target) -> None:
        self._variables = dict(target.markers)
        self._known: dict[tuple[str, str], bool] = {}

    def holds(self, marker: str, extra: str = "") -> bool:
        """Whether ``marker`` (``""`` always does) is true with ``extra`` asked for.

        Raises:
            ValueError: The marker does not parse, names an unknown variable, or compares what
                cannot be compared (the classes of :mod:`packaging.markers`).
        """
        if not marker:
            return True
        key = (marker, extra)
        known = self._known.get(key)
        if known is None:
            known = not _is_for_another_extra(marker, extra) and self._evaluate(marker, extra)
            self._known[key] = known
        return known

    def _evaluate(self, marker: str, extra: str) -> bool:
        try:
            return _parse_marker(marker).evaluate({**self._variables, "extra": extra})
        except KeyError as error:
            raise ValueError(f"the marker {marker!r} names an unknown variable") from error

    def applying(self, texts: Iterable[str], extra: str = "") -> Iterator[Parsed]:
        """The requirements that apply; with ``extra`` only those that it adds.

        Raises:
            ValueError: A requirement that applies, or a marker, is invalid.
        """
        for text in texts:
            head, marker = split_marker(text)
            if extra and ("extra" not in marker or self.holds(marker)):
                continue
            if self.holds(marker, extra):
                yield parse_requirement(head)


@lru_cache(1 << 14)
def _parse_marker(marker: str) -> Marker:
    from packaging.markers import Marker  # Many commands meet no marker at all.

    return Marker(marker)


def _is_for_another_extra(marker: str, extra: str) -> bool:
    """Whether a conjunction names an extra that is not ``extra``: no need to look further."""
    if re.search(_OR, marker):
        return False
    return any(normalize_name(match[2]) != extra for match in re.finditer(_EXTRA, marker))
