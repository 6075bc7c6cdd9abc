"""Throw-away environments for builds, made by PPM's own resolver, pipeline and generations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

import anyio
import anyio.to_thread
import msgspec

from ppm.engine.build.lineage import Step, Waiting
from ppm.engine.build.model import BuildEnvironment, BuiltWheel
from ppm.engine.environment.build import build
from ppm.engine.environment.files import Material, Package
from ppm.engine.environment.generation import venv_path
from ppm.engine.environment.interpreter import Interpreter
from ppm.engine.environment.switch import switch
from ppm.engine.errors import BuildError, RequirementError, ResolutionError
from ppm.engine.fetch.pipeline import FetchedWheel
from ppm.engine.index.model import CoreMetadata, DistributionFile, ProjectPage
from ppm.engine.ports import Clock, LiveSource
from ppm.engine.resolve.live import resolve_live
from ppm.engine.resolve.problem import (
    Policy,
    Problem,
    Resolution,
    ResolvedPackage,
    RootRequirement,
)
from ppm.engine.store.model import WantedFile, WheelTree

_WHEEL = "wheel"

Fetch: TypeAlias = Callable[[Sequence[WantedFile]], Awaitable[Sequence[FetchedWheel]]]
"""The fetch pipeline with its parts bound: every file in the store, every wheel unpacked."""

WheelFor: TypeAlias = Callable[[WantedFile], Awaitable[BuiltWheel]]
"""Builds what has no wheel."""


class Trees(Protocol):
    """Where unpacked wheels lie: :class:`ppm.engine.store.wheels.WheelStore`."""

    def directory(self, sha256: str) -> Path:
        """The folder with the files of the wheel."""
        ...


class Provisioner:
    """Makes the environments that build backends run in.

    Args:
        source: The package index. Its metadata of source distributions may come from builds.
        fetch: Brings wheels into the store.
        trees: Where they are unpacked.
        interpreter: What environments are for, and with what backends run.
        clock: Time.
        policy: What the user allows; wheels are preferred within that.
    """

    def __init__(
        self,
        *,
        source: LiveSource,
        fetch: Fetch,
        trees: Trees,
        interpreter: Interpreter,
        clock: Clock,
        policy: Policy | None = None,
    ) -> None:
        self._source = source
        self._fetch = fetch
        self._trees = trees
        self._interpreter = interpreter
        self._clock = clock
        self._policy = policy or Policy()

    async def provision(
        self,
        requires: tuple[str, ...],
        *,
        room: Path,
        label: str,
        waiting: Waiting,
        wheel_for: WheelFor,
    ) -> BuildEnvironment:
        """An environment with ``requires`` and what they need, as ``.venv`` of the folder ``room``.

        A second one in the same room takes the place of the first.

        Args:
            requires: PEP 508 texts.
            room: Where it is made; whoever removes the folder removes the environment.
            label: What is being built, for messages.
            waiting: Is told which source distributions this waits for.
            wheel_for: Builds a requirement that has no wheel.

        Raises:
            BuildError: ``BUILD_REQUIREMENTS``: they cannot be had together. As ``wheel_for``.
            IndexFailure: An index fails.
            ArtifactError: A wheel is not what was promised.
            EnvironmentFailure: Packages that do not go together.
            StorageError: The disk refused.
        """
        packages = await self._resolve(requires, label, _Careful(self._source, waiting))
        materials = await self._materials(packages, wheel_for)
        python = await anyio.to_thread.run_sync(self._make, room, materials)
        exact = (f"{package.name}=={package.version}" for package in packages)
        return BuildEnvironment(python=python, requires=tuple(sorted(exact)))

    async def _resolve(
        self, requires: tuple[str, ...], label: str, source: LiveSource
    ) -> tuple[ResolvedPackage, ...]:
        if not requires:
            return ()
        try:
            return (await self._preferring_wheels(requires, source)).packages
        except (RequirementError, ResolutionError) as error:
            raise BuildError(
                f"what {label} needs to be built cannot be had: {error.message}",
                code="BUILD_REQUIREMENTS",
                hint=error.hint,
            ) from error

    async def _preferring_wheels(self, requires: tuple[str, ...], source: LiveSource) -> Resolution:
        problem = Problem(
            roots=tuple(RootRequirement(group="build", requirement=text) for text in requires),
            target=self._interpreter.target,
            policy=msgspec.structs.replace(self._policy, no_build=True),
        )
        try:
            return await resolve_live(problem, source)
        except ResolutionError:
            if self._policy.no_build:
                raise
        return await resolve_live(msgspec.structs.replace(problem, policy=self._policy), source)

    async def _materials(
        self, packages: Sequence[ResolvedPackage], wheel_for: WheelFor
    ) -> list[Material]:
        wanted = [_wanted(package) for package in packages]
        fetched = await self._fetch([file for file in wanted if file.kind == _WHEEL])
        trees = [one.tree for one in fetched if one.tree is not None]
        # One after the other: what they need in turn is often the same.
        trees += [(await wheel_for(file)).tree for file in wanted if file.kind != _WHEEL]
        return [self._material(tree) for tree in trees]

    def _material(self, tree: WheelTree) -> Material:
        package = Package(name=tree.name, version=tree.version, sha256=tree.sha256, requested=False)
        return Material(package=package, tree=tree, directory=self._trees.directory(tree.sha256))

    def _make(self, room: Path, materials: Sequence[Material]) -> Path:
        generation = build(room, self._interpreter, materials).generation
        switch(room, generation.name, now=self._clock.now())
        return venv_path(room) / self._interpreter.scripts / "python"


class _Careful:
    """The index as a build sees it: a question that waits for another build is declared first."""

    def __init__(self, source: LiveSource, waiting: Waiting) -> None:
        self._source = source
        self._waiting = waiting

    async def page(self, name: str) -> ProjectPage:
        return await self._source.page(name)

    async def metadata(self, file: DistributionFile) -> CoreMetadata:
        if file.kind == _WHEEL:
            return await self._source.metadata(file)
        with self._waiting.waits_for(step_of(file)):
            return await self._source.metadata(file)


def step_of(file: DistributionFile | WantedFile) -> Step:
    """The build that ``file`` stands for."""
    return Step(file.sha256 or file.url, file.filename.removesuffix(".tar.gz"))


def _wanted(package: ResolvedPackage) -> WantedFile:
    file = package.file
    return WantedFile(
        name=package.name,
        version=package.version,
        filename=file.filename,
        url=file.url,
        sha256=file.sha256,
        size=file.size,
        kind=file.kind,
    )
