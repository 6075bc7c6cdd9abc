"""What the tests of builds share."""

from __future__ import annotations

from pathlib import Path

import pytest
from local_index import LocalIndex
from unit.build.workbench import Workbench

from ppm.engine.environment.interpreter import Interpreter, current
from ppm.engine.paths import HomePaths


@pytest.fixture(scope="session")
def interpreter(tmp_path_factory: pytest.TempPathFactory) -> Interpreter:
    """The base interpreter of the tests, asked once."""
    return current(tmp_path_factory.mktemp("interpreters"))


@pytest.fixture
def bench(tmp_path: Path, local_index: LocalIndex, interpreter: Interpreter) -> Workbench:
    """A builder's surroundings on an empty machine and an empty index."""
    return Workbench(HomePaths(tmp_path / "home" / ".ppm"), local_index.url, interpreter)


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A folder for source distributions that no index lists."""
    return tmp_path / "sources"
