"""The walls of the repository (docs/adr/0001-rooms.md)."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("commands", "engine", "events", "projections")
LONGEST_MODULE = 400
# Put together from pieces, so that this file does not spell what it looks for.
REGISTRY_HOSTS = ("py" + "pi.org", "python" + "hosted.org", "npm" + "js.org", "deb." + "debian.org")


def project_files() -> list[Path]:
    """Files that are in version control or about to be."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git work tree: nothing tells project files from others")
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        env={**os.environ, "GIT_CONFIG_COUNT": "1"}
        | {"GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"},
        capture_output=True,
        text=True,
        check=True,
    )
    paths = (ROOT / name for name in listing.stdout.split("\0") if name)
    return [path for path in paths if path.is_file()]


def python_files() -> list[Path]:
    return [path for path in project_files() if path.suffix == ".py"]


def test_setuptools_installs_every_room_and_no_other_folder() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    declared = settings["tool"]["setuptools"]["packages"]
    folders = [path.parent for room in ROOMS for path in (ROOT / room).rglob("__init__.py")]
    present = {"ppm." + ".".join(path.relative_to(ROOT).parts) for path in folders}
    assert sorted(declared) == sorted(present)
    assert settings["tool"]["setuptools"]["package-dir"] == {f"ppm.{room}": room for room in ROOMS}


def test_every_folder_with_modules_is_a_package() -> None:
    folders = {path.parent for room in ROOMS for path in (ROOT / room).rglob("*.py")}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_rooms_are_imported_below_ppm_only() -> None:
    bare = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in python_files()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in imported_modules(node)
        if name.partition(".")[0] in ROOMS
    ]
    assert bare == []


def imported_modules(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        return [node.module or ""]
    return []


def test_no_module_outside_the_tests_is_longer_than_400_lines() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in python_files()
        if path.relative_to(ROOT).parts[0] != "tests"
    }
    assert {name: count for name, count in lengths.items() if count > LONGEST_MODULE} == {}


def test_no_file_spells_the_host_of_a_package_registry() -> None:
    pattern = re.compile("|".join(map(re.escape, REGISTRY_HOSTS)).encode(), re.IGNORECASE)
    found = [
        str(path.relative_to(ROOT)) for path in project_files() if pattern.search(path.read_bytes())
    ]
    assert found == []


def test_no_symbolic_link_is_tracked() -> None:
    assert [str(path) for path in project_files() if path.is_symlink()] == []
