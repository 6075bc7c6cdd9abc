"""Shapes that PPM once wrote and still reads.

When an event gets a new version, its old class moves here under its old type word, with a function
from the old shape to the next one. Nothing has been retired yet.
"""

from __future__ import annotations

from ppm.events.base import Upcaster

RETIRED: dict[str, Upcaster] = {}
