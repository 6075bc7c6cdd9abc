from __future__ import annotations

import asyncio

import pytest

from ppm.engine.index.once import OnceMap


class Work:
    def __init__(self) -> None:
        self.started = 0
        self.go = asyncio.Event()

    async def __call__(self) -> int:
        self.started += 1
        await self.go.wait()
        return self.started


def test_work_in_flight_is_shared_and_then_forgotten() -> None:
    async def run() -> None:
        flights: OnceMap[str, int] = OnceMap()
        work = Work()
        tasks = [asyncio.create_task(flights.once("x", work)) for _ in range(5)]
        await asyncio.sleep(0)
        work.go.set()
        assert await asyncio.gather(*tasks) == [1] * 5
        assert await flights.once("x", work) == 2

    asyncio.run(run())


def test_other_keys_do_not_wait() -> None:
    async def run() -> None:
        flights: OnceMap[str, int] = OnceMap()
        stuck, free = Work(), Work()
        free.go.set()
        task = asyncio.create_task(flights.once("x", stuck))
        await asyncio.sleep(0)
        assert await flights.once("y", free) == 1
        stuck.go.set()
        await task

    asyncio.run(run())


def test_cancelled_worker_hands_over() -> None:
    async def run() -> None:
        flights: OnceMap[str, int] = OnceMap()
        work = Work()
        first = asyncio.create_task(flights.once("x", work))
        await asyncio.sleep(0)
        second = asyncio.create_task(flights.once("x", work))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        work.go.set()
        assert await second == 2

    asyncio.run(run())


def test_cancelled_waiter_leaves_the_work_alone() -> None:
    async def run() -> None:
        flights: OnceMap[str, int] = OnceMap()
        work = Work()
        first = asyncio.create_task(flights.once("x", work))
        second = asyncio.create_task(flights.once("x", work))
        await asyncio.sleep(0)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        work.go.set()
        assert await first == 1

    asyncio.run(run())


def test_failure_reaches_everyone_and_is_not_kept() -> None:
    async def fail() -> int:
        await asyncio.sleep(0)
        raise ValueError("no")

    async def run() -> None:
        flights: OnceMap[str, int] = OnceMap()
        tasks = [asyncio.create_task(flights.once("x", fail)) for _ in range(3)]
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert [str(error) for error in done] == ["no"] * 3
        work = Work()
        work.go.set()
        assert await flights.once("x", work) == 1

    asyncio.run(run())
