from __future__ import annotations

from pathlib import Path

import pytest

from ppm.engine.environment.discovery import accepts, candidates, find
from ppm.engine.environment.interpreter import Interpreter
from ppm.engine.errors import EnvironmentFailure


def fake(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("wish", ["", "*", ">=3.8", "^3.8", ">=3.8,<4.0"])
def test_the_running_interpreter_is_taken_where_it_fits(
    home: Path, interpreter: Interpreter, wish: str
) -> None:
    assert find(wish, home, {}) == interpreter


def test_an_interpreter_on_the_path_is_found(
    home: Path, tmp_path: Path, other_interpreter: Interpreter
) -> None:
    found = find(
        f"=={other_interpreter.version}",
        home,
        {
            "PATH": f"relative:{tmp_path}:{Path(other_interpreter.path).parent}",
            "HOME": str(tmp_path),
        },
    )
    assert found == other_interpreter


def test_pyenv_is_asked_for_its_newest_that_fits(
    home: Path, other_interpreter: Interpreter
) -> None:
    root = Path(other_interpreter.path).parents[3]
    wish = "{}.{}".format(*other_interpreter.release)
    found = find(wish, home, {"PATH": str(root / "shims"), "PYENV_ROOT": str(root)})
    assert found.release == other_interpreter.release


def test_a_name_that_says_enough_is_not_started(home: Path, tmp_path: Path) -> None:
    started = tmp_path / "started"
    fake(tmp_path / "bin" / "python3.4", f"touch {started}")
    with pytest.raises(EnvironmentFailure):
        find("==3.99.*", home, {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)})
    assert not started.exists()
    fake(tmp_path / "bin" / "python3.99", f"touch {started}")
    with pytest.raises(EnvironmentFailure):
        find("==3.99.*", home, {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)})
    assert started.exists()


def test_what_was_found_instead_is_told(
    home: Path, interpreter: Interpreter, tmp_path: Path
) -> None:
    with pytest.raises(EnvironmentFailure) as caught:
        find("^9.1", home, {"HOME": str(tmp_path)})
    assert caught.value.code == "NO_INTERPRETER"
    assert f"{interpreter.version} ({interpreter.path})" in caught.value.message


@pytest.mark.parametrize("wish", ["three", "^3.10 || ^4", "==3.x.y.z"])
def test_a_wish_that_is_no_version_is_refused(home: Path, wish: str) -> None:
    with pytest.raises(EnvironmentFailure) as caught:
        find(wish, home, {})
    assert caught.value.code == "INVALID_PYTHON"


def test_pre_releases_count_as_versions() -> None:
    assert accepts(">=3.14.0a1", "3.14.0a2")
    assert accepts(">=3.13", "3.14.0rc1")


def test_each_file_is_a_candidate_once_and_shims_are_none(tmp_path: Path) -> None:
    real = fake(tmp_path / "one" / "python3.12", "exit 1")
    (tmp_path / "one" / "python3").symlink_to(real)
    (tmp_path / "one" / "python3-config").symlink_to(real)
    fake(tmp_path / "pyenv" / "shims" / "python3", "exit 1")
    fake(tmp_path / "pyenv" / "versions" / "3.9.1" / "bin" / "python", "exit 1")
    fake(tmp_path / "pyenv" / "versions" / "3.10.2" / "bin" / "python", "exit 2")
    environ = {
        "PATH": f"{tmp_path}/one:{tmp_path}/pyenv/shims:{tmp_path}/missing",
        "PYENV_ROOT": f"{tmp_path}/pyenv",
    }
    assert [str(path.relative_to(tmp_path)) for path in candidates(environ)] == [
        "one/python3",
        "pyenv/versions/3.10.2/bin/python",
        "pyenv/versions/3.9.1/bin/python",
    ]
