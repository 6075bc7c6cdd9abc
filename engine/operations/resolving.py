"""Resolving against what is cached if that is enough, else against the live index."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ppm.engine.errors import IndexFailure, ResolutionError
from ppm.engine.index.model import ProjectPage
from ppm.engine.ports import NotCached
from ppm.engine.resolve.problem import Problem, Resolution
from ppm.engine.runtime import Runtime

if TYPE_CHECKING:
    from ppm.engine.network import Network, Record

_OTHER_INDEXES = (
    "note: pip's extra-index-url is not used, one index answers for all projects: choose it with"
    " --index-url or index_url in [tool.ppm]"
)


def resolve_problem(problem: Problem, runtime: Runtime, record: Record) -> Resolution:
    """The resolution of ``problem``.

    A warm cache answers without an event loop. ``record`` takes the events of files that had to be
    fetched or built to know their metadata or digest.

    Raises:
        ResolutionError: Nothing fits, and the index knows nothing newer.
        IndexFailure: The index cannot answer.
    """
    runtime.progress.stage("resolving")
    try:
        try:
            return _known(problem, runtime) or _live(problem, runtime, record)
        except ResolutionError:
            if runtime.offline or not _knows_more(runtime, record):
                raise
        return _live(problem, runtime, record)
    except ResolutionError as error:
        if runtime.index_settings.extra_index_urls:
            error.add_note(_OTHER_INDEXES)
        raise


def _known(problem: Problem, runtime: Runtime) -> Resolution | None:
    """The resolution from the cache alone; ``None`` where that is not enough."""
    from ppm.engine.resolve.solve import resolve

    try:
        found = resolve(problem, runtime.cached_source())
    except NotCached as missing:
        if runtime.offline:
            raise IndexFailure(
                f"{missing} is not cached", code="OFFLINE", hint="run without --offline once"
            ) from missing
        return None
    return found if all(package.file.sha256 for package in found.packages) else None


def _live(problem: Problem, runtime: Runtime, record: Record) -> Resolution:
    from ppm.engine.network import on_network
    from ppm.engine.resolve.live import resolve_live

    async def live(network: Network) -> Resolution:
        found = await resolve_live(problem, network.index, progress=runtime.progress)
        return await network.with_digests(found)

    return on_network(runtime, record, live)


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
