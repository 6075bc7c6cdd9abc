"""Which build waits for which: a build requirement may itself have to be built.

Builds and questions for metadata are shared between tasks, so a circle does not show as a
recursion: it shows as tasks that wait for each other for ever. Who is about to wait says so here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from ppm.engine.errors import BuildError

MAX_DEPTH = 6

CYCLE = "BUILD_CYCLE"
TOO_DEEP = "BUILD_DEPTH"
CONTEXTUAL = frozenset({CYCLE, TOO_DEEP})
"""Failures that depend on who asks: the next one may get another answer."""


class Step(NamedTuple):
    """A source distribution: what identifies it, and what it is called."""

    key: str
    label: str


_lineage: ContextVar[tuple[Step, ...]] = ContextVar("lineage", default=())


@contextmanager
def building(step: Step) -> Iterator[None]:
    """Within the block, tasks and threads included, everything is done to build ``step``."""
    token = _lineage.set((*_lineage.get(), step))
    try:
        yield
    finally:
        _lineage.reset(token)


class Waiting:
    """The builds that wait, and for what."""

    def __init__(self) -> None:
        self._edges: Counter[tuple[Step, Step]] = Counter()

    @contextmanager
    def waits_for(self, wanted: Step) -> Iterator[None]:
        """Within the block the current build waits for ``wanted``; outside any build it may.

        Raises:
            BuildError: ``BUILD_CYCLE`` or ``BUILD_DEPTH``.
        """
        lineage = _lineage.get()
        if not lineage:
            yield
            return
        if circle := self._path(wanted, lineage[-1]):
            raise _cycle([*circle, wanted])
        if len(lineage) >= MAX_DEPTH:
            raise _too_deep([*lineage, wanted])
        edge = (lineage[-1], wanted)
        self._edges[edge] += 1
        try:
            yield
        finally:
            self._edges[edge] -= 1

    def _path(self, start: Step, end: Step) -> list[Step]:
        """From ``start`` along the edges to ``end``; empty if there is no way."""
        reached = {start: [start]}
        waiting = [start]
        while waiting:
            here = waiting.pop()
            if here.key == end.key:
                return reached[here]
            for (source, target), count in self._edges.items():
                if count and source.key == here.key and target not in reached:
                    reached[target] = [*reached[here], target]
                    waiting.append(target)
        return []


def _cycle(steps: list[Step]) -> BuildError:
    return BuildError(
        f"building goes round in a circle: {_chain(steps)}",
        code=CYCLE,
        hint="one of them needs a version that has a wheel",
    )


def _too_deep(steps: list[Step]) -> BuildError:
    return BuildError(
        f"building needs too many other builds first: {_chain(steps)}",
        code=TOO_DEEP,
        hint="one of them needs a version that has a wheel",
    )


def _chain(steps: list[Step]) -> str:
    return ", which needs ".join(step.label for step in steps)
