"""Work that several tasks want is done once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

_Key = TypeVar("_Key")
_Result = TypeVar("_Result")


class OnceMap(Generic[_Key, _Result]):
    """Deduplicates work in flight, by key; results are not kept.

    The first task to ask does the work itself, so that none runs on behalf of nobody. If it is
    cancelled, one of the waiting tasks takes over.
    """

    def __init__(self) -> None:
        self._flights: dict[_Key, asyncio.Future[_Result]] = {}

    async def once(self, key: _Key, work: Callable[[], Awaitable[_Result]]) -> _Result:
        """The result of ``work``, or of the same work already under way; raises what it raises."""
        while (flight := self._flights.get(key)) is not None:
            await asyncio.wait([flight])
            if not flight.cancelled():
                return flight.result()
        flight = self._flights[key] = asyncio.get_running_loop().create_future()
        try:
            result = await work()
        except Exception as error:
            flight.set_exception(error)
            flight.exception()  # Marks it as seen: there may be nobody else who waits.
            raise
        else:
            flight.set_result(result)
            return result
        finally:
            del self._flights[key]
            flight.cancel()
