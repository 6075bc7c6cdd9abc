"""Before resolving: what the packages are that the project names a place for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from ppm.engine.errors import ResolutionError
from ppm.engine.resolve.problem import EVERYTHING, Direct, Problem
from ppm.engine.runtime import Runtime
from ppm.events.resolution import LockedFile

if TYPE_CHECKING:
    from ppm.engine.direct.reference import Reference
    from ppm.engine.network import Network, Record

Place: TypeAlias = tuple[str, str]
"""A package's name and the source it comes from."""


def with_directs(
    problems: Sequence[Problem], runtime: Runtime, record: Record
) -> tuple[Problem, ...]:
    """The problems with what their direct references came to: each is in the store then, built.

    A file or commit that the lock has for the same reference stays, unless it is to be upgraded;
    folders are taken as they are.

    Raises:
        RequirementError: References that contradict each other or are not followed.
        ArtifactError, IndexFailure, BuildError, StorageError: One cannot be had.
    """
    if not any("@" in root.requirement for one in problems for root in one.roots):
        return tuple(problems)
    from ppm.engine.direct.asked import references_of

    asked = [_allowed(problem, references_of(problem)) for problem in problems]
    wanted = {(name, one.source): one for found in asked for name, one in found.items()}
    if not wanted:
        return tuple(problems)
    from ppm.engine.network import on_network

    runtime.references.update((one.source, one) for one in wanted.values())
    pins: dict[Place, LockedFile] = {}
    for problem in problems:
        pins |= _pins(problem, wanted)
    learnt = on_network(runtime, record, lambda network: _learn(network, wanted, pins), unpackers=1)
    runtime.wheels.sync()
    return tuple(
        msgspec.structs.replace(
            problem,
            directs=tuple(learnt[name, one.source] for name, one in sorted(found.items())),
        )
        for problem, found in zip(problems, asked, strict=True)
    )


def _allowed(problem: Problem, asked: dict[str, Reference]) -> dict[str, Reference]:
    """The references, none of which runs build code where the policy forbids that.

    Raises:
        ResolutionError: ``code="BUILD_FORBIDDEN"``.
    """
    policy = problem.policy
    forbidden = {*policy.only_binary, *(asked if policy.no_build else ())}
    for name, reference in asked.items():
        is_wheel = reference.kind == "archive" and reference.filename.endswith(".whl")
        if not is_wheel and (name in forbidden or EVERYTHING in forbidden):
            raise ResolutionError(
                f"{name} from {reference.source} has to be built, and building is off",
                code="BUILD_FORBIDDEN",
                hint=f"name a wheel, or do not use --no-build and --no-build-package {name}",
            )
    return asked


def _pins(problem: Problem, wanted: Mapping[Place, Reference]) -> dict[Place, LockedFile]:
    """What the lock has of the very references; of folders nothing stays."""
    policy = problem.policy
    if policy.upgrade:
        return {}
    pins: dict[Place, LockedFile] = {}
    for one in problem.preferences:
        reference = wanted.get((one.name, one.source))
        stays = reference is not None and reference.kind != "directory"
        if stays and one.file is not None and one.name not in policy.upgrade_packages:
            pins[one.name, one.source] = one.file
    return pins


async def _learn(
    network: Network, wanted: Mapping[Place, Reference], pins: Mapping[Place, LockedFile]
) -> dict[Place, Direct]:
    import anyio

    from ppm.engine.fetch.streams import single_failure

    found: dict[Place, Direct] = {}

    async def learn(place: Place, reference: Reference) -> None:
        found[place] = await network.bringer.learn(place[0], reference, pins.get(place))

    with single_failure():
        async with anyio.create_task_group() as tasks:
            for place, reference in wanted.items():
                tasks.start_soon(learn, place, reference)
    return found
