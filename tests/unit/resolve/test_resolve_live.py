"""Resolving while an index is asked: concurrency, economy, failures, cancellation."""

from __future__ import annotations

from collections import Counter
from functools import partial

import anyio
import pytest
from support.universe import Universe, problem

from ppm.engine.errors import IndexFailure, RequirementError, ResolutionError
from ppm.engine.index.model import CoreMetadata, DistributionFile, ProjectPage
from ppm.engine.resolve.live import resolve_live
from ppm.engine.resolve.solve import resolve


class SlowIndex:
    """A universe behind a delay; counts what is asked and how much of it at once."""

    def __init__(self, universe: Universe, delay: float = 0.002) -> None:
        self._universe = universe
        self._delay = delay
        self.pages: Counter[str] = Counter()
        self.files: Counter[str] = Counter()
        self.under_way = 0
        self.most_under_way = 0

    async def page(self, name: str) -> ProjectPage:
        self.pages[name] += 1
        await self._wait()
        return self._universe.page(name)

    async def metadata(self, file: DistributionFile) -> CoreMetadata:
        self.files[file.filename] += 1
        await self._wait()
        return self._universe.metadata(file)

    async def _wait(self) -> None:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await anyio.sleep(self._delay)
        finally:
            self.under_way -= 1


class Notes:
    """A progress that keeps what it is told."""

    def __init__(self) -> None:
        self.stages: list[str] = []
        self.details: list[str] = []

    def stage(self, text: str) -> None:
        self.stages.append(text)

    def expect(self, files: int, size: int) -> None:
        raise AssertionError((files, size))

    def advance(self, size: int) -> None:
        raise AssertionError(size)

    def detail(self, text: str) -> None:
        self.details.append(text)


def wide_universe() -> Universe:
    universe = Universe().add("root", "1.0", [f"p{n}" for n in range(20)])
    for number in range(20):
        universe.add(f"p{number}", "1.0", ["shared"]).add(f"p{number}", "0.9")
    return universe.add("shared", "1.0", extras={"x": ["late"]}).add("late", "1.0")


def deep_conflict() -> Universe:
    """``a`` must go back thirty versions until its need on ``c`` fits that of ``b``."""
    universe = Universe().add("b", "1.0", ["c<2"]).add("c", "1.0").add("c", "2.0")
    for minor in range(30):
        universe.add("a", f"2.{minor}", ["c>=2"])
    return universe.add("a", "1.0", ["c"])


def test_the_answer_is_that_of_a_synchronous_resolution() -> None:
    for universe, asked in (
        (wide_universe(), problem("root", "shared[x]")),
        (deep_conflict(), problem("a", "b")),
    ):
        live = anyio.run(resolve_live, asked, SlowIndex(universe))
        assert live == resolve(asked, universe)


def test_nothing_is_asked_twice_and_nothing_in_vain() -> None:
    index = SlowIndex(wide_universe())
    anyio.run(resolve_live, problem("root", "shared[x]"), index)
    assert set(index.pages.values()) == {1}
    assert set(index.files.values()) == {1}
    assert len(index.files) == 23


def test_what_does_not_depend_on_each_other_is_asked_at_once() -> None:
    index = SlowIndex(wide_universe(), delay=0.02)
    anyio.run(resolve_live, problem("root"), index)
    assert index.most_under_way >= 15


def test_going_back_asks_ahead_without_waste() -> None:
    universe = deep_conflict()
    index = SlowIndex(universe, delay=0.005)
    resolution = anyio.run(resolve_live, problem("a", "b"), index)
    needed = resolution.metadata_count
    assert needed >= 30
    assert sum(index.files.values()) <= 1.5 * needed
    assert index.most_under_way > 2
    assert set(index.files.values()) == {1}


def test_a_limit_that_comes_late_costs_little() -> None:
    universe = Universe().add("a", "1.0", ["c"]).add("b", "1.0", ["c<5"])
    for major in range(1, 10):
        universe.add("c", f"{major}.0", [f"d{major}"]).add(f"d{major}", "1.0")
    index = SlowIndex(universe)
    resolution = anyio.run(resolve_live, problem("a", "b"), index)
    assert [str(item.version) for item in resolution.packages] == ["1.0", "1.0", "4.0", "1.0"]
    assert sum(index.files.values()) <= 1.5 * resolution.metadata_count


