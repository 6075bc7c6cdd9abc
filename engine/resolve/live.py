"""Resolve while the index is asked: the resolver in a thread, questions on the event loop."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import anyio
from anyio import from_thread, to_thread

from ppm.engine.index.model import CoreMetadata, DistributionFile, ProjectPage
from ppm.engine.ports import LiveSource, Progress
from ppm.engine.resolve.direct import Places, PlacesFirstLive
from ppm.engine.resolve.prefetch import Answers, Prefetcher, unpack
from ppm.engine.resolve.problem import Problem, Resolution
from ppm.engine.resolve.solve import resolve


class Bridge:
    """The live index seen from the resolver's thread (a package source), and its observer."""

    def __init__(self, answers: Answers, prefetcher: Prefetcher) -> None:
        self._answers = answers
        self._prefetcher = prefetcher

    def page(self, name: str) -> ProjectPage:
        """See :class:`ppm.engine.ports.PackageSource`."""
        known = self._answers.pages.answers.get(name)
        if known is not None:
            return unpack(known)
        return from_thread.run(self._answers.pages.get, name, name)

    def metadata(self, file: DistributionFile) -> CoreMetadata:
        """See :class:`ppm.engine.ports.PackageSource`."""
        self._prefetcher.asked.add(file.url)
        known = self._answers.metadata.answers.get(file.url)
        if known is not None:
            metadata = unpack(known)
        else:
            metadata = from_thread.run(self._answers.metadata.get, file.url, file)
        if file.url not in self._prefetcher.followed:
            from_thread.run_sync(self._prefetcher.follow, file, metadata)
        return metadata

    def round_began(self) -> None:
        """Stop here if the command was cancelled."""
        from_thread.check_cancelled()

    def passed_over(self, file: DistributionFile, upcoming: Sequence[DistributionFile]) -> None:
        """Fetch what comes next while the resolver goes on."""
        if upcoming:
            from_thread.run_sync(self._prefetcher.look_ahead, file, upcoming)


async def resolve_live(
    problem: Problem, source: LiveSource, *, progress: Progress | None = None
) -> Resolution:
    """As :func:`ppm.engine.resolve.solve.resolve`, from an index that is asked as needed.

    The answer is the same as a synchronous resolution of the same pages gives; cancelling stops the
    thread at its next step.

    Raises:
        RequirementError: A root requirement or constraint does not parse or cannot be honoured.
        ResolutionError: No set of versions fits.
        IndexFailure: An index fails.
    """
    if progress is not None:
        progress.stage("resolving")
    answers = Answers(PlacesFirstLive(Places(problem.directs), source))
    failure: Exception | None = None
    resolution: Resolution | None = None
    async with anyio.create_task_group() as tasks:
        try:
            prefetcher = Prefetcher(problem, answers, tasks)
            await prefetcher.start()
            bridge = Bridge(answers, prefetcher)
            resolution = await to_thread.run_sync(
                partial(resolve, problem, bridge, observer=bridge)
            )
        except Exception as error:  # noqa: BLE001 - raised below, outside the group's wrapping
            failure = error
        tasks.cancel_scope.cancel()
    if resolution is None:
        raise failure or RuntimeError("the resolver ended without an answer")
    if progress is not None:
        progress.detail(
            f"resolved {len(resolution.packages)} packages in {resolution.rounds} steps "
            f"with the metadata of {resolution.metadata_count} distributions"
        )
    return resolution
