"""Makes what the other scripts need inside the clone, with nothing but a Python.

Each script runs in a virtual environment of its own below ``.build/``. It is made once, and again
when the dependencies, the interpreter or the place of the clone change. Only the standard library
is used, and nothing that an older Python could not read before it is told its age.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

OLDEST_PYTHON = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / ".build"
ROOMS = ("commands", "engine", "events", "projections")
STAMP = "ready.stamp"


class SetupError(Exception):
    """The environment cannot be made; the text says what to do."""


def require_python() -> None:
    """Leave with a plain sentence on a Python that is too old."""
    if sys.version_info < OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        found = ".".join(map(str, sys.version_info[:3]))
        sys.exit(
            f"This needs Python {wanted} or newer; {sys.executable} is {found}.\n"
            f"Start it with a newer one, such as: python{wanted} {sys.argv[0]}"
        )


def require_venv() -> None:
    """Leave with the package to install where ``venv`` was split off (Debian does that)."""
    if all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")):
        return
    version = ".".join(map(str, sys.version_info[:2]))
    sys.exit(
        f"{sys.executable} cannot make virtual environments (venv or ensurepip is missing).\n"
        f"On Debian and Ubuntu: apt-get install python{version}-venv"
    )


def environment(
    name: str,
    *,
    groups: Sequence[str] = (),
    requirements: Sequence[str] = (),
    editable: bool = False,
) -> Path:
    """The ``bin`` folder of ``.build/<name>-pyX.Y`` with the project in it, made where needed.

    Args:
        name: What the environment is for.
        groups: Dependency groups of ``pyproject.toml`` to install too.
        requirements: Further requirements.
        editable: Link to the clone (for tests) instead of installing a copy (as users have it).

    Raises:
        SetupError: The environment cannot be made or the installation failed.
    """
    require_venv()
    folder = BUILD / "{}-py{}.{}".format(name, *sys.version_info[:2])
    wanted = [*requirements, *_group_requirements(groups)]
    base = _digest([sys.version, sys.base_prefix, str(folder), *wanted, *_dependencies()])
    project = _digest([str(editable), *_layout(), *([] if editable else _sources())])
    with _lock(folder):
        made = _read_text(folder / STAMP).split()
        if made == [base, project]:
            return folder / "bin"
        if made[:1] != [base]:
            _create(folder)
            _install(folder, wanted, editable=editable)
        else:
            _install(folder, ["--no-deps", "--force-reinstall"], editable=editable)
        (folder / STAMP).write_text(f"{base}\n{project}\n", encoding="utf-8")
    return folder / "bin"


def project_table() -> dict[str, Any]:
    """The parsed ``pyproject.toml``."""
    import tomllib

    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def link_rooms() -> Path:
    """``.build/view``: the rooms as ``ppm.*`` for tools that want files where the imports say."""
    view = BUILD / "view" / "ppm"
    view.mkdir(parents=True, exist_ok=True)
    for room in ROOMS:
        link = view / room
        if not link.is_symlink():
            link.symlink_to(Path("..", "..", "..", room))
    return view.parent


def _create(folder: Path) -> None:
    print(f"Creating {folder.relative_to(ROOT)} (once; needs the package index)", flush=True)
    if folder.exists():
        shutil.rmtree(folder)
    _run([sys.executable, "-m", "venv", str(folder)], "The virtual environment was not made.")


def _install(folder: Path, arguments: Sequence[str], *, editable: bool) -> None:
    began = time.monotonic()
    print("Installing ppm", "for development" if editable else "from this clone", "…", flush=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install"]
    failure = "pip could not install ppm. Is the package index reachable?"
    with _staged_project(folder, editable=editable) as source:
        # Development tools compile on first use; what is run as users run it is installed whole.
        target = ["--no-compile", "--editable", str(source)] if editable else [str(source)]
        _run([*pip, "-qq", *arguments, *target], failure)
    print(f"Installed in {time.monotonic() - began:.0f} s", flush=True)


@contextlib.contextmanager
def _staged_project(folder: Path, *, editable: bool) -> Iterator[Path]:
    """The clone itself, or a clean copy: setuptools takes stale files of an old build along."""
    if editable:
        yield ROOT
        return
    stage = folder / "source"
    shutil.rmtree(stage, ignore_errors=True)
    for path in _source_files():
        copy = stage / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    yield stage
    shutil.rmtree(stage)


def _group_requirements(groups: Sequence[str]) -> list[str]:
    """The requirements of dependency groups (PEP 735), without asking pip to know them."""
    tables = project_table().get("dependency-groups", {})
    wanted: list[str] = []
    for group in groups:
        for item in tables[group]:
            if isinstance(item, str):
                wanted.append(item)
            else:
                wanted += _group_requirements([item["include-group"]])
    return wanted


def _source_files() -> list[Path]:
    files = [ROOT / name for name in ("pyproject.toml", "README.md", "LICENSE")]
    for room in ROOMS:
        files += (path for path in (ROOT / room).rglob("*") if "__pycache__" not in path.parts)
    return sorted(path for path in files if path.is_file())


def _sources() -> Iterator[str]:
    for path in _source_files():
        yield f"{path.relative_to(ROOT)} {hashlib.sha256(path.read_bytes()).hexdigest()}"


def _dependencies() -> list[str]:
    """What decides which distributions the environment holds beside the project."""
    tables = project_table()
    return [str(tables["build-system"]), str(tables["project"]["dependencies"])]


def _layout() -> list[str]:
    """What decides how the project itself is installed."""
    tables = project_table()
    return [str(tables["project"]), str(tables["tool"]["setuptools"])]


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _read_text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """One maker at a time: two scripts may be started at once."""
    BUILD.mkdir(exist_ok=True)
    with (BUILD / f"{folder.name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _run(command: Sequence[str], failure: str) -> None:
    # An interpreter started from inside another environment must not look back at it.
    inherited = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    result = subprocess.run(command, check=False, env=inherited)
    if result.returncode:
        raise SetupError(f"{failure} Its own words are above (exit status {result.returncode}).")


require_python()
