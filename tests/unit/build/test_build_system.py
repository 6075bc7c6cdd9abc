"""Which backend a source tree names, and which trees cannot be built."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppm.engine.build.model import BuildSystem
from ppm.engine.build.system import LEGACY, read_build_system
from ppm.engine.errors import BuildError


def read(tree: Path, text: str) -> BuildSystem:
    (tree / "pyproject.toml").write_text(text)
    return read_build_system(tree)


def test_a_table_is_read(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    text = '[build-system]\nrequires = ["flit_core >=3"]\nbuild-backend = "a.b:c.d"\n'
    assert read(tmp_path, text + 'backend-path = ["tools", "."]\n') == BuildSystem(
        requires=("flit_core >=3",), backend="a.b:c.d", backend_path=("tools", ".")
    )


def test_requires_alone_keeps_the_default_backend(tmp_path: Path) -> None:
    system = read(tmp_path, '[build-system]\nrequires = ["setuptools>=61", "cython"]\n')
    assert system.requires == ("setuptools>=61", "cython")
    assert system.backend == LEGACY.backend


@pytest.mark.parametrize("pyproject", ["", '[project]\nname = "demo"\n', None])
def test_without_a_table_setuptools_is_taken(tmp_path: Path, pyproject: str | None) -> None:
    (tmp_path / "setup.py").touch()
    if pyproject is not None:
        (tmp_path / "pyproject.toml").write_text(pyproject)
    assert read_build_system(tmp_path) == BuildSystem(
        requires=("setuptools",), backend="setuptools.build_meta:__legacy__"
    )


def test_a_tree_with_neither_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="neither") as caught:
        read_build_system(tmp_path)
    assert caught.value.code == "BUILD_SYSTEM"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[build-system]\nbuild-backend = "x"\n', "no requires"),
        ("build-system = 1\n", "not a table"),
        ('[build-system]\nrequires = "setuptools"\n', "list of strings"),
        ("[build-system]\nrequires = [1]\n", "list of strings"),
        ('[build-system]\nrequires = []\nbuild-backend = "x; import os"\n', "name of an object"),
        ("[build-system]\nrequires = []\nbuild-backend = 3\n", "name of an object"),
        ('[build-system]\nrequires = []\nbackend-path = ["."]\n', "without build-backend"),
        ("[build-system\n", "cannot be read"),
        ("a = " + "[" * 5000, "cannot be read"),
        ('[build-system]\nrequires = []\nx = "\xff"'.encode("latin-1"), "cannot be read"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, text: str | bytes, words: str) -> None:
    (tmp_path / "pyproject.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BuildError, match=words) as caught:
        read_build_system(tmp_path)
    assert caught.value.code == "BUILD_SYSTEM"


@pytest.mark.parametrize("folder", ["/", "..", "tools/../..", "out", "missing", "a\\u0000b"])
def test_a_backend_path_stays_inside(tmp_path: Path, folder: str) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "tools").mkdir()
    (tree / "out").symlink_to(tmp_path)
    text = f'[build-system]\nrequires = []\nbuild-backend = "x"\nbackend-path = ["{folder}"]\n'
    with pytest.raises(BuildError, match="backend-path names"):
        read(tree, text)
