"""Kills, races and refusals of the disk while environments are built and switched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.wheel_trees import unpacked
from support.wheels import build_wheel

from ppm.engine.environment.build import build
from ppm.engine.environment.files import Material
from ppm.engine.environment.generation import read_generation
from ppm.engine.environment.interpreter import Interpreter, current
from ppm.engine.environment.staging import remove_stale
from ppm.engine.environment.switch import active, switch
from ppm.engine.environment.tree import tree_root
from ppm.engine.errors import StorageError
from ppm.engine.hashing.cpu import CpuHasher

NOW = "2026-11-22T06:39:00.123456Z"
MODULES = 1500

# What a command does: clear away, build, switch. It lives in a process of its own, to be killed.
APPLY = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from support.wheel_trees import unpacked
from ppm.engine.environment.build import build
from ppm.engine.environment.interpreter import current
from ppm.engine.environment.staging import remove_stale
from ppm.engine.environment.switch import switch
root, wheel, mode = Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
material = unpacked(root / "store", wheel)
interpreter = current(root / "home")
print("ready", flush=True)
sys.stdin.readline()
remove_stale(root / "project")
built = build(root / "project", interpreter, [material], link_mode=mode)
switch(root / "project", built.generation.name, now="2026-11-22T06:39:00Z")
print(built.generation.name, flush=True)
"""

# Whatever reads the environment again and again: each start imports all of the package.
READ = """
import subprocess, sys
python = sys.argv[1] + "/.venv/bin/python"
code = "import pkg, pkg.first, pkg.deep.last; print(pkg.__version__)"
seen = set()
print("ready", flush=True)
while True:
    done = subprocess.run([python, "-c", code], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    seen.add(done.stdout.strip())
    print(*sorted(seen), flush=True)
"""

LOOK = """
import os, sys
site = sys.argv[1] + "/.venv/" + sys.argv[2] + "/pkg/__init__.py"
seen, looks = set(), 0
print("ready", flush=True)
while not os.path.exists(sys.argv[1] + "/stop"):
    with open(site) as file:
        seen.add(file.read())
    os.stat(sys.argv[1] + "/.venv/bin/python")
    looks += 1
print(looks, len(seen), flush=True)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    path = tmp_path / "project"
    path.mkdir()
    return path


@pytest.fixture
def interpreter(tmp_path: Path) -> Interpreter:
    return current(tmp_path / "home")


def wheel(directory: Path, version: str, modules: int = 0) -> Path:
    files = {
        "pkg/__init__.py": f'__version__ = "{version}"\n',
        "pkg/first.py": "",
        "pkg/deep/__init__.py": "",
        "pkg/deep/last.py": "",
    }
    files |= {f"pkg/part{number % 40}/module{number}.py": "" for number in range(modules)}
    return build_wheel(directory / "wheels", "pkg", version, files=files)


def material(directory: Path, version: str, modules: int = 0) -> Material:
    return unpacked(directory / "store", wheel(directory, version, modules))


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n", process.communicate()[1]
    return process


def finish(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Close its input and read what it said."""
    return process.communicate("\n", timeout=60)


@pytest.mark.parametrize("delay_ms", [0, 5, 15, 30, 60, 120, 250])
@pytest.mark.parametrize("mode", ["auto", "copy"])
def test_a_kill_during_a_build_leaves_the_old_environment(
    tmp_path: Path, project: Path, interpreter: Interpreter, delay_ms: int, mode: str
) -> None:
    old = build(project, interpreter, [material(tmp_path, "1.0")]).generation
    switch(project, old.name, now=NOW)
    new = wheel(tmp_path, "2.0", MODULES)
    tests = Path(__file__).parents[1]
    process = start(APPLY, tests, tmp_path, new, mode)
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
    time.sleep(delay_ms / 1000)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert_whole(project)
    output, errors = finish(start(APPLY, tests, tmp_path, new, mode))
    assert output, errors
    assert version_of(project) == "2.0"
    assert not list((project / ".ppm" / "envs").glob(".tmp-*"))
    # A link in the making is cleared away by the command around this (tests/faults sweeps those).
    left = {path.name for path in project.iterdir() if not path.match(".venv.*.tmp")}
    assert left == {".ppm", ".venv"}


def assert_whole(project: Path) -> None:
    """Whatever has a generation's name is complete to the byte, and one of them is active."""
    assert version_of(project) in ("1.0", "2.0")
    for directory in (project / ".ppm" / "envs").iterdir():
        if not directory.name.startswith(".tmp-"):
            generation = read_generation(directory)
            assert generation is not None
            assert tree_root(directory, CpuHasher()) == generation.root
    assert active(project) is not None


