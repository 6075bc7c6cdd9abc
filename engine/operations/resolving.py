"""Resolving against what is cached if that is enough, else against the live index."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppm.engine.errors import IndexFailure
from ppm.engine.ports import NotCached
from ppm.engine.resolve.problem import Problem, Resolution
from ppm.engine.runtime import Runtime

if TYPE_CHECKING:
    from ppm.engine.network import Record


def resolve_problem(problem: Problem, runtime: Runtime, record: Record) -> Resolution:
    """The resolution of ``problem``.

    A warm cache answers without an event loop. ``record`` takes the events of files that had to be
    fetched or built to know their metadata or digest.

    Raises:
        ResolutionError: Nothing fits.
        IndexFailure: The index cannot answer.
    """
    from ppm.engine.resolve.solve import resolve

    runtime.progress.stage("resolving")
    try:
        return resolve(problem, runtime.cached_source())
    except NotCached as missing:
        if runtime.offline:
            raise IndexFailure(
                f"{missing} is not cached", code="OFFLINE", hint="run without --offline once"
            ) from missing
    from ppm.engine.network import Network, on_network
    from ppm.engine.resolve.live import resolve_live

    async def live(network: Network) -> Resolution:
        found = await resolve_live(problem, network.index, progress=runtime.progress)
        return await network.with_digests(found)

    return on_network(runtime, record, live)
