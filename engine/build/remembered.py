"""Builds that several tasks want: done once, and not again where they failed for good."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Generic, TypeVar

from ppm.engine.build.lineage import CONTEXTUAL
from ppm.engine.errors import BuildError
from ppm.engine.index.once import OnceMap

T = TypeVar("T")


class Remembered(Generic[T]):
    """Results by key, and the builds that failed; other trouble is met anew by whoever asks next.

    A backend that takes minutes to fail would do so a second time for the resolver, after the
    prefetch.
    """

    def __init__(self) -> None:
        self._flights: OnceMap[str, T] = OnceMap()
        self._results: dict[str, T] = {}
        self._failures: dict[str, BuildError] = {}

    async def get(self, key: str, work: Callable[[], Awaitable[T]]) -> T:
        """The result of ``work``, done now, by another task, or before; raises what it raised."""
        return await self._flights.once(key, partial(self._answer, key, work))

    async def _answer(self, key: str, work: Callable[[], Awaitable[T]]) -> T:
        if key in self._failures:
            raise self._failures[key]
        if key not in self._results:
            try:
                self._results[key] = await work()
            except BuildError as error:
                if error.code not in CONTEXTUAL:
                    self._failures[key] = error
                raise
        return self._results[key]
