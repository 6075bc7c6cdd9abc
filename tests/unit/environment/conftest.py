"""What the tests of environments share: wheels on the disk and what to do with them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.wheel_trees import unpacked
from support.wheels import build_wheel

from ppm.engine.environment.files import Material
from ppm.engine.environment.interpreter import Interpreter, current, probe

MakeMaterial = Callable[..., Material]
PYENV = Path.home() / ".pyenv" / "versions"


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ``PPM_HOME`` where interpreters are remembered."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def interpreter(home: Path) -> Interpreter:
    return current(home)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    path = tmp_path / "project"
    path.mkdir()
    return path


@pytest.fixture
def material(tmp_path: Path) -> MakeMaterial:
    """Build a wheel and unpack it to the store; keywords are those of ``build_wheel``."""

    def make(
        name: str,
        version: str = "1.0",
        *,
        requested: bool = False,
        direct_url: bytes = b"",
        **parts: object,
    ) -> Material:
        wheel = build_wheel(tmp_path / "wheels", name, version, **parts)  # type: ignore[arg-type]
        return unpacked(tmp_path / "store", wheel, requested=requested, direct_url=direct_url)

    return make


@pytest.fixture
def run() -> Callable[..., str]:
    """Run a program; its output. Warnings of Python are errors there as well."""

    def run(*command: str | Path) -> str:
        done = subprocess.run(
            [str(word) for word in command],
            check=False,
            capture_output=True,
            text=True,
            env={"PATH": "/usr/bin:/bin", "PYTHONWARNINGS": "error"},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(params=["3.8", "3.10", "3.12", "3.13"])
def other_interpreter(request: pytest.FixtureRequest, home: Path) -> Interpreter:
    """An interpreter of another version, as pyenv installs it."""
    for path in sorted(PYENV.glob(f"{request.param}.*/bin/python")):
        return probe(path, home)
    pytest.skip(f"pyenv has no Python {request.param} here")
