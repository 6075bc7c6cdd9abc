"""The scene of bad input: made once by the program itself, put back before each test."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import Program, PublishedIndex
from support.scene import Scene, program_environment, publish_all

from ppm.engine.paths import HomePaths

PARTS = ("project", "home", "wheels")


@dataclass(frozen=True)
class Stage:
    """Where the scene is played; ``saved`` has it as it was at first.

    A generation is named by the path of its project, too: every test plays in the same folder.
    """

    folder: Path
    saved: Path
    index: PublishedIndex

    def put_back(self) -> None:
        """Everything as it was."""
        for part in PARTS:
            shutil.rmtree(self.folder / part)
            shutil.copytree(self.saved / part, self.folder / part, symlinks=True)
        self.index.faults.clear()
        self.index.requests.clear()
        self.index.refresh()


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
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
    stage.put_back()
    home = stage.folder / "home"
    for name, value in program_environment(home, stage.index.url).items():
        monkeypatch.setenv(name, value)
    return Scene(stage.index, Program(stage.folder / "project"), HomePaths(home / ".ppm"))