def version_of(project: Path) -> str:
    code = "import pkg, pkg.deep.last; print(pkg.__version__)"
    command = [str(project / ".venv" / "bin" / "python"), "-B", "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def two_generations(tmp_path: Path, project: Path, interpreter: Interpreter) -> Iterator[list[str]]:
    names = [
        build(project, interpreter, [material(tmp_path, version)]).generation.name
        for version in ("1.0", "2.0")
    ]
    switch(project, names[0], now=NOW)
    yield names
    (project / "stop").touch()


def test_programs_started_during_switches_never_fail(
    project: Path, two_generations: list[str]
) -> None:
    reader = start(READ, project)
    assert reader.stdout is not None
    seen = ""
    for _ in range(12):
        for name in two_generations:
            for _ in range(40):
                switch(project, name, now=NOW)
        seen = reader.stdout.readline()
        assert seen, reader.communicate()[1]
    reader.kill()
    reader.communicate()
    assert set(seen.split()) <= {"1.0", "2.0"}


def test_at_no_instant_is_there_no_environment(
    project: Path, interpreter: Interpreter, two_generations: list[str]
) -> None:
    reader = start(LOOK, project, interpreter.site_packages)
    for _ in range(300):
        for name in two_generations:
            switch(project, name, now=NOW)
    (project / "stop").touch()
    output, errors = finish(reader)
    assert output, errors
    looks, versions = map(int, output.split())
    assert looks > 100
    assert versions == 2


def test_at_no_instant_is_there_no_environment_while_a_directory_is_moved_aside(
    tmp_path: Path, project: Path, interpreter: Interpreter
) -> None:
    site = project / ".venv" / interpreter.site_packages / "pkg"
    site.mkdir(parents=True)
    (site / "__init__.py").write_text("mine")
    (project / ".venv" / "bin").mkdir()
    (project / ".venv" / "bin" / "python").touch()
    name = build(project, interpreter, [material(tmp_path, "1.0")]).generation.name
    reader = start(LOOK, project, interpreter.site_packages)
    time.sleep(0.1)
    moved = switch(project, name, now=NOW).moved_to
    time.sleep(0.1)
    (project / "stop").touch()
    output, errors = finish(reader)
    assert output.split()[1:] == ["2"], errors
    assert (project / moved / "bin" / "python").exists()


def test_two_commands_that_build_the_same_generation_both_succeed(
    tmp_path: Path, project: Path
) -> None:
    new = wheel(tmp_path, "2.0", MODULES)
    material(tmp_path, "2.0", MODULES)
    tests = Path(__file__).parents[1]
    commands = [start(APPLY, tests, tmp_path, new, "auto") for _ in range(3)]
    for command in commands:
        assert command.stdin is not None
        command.stdin.write("\n")
        command.stdin.flush()
    names = set()
    for command in commands:
        output, errors = command.communicate(timeout=60)
        assert command.returncode == 0, errors
        names.add(output.strip())
    assert len(names) == 1
    assert active(project) in names
    assert [path.name for path in (project / ".ppm" / "envs").iterdir()] == list(names)


# Files above the limit cannot be written: the disk refuses in the middle of a build.
REFUSED = """
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from support.wheel_trees import unpacked
from ppm.engine.environment.build import build
from ppm.engine.environment.interpreter import current
from ppm.engine.errors import StorageError
root = Path(sys.argv[2])
material = unpacked(root / "store", Path(sys.argv[3]))
interpreter = current(root / "home")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
print("ready", flush=True)
sys.stdin.readline()
try:
    build(root / "project", interpreter, [material], link_mode="copy")
except StorageError as error:
    print(error.code, error.message)
"""


def test_a_disk_that_refuses_leaves_nothing_behind(
    tmp_path: Path, project: Path, interpreter: Interpreter
) -> None:
    old = build(project, interpreter, [material(tmp_path, "1.0")]).generation
    switch(project, old.name, now=NOW)
    files: dict[str, bytes | str] = {"pkg/__init__.py": "", "pkg/large.bin": b"x" * 200_000}
    large = build_wheel(tmp_path / "wheels", "pkg", "3.0", files=files)
    output, errors = finish(start(REFUSED, Path(__file__).parents[1], tmp_path, large))
    assert output.startswith("STORAGE "), errors
    assert "File too large" in output
    assert [path.name for path in (project / ".ppm" / "envs").iterdir()] == [old.name]
    assert version_of(project) == "1.0"


def test_a_file_that_left_the_store_fails_the_build_and_nothing_else(
    tmp_path: Path, project: Path, interpreter: Interpreter
) -> None:
    old = build(project, interpreter, [material(tmp_path, "1.0")]).generation
    switch(project, old.name, now=NOW)
    new = material(tmp_path, "2.0")
    (new.directory / "pkg" / "first.py").unlink()
    with pytest.raises(StorageError, match=r"pkg/first\.py"):
        build(project, interpreter, [new])
    assert [path.name for path in (project / ".ppm" / "envs").iterdir()] == [old.name]
    assert version_of(project) == "1.0"


def test_a_folder_that_a_live_command_fills_is_not_taken_for_stale(project: Path) -> None:
    code = """
import sys
from pathlib import Path
from ppm.engine.environment.staging import staging
with staging(Path(sys.argv[1])):
    print("ready", flush=True)
    sys.stdin.readline()
"""
    envs = project / ".ppm" / "envs"
    holder = start(code, envs)
    assert remove_stale(project) == ()
    (held,) = envs.iterdir()
    os.kill(holder.pid, signal.SIGKILL)
    holder.communicate()
    assert remove_stale(project) == (held.name,)
