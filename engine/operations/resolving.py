"""Resolving against what is cached if that is enough, else against the live index.

All targets of a lock share one session, and each page is asked for once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from ppm.engine.errors import IndexFailure, ResolutionError
from ppm.engine.index.model import ProjectPage
from ppm.engine.ports import NotCached
from ppm.engine.resolve.problem import Problem, Resolution
from ppm.engine.runtime import Runtime

if TYPE_CHECKING:
    from ppm.engine.network import Network, Record
    from ppm.engine.ports import LiveSource
    from ppm.engine.resolve.several import Solve

_OTHER_INDEXES = (
    "note: pip's extra-index-url is not used, one index answers for all projects: choose it with"
    " --index-url or index_url in [tool.ppm]"
)


def resolve_problems(
    problems: Sequence[Problem], runtime: Runtime, record: Record
) -> tuple[Resolution, ...]:
    """The resolutions of ``problems``, which are the same for different targets.

    A warm cache answers without an event loop. ``record`` takes the events of files that had to be
    fetched or built to know their metadata or digest.

    Raises:
        ResolutionError: Nothing fits, and the index knows nothing newer.
        IndexFailure: The index cannot answer.
    """
    from ppm.engine.operations.learning import with_directs

    problems = with_directs(problems, runtime, record)
    runtime.progress.stage("resolving")
    try:
        try:
            return _known(problems, runtime) or _live(problems, runtime, record)
        except ResolutionError:
            if runtime.offline or not _knows_more(runtime, record):
                raise
        return _live(problems, runtime, record)
    except ResolutionError as error:
        if len(problems) == 1 and not _is_here(problems[0], runtime):
            error.message = f"for {problems[0].target.name}: {error.message}"
        if runtime.index_settings.extra_index_urls:
            error.add_note(_OTHER_INDEXES)
        raise


def _known(problems: Sequence[Problem], runtime: Runtime) -> tuple[Resolution, ...] | None:
    """The resolutions from the cache alone; ``None`` where that is not enough."""
    try:
        found = _together(problems, lambda problem: _from_cache(problem, runtime))
    except NotCached as missing:
        if runtime.offline:
            raise IndexFailure(
                f"{missing} is not cached", code="OFFLINE", hint="run without --offline once"
            ) from missing
        return None
    whole = all(package.file.sha256 for one in found for package in one.packages)
    return found if whole else None


def _from_cache(problem: Problem, runtime: Runtime) -> Resolution:
    from ppm.engine.resolve.solve import resolve

    source = runtime.cached_source(problem.target.backend)
    if _is_here(problem, runtime):
        return resolve(problem, source)
    from ppm.engine.resolve.foreign import ForeignSource

    return resolve(problem, ForeignSource(source))


def _live(problems: Sequence[Problem], runtime: Runtime, record: Record) -> tuple[Resolution, ...]:
    from ppm.engine.network import on_network

    async def live(network: Network) -> tuple[Resolution, ...]:
        found = await _from_index(problems, network, runtime)
        return tuple([await network.with_digests(one) for one in found])

    return on_network(runtime, record, live)


async def _from_index(
    problems: Sequence[Problem], network: Network, runtime: Runtime
) -> tuple[Resolution, ...]:
    from ppm.engine.resolve.live import resolve_live

    progress = runtime.progress
    only = problems[0]
    if len(problems) == 1 and _is_here(only, runtime) and not only.policy.wishes:
        return (await resolve_live(only, network.index, progress=progress),)
    from anyio import from_thread, to_thread

    from ppm.engine.resolve.foreign import AskedOnce, LiveForeignSource

    asked: dict[str, AskedOnce] = {}

    def source_for(problem: Problem) -> LiveSource:
        backend = problem.target.backend
        pages = asked.setdefault(backend, AskedOnce(network.index_of(backend)))
        if _is_here(problem, runtime):
            return pages
        return LiveForeignSource(pages, network.index_of(backend, builds=False))

    def solve(problem: Problem) -> Resolution:
        source = from_thread.run_sync(source_for, problem)
        return from_thread.run(partial(resolve_live, problem, source, progress=progress))

    return await to_thread.run_sync(_together, problems, solve)


def _together(problems: Sequence[Problem], solve: Solve) -> tuple[Resolution, ...]:
    if problems[0].policy.wishes:
        from ppm.engine.resolve.wishes import resolve_wishing

        solve = partial(resolve_wishing, solve=solve)
    if len(problems) == 1:
        return (solve(problems[0]),)
    from ppm.engine.lockfile import alike
    from ppm.engine.resolve.several import resolve_together

    return resolve_together(problems, solve, alike)


def _is_here(problem: Problem, runtime: Runtime) -> bool:
    """Whether what is built on this machine counts for the problem's target."""
    return problem.target.name == runtime.interpreter.target.name


def _knows_more(runtime: Runtime, record: Record) -> bool:
    """Ask the index about the pages that were taken for fresh; whether one of them is another."""
    believed = runtime.index_cache.doubt()
    if not believed:
        return False
    from ppm.engine.network import on_network

    return on_network(runtime, record, lambda network: _any_changed(network, believed))


async def _any_changed(network: Network, believed: Mapping[str, ProjectPage | None]) -> bool:
    import anyio

    from ppm.engine.fetch.streams import single_failure

    changed: set[str] = set()

    async def compare(name: str, before: ProjectPage | None) -> None:
        try:
            # A page that the index confirms is the very one that the cache has.
            same = await network.index.page(name) is before
        except IndexFailure as failure:
            # What does not fit is the better answer than an index that is not there.
            same = before is None or failure.code != "UNKNOWN_PACKAGE"
        if not same:
            changed.add(name)

    with single_failure():
        async with anyio.create_task_group() as tasks:
            for name, page in believed.items():
                tasks.start_soon(compare, name, page)
    return bool(changed)
