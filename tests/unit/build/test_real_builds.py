"""Real builds with real backends, on PPM's own resolver, pipeline, store and generations."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest
from conftest import PublishedIndex
from support.sdists import BACKEND, PREPARE, build_sdist, in_tree_sdist, regular, write_sdist
from unit.build.workbench import Workbench, listed, want

from ppm.engine.build.builder import BuildSettings
from ppm.engine.build.model import BuiltWheel, HookLimits
from ppm.engine.errors import ArtifactError, BuildError, IndexFailure
from ppm.engine.index.model import CoreMetadata
from ppm.engine.paths import HomePaths


@pytest.fixture
def bench(tmp_path: Path, local_index: PublishedIndex) -> Workbench:
    return Workbench(HomePaths(tmp_path / "home" / ".ppm"), local_index.url)


def build(bench: Workbench, *sdists: Path) -> BuiltWheel:
    """Build all of them at once; the wheel of the last."""
    wheels: dict[Path, BuiltWheel] = {}

    async def one(task: int, sdist: Path) -> None:
        wheels[sdist] = await builders[0].wheel_for(want(sdist))

    builders = []

    async def run() -> None:
        async with bench.builder() as builder:
            builders.append(builder)
            async with anyio.create_task_group() as tasks:
                for number, sdist in enumerate(sdists):
                    tasks.start_soon(one, number, sdist)

    anyio.run(run)
    return wheels[sdists[-1]]