def test_what_fails_only_for_the_prefetch_does_not_matter() -> None:
    class FailsOnce(SlowIndex):
        async def metadata(self, file: DistributionFile) -> CoreMetadata:
            found = await super().metadata(file)
            if self.files[file.filename] == 1 and file.filename.startswith("p"):
                raise IndexFailure("for a moment", code="INDEX_DOWN")
            return found

    index = FailsOnce(wide_universe(), delay=0.01)
    resolution = anyio.run(resolve_live, problem("root"), index)
    assert len(resolution.packages) == 22


def test_an_index_that_fails_is_an_error_as_it_was_raised() -> None:
    universe = wide_universe()
    universe.break_metadata("shared-1.0-py3-none-any.whl", "INDEX_DOWN")
    with pytest.raises(IndexFailure) as caught:
        anyio.run(resolve_live, problem("root"), SlowIndex(universe))
    assert caught.value.code == "INDEX_DOWN"


def test_bad_metadata_leaves_a_version_out_here_too() -> None:
    universe = wide_universe()
    universe.break_metadata("p3-1.0-py3-none-any.whl")
    resolution = anyio.run(resolve_live, problem("root"), SlowIndex(universe))
    assert {p.name: p.version for p in resolution.packages}["p3"] == "0.9"


def test_a_conflict_is_told_with_its_suggestion() -> None:
    universe = deep_conflict()
    with pytest.raises(ResolutionError) as caught:
        anyio.run(resolve_live, problem("a>=2", "b"), SlowIndex(universe))
    assert caught.value.hint == "loosen a>=2: without that limit everything fits, with a 1.0"


def test_a_requirement_that_cannot_be_read_is_an_error_before_anything_is_asked() -> None:
    index = SlowIndex(Universe())
    with pytest.raises(RequirementError):
        anyio.run(resolve_live, problem("a @ https://host.example/a.whl"), index)
    assert not index.pages


def test_cancelling_stops_the_thread_and_the_questions() -> None:
    class Stuck(SlowIndex):
        async def metadata(self, file: DistributionFile) -> CoreMetadata:
            self.under_way += 1
            try:
                await anyio.sleep_forever()
            finally:
                self.under_way -= 1
            return await super().metadata(file)

    index = Stuck(wide_universe())

    async def cancelled() -> None:
        with anyio.move_on_after(0.1) as scope:
            await resolve_live(problem("root"), index)
        assert scope.cancelled_caught
        assert index.under_way == 0

    anyio.run(cancelled)


def pigeons(count: int) -> tuple[Universe, list[str]]:
    """So many pigeons and one hole less: impossible, and only trying shows it."""
    universe = Universe()
    names = [f"pigeon{number}" for number in range(count)]
    for number, name in enumerate(names):
        for hole in range(count - 1):
            universe.add(name, f"1.{hole}", [f"hole{hole}==1.{number}"])
    for hole in range(count - 1):
        for number in range(count):
            universe.add(f"hole{hole}", f"1.{number}")
    return universe, names


def test_cancelling_stops_a_long_search_between_its_steps() -> None:
    universe, names = pigeons(9)
    overrun: list[float] = []

    async def cancelled() -> None:
        with anyio.move_on_after(0.5) as scope:
            await resolve_live(problem(*names), SlowIndex(universe, delay=0))
        overrun.append(anyio.current_time() - scope.deadline)
        assert scope.cancelled_caught

    anyio.run(cancelled)
    assert overrun[0] < 2


def test_a_search_without_an_answer_ends() -> None:
    universe, names = pigeons(4)
    with pytest.raises(ResolutionError) as caught:
        resolve(problem(*names), universe)
    assert caught.value.code == "RESOLUTION_IMPOSSIBLE"


def test_progress_says_what_is_going_on() -> None:
    notes = Notes()
    index = SlowIndex(deep_conflict())
    anyio.run(partial(resolve_live, problem("a<2", "b"), index, progress=notes))
    assert notes.stages == ["resolving"]
    assert notes.details == ["resolved 3 packages in 4 steps with the metadata of 3 distributions"]
