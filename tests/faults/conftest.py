"""The scene of bad input: made once by the program itself, put back before each test."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import PublishedIndex
from support.scene import PARTS, Scene, Stage, program_environment, publish_all


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The folder the scene is played in, and its index."""
    base = tmp_path_factory.mktemp("scene")
    folder, saved = base / "now", base / "saved"
    for part in PARTS:
        (folder / part).mkdir(parents=True)
    with PublishedIndex(folder / "wheels") as index:
        publish_all(index)
        environment = program_environment(folder / "home", index.url)
        for arguments in (["init"], ["ensure", "ash"]):
            subprocess.run(
                [Path(sysconfig.get_path("scripts")) / "ppm", *arguments],
                cwd=folder / "project",
                env=environment,
                check=True,
                capture_output=True,
            )
        shutil.copytree(folder, saved, symlinks=True)
        yield Stage(folder, saved, index)


@pytest.fixture
def scene(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """A project with an environment, on an index of its own; see :mod:`support.scene`."""
    home = stage.folder / "home"
    for name, value in program_environment(home, stage.index.url).items():
        monkeypatch.setenv(name, value)
    return stage.put_back()
