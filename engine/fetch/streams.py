"""Two things that anyio's streams and task groups leave to their users."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream

from ppm.engine.errors import PpmError

Item = TypeVar("Item")


def waiting_items(stream: MemoryObjectReceiveStream[Item]) -> list[Item]:
    """Everything that can be received without waiting."""
    items: list[Item] = []
    while True:
        try:
            items.append(stream.receive_nowait())
        except (anyio.WouldBlock, anyio.EndOfStream):
            return items


@contextmanager
def single_failure() -> Iterator[None]:
    """Raise the one failure that matters of those a task group gathered.

    That is a fault of the program if there is one, else the first :class:`PpmError`; what the other
    tasks met while they were being stopped follows from it.
    """
    try:
        yield
    except BaseExceptionGroup as group:
        leaves = list(_leaves(group))
        faults = [leaf for leaf in leaves if not isinstance(leaf, PpmError)]
        failure = (faults or leaves)[0]
        raise failure from failure.__cause__


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
