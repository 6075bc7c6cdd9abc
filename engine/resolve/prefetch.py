"""Asking ahead: pages and metadata that the resolver is likely to want, fetched concurrently.

Everything here is a hint. What fails is asked again by the resolver, which then gets the error.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

import anyio
from anyio.abc import TaskGroup

from ppm.engine.errors import IndexFailure
from ppm.engine.index.model import CoreMetadata, DistributionFile, ProjectPage
from ppm.engine.ports import LiveSource
from ppm.engine.resolve.candidates import Candidate, Project
from ppm.engine.resolve.catalogue import Shelf
from ppm.engine.resolve.environment import TargetMarkers
from ppm.engine.resolve.problem import Problem
from ppm.engine.resolve.requirement import Need, needs_of, normalize_name
from ppm.engine.resolve.roots import Roots

T = TypeVar("T")
Q = TypeVar("Q")

CONCURRENCY = 32
"""Questions under way for the prefetch; the source bounds its own connections."""

HEAD_START_S = 2.0
"""Seconds before the resolver begins beside a walk that is still under way."""

FINAL_ANSWERS = frozenset({"UNKNOWN_PACKAGE", "INVALID_METADATA"})
"""Failures that are answers: asking again would not change them."""


class Once(Generic[Q, T]):
    """Answers by key; a question under way is joined, not asked a second time."""

    def __init__(self, ask: Callable[[Q], Awaitable[T]]) -> None:
        self._ask = ask
        self._pending: dict[str, anyio.Event] = {}
        self.answers: dict[str, T | IndexFailure] = {}

    async def get(self, key: str, question: Q) -> T:
        """The answer to ``question``, of which ``key`` is the identity.

        Raises:
            PpmError: As the source raises it. Only final answers are remembered.
        """
        while key in self._pending:
            await self._pending[key].wait()
        if key not in self.answers:
            await self._fetch(key, question)
        return unpack(self.answers[key])

    async def _fetch(self, key: str, question: Q) -> None:
        done = self._pending[key] = anyio.Event()
        try:
            self.answers[key] = await self._ask(question)
        except IndexFailure as failure:
            if failure.code not in FINAL_ANSWERS:
                raise
            self.answers[key] = failure
        finally:
            del self._pending[key]
            done.set()


def unpack(answer: T | IndexFailure) -> T:
    """The answer, or the failure that it is, raised."""
    if isinstance(answer, IndexFailure):
        raise answer
    return answer


class Answers:
    """A live source that is asked each question once."""

    def __init__(self, source: LiveSource) -> None:
        self.pages: Once[str, ProjectPage] = Once(source.page)
        self.metadata: Once[DistributionFile, CoreMetadata] = Once(source.metadata)


class Reached:
    """What the prefetch knows of one project."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.needs: dict[Need, None] = {}
        self.considered = 0
        self.walking = False
        self.project: Project | None = None
        self.chosen: Candidate | None = None

    @property
    def extras(self) -> list[str]:
        """The extras asked for, ``""`` (the project itself) first."""
        return list(dict.fromkeys(("", *(need.extra for need in self.needs))))


class Prefetcher:
    """Walks from the roots: page, metadata of the best candidate, what that needs, and so on.

    A project whose candidate turns out wrong gets a second one only within a budget: speculative
    files that the resolver has not asked for stay below half of those that it has.

    Attributes:
        asked: URLs of the files whose metadata the resolver asked for.
        followed: URLs of the files whose requirements were walked.

    Raises:
        RequirementError: A root requirement or constraint does not parse or cannot be honoured.
    """

    def __init__(self, problem: Problem, answers: Answers, tasks: TaskGroup) -> None:
        self._markers = TargetMarkers(problem.target)
        self._roots = Roots(problem, self._markers)
        self._shelf = Shelf(problem, self._roots)
        self._answers = answers
        self._tasks = tasks
        self._limit = anyio.CapacityLimiter(CONCURRENCY)
        self._reached: dict[str, Reached] = {}
        self._speculative: set[str] = set()
        self._walked: set[tuple[str, str]] = set()
        self._walking = 0
        self._still = anyio.Event()
        self.asked: set[str] = set()
        self.followed: set[str] = set()

    async def start(self) -> None:
        """Begin the walk and let it have the processor to itself for a while.

        It usually gets to its end, and the resolver then finds every answer there. Until then a
        second thread would make both slower; one that waits for a slow answer loses nothing by it.
        """
        self._reach(self._roots.needs)
        if self._walking:
            with anyio.move_on_after(HEAD_START_S):
                await self._still.wait()

    def look_ahead(self, file: DistributionFile, upcoming: Sequence[DistributionFile]) -> None:
        """The resolver passed over a version: fetch the metadata of the next ones."""
        if file.url in self.asked:
            for following in upcoming:
                if following.url not in self._answers.metadata.answers and self._spend(following):
                    self._tasks.start_soon(self._fetch_quietly, following)

    def follow(self, file: DistributionFile, metadata: CoreMetadata) -> None:
        """The resolver took another file than the prefetch did: walk on from that one."""
        reached = self._reached.get(normalize_name(metadata.name))
        if reached is not None:
            with suppress(ValueError):  # The resolver meets the invalid requirement itself.
                self._follow(reached, file, metadata)

    def _follow(self, reached: Reached, file: DistributionFile, metadata: CoreMetadata) -> None:
        self.followed.add(file.url)
        for extra in reached.extras:
            if (file.url, extra) not in self._walked:
                self._walked.add((file.url, extra))
                for parsed in self._markers.applying(metadata.requires_dist, extra):
                    self._reach(needs_of(parsed))

    def _reach(self, needs: Iterable[Need]) -> None:
        for need in needs:
            reached = self._reached.setdefault(need.name, Reached(need.name))
            reached.needs[need] = None
            if not reached.walking and len(reached.needs) > reached.considered:
                reached.walking = True
                self._walking += 1
                self._tasks.start_soon(self._walk, reached)

    async def _walk(self, reached: Reached) -> None:
        try:
            while len(reached.needs) > reached.considered:
                reached.considered = len(reached.needs)
                await self._consider(reached)
        except Exception:  # noqa: BLE001, S110 - the resolver asks again and gets the error
            pass
        finally:
            reached.walking = False
            self._walking -= 1
            if not self._walking:
                self._still.set()

    async def _consider(self, reached: Reached) -> None:
        if reached.project is None:
            async with self._limit:
                page = await self._answers.pages.get(reached.name, reached.name)
            reached.project = self._shelf.project(reached.name, page)
        reached.considered = len(reached.needs)
        limits = self._roots.limits(reached.name)
        candidate = next(reached.project.matching((*reached.needs, *limits)), None)
        if candidate is None:
            return
        if reached.chosen not in (None, candidate) and not self._spend(candidate.file):
            return
        reached.chosen = candidate
        async with self._limit:
            metadata = await self._answers.metadata.get(candidate.file.url, candidate.file)
        self._follow(reached, candidate.file, metadata)

    async def _fetch_quietly(self, file: DistributionFile) -> None:
        try:
            async with self._limit:
                await self._answers.metadata.get(file.url, file)
        except Exception:  # noqa: BLE001, S110 - as in _walk
            pass

    def _spend(self, file: DistributionFile) -> bool:
        """Whether one more speculative file is within the budget; if so it is counted."""
        if file.url in self.asked or file.url in self._speculative:
            return True
        if len(self._speculative - self.asked) + 1 > len(self.asked) / 2:
            return False
        self._speculative.add(file.url)
        return True
