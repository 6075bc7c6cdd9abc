"""What a lock is for when nobody says it on the command line."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from ppm.commands.output import Console
from ppm.engine.clock import SystemClock
from ppm.engine.errors import ProjectError
from ppm.engine.manifest.model import Manifest
from ppm.engine.manifest.read import parse_manifest
from ppm.engine.operations.targeting import targets_of
from ppm.engine.paths import HomePaths
from ppm.engine.runtime import Runtime
from ppm.projections.lock import Lock
from ppm.projections.project import Project
from ppm.projections.state import Environment, Generation, State

WINDOWS, MAC = "windows-x86_64-py3.12", "macos-arm64-py3.13"


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    console = Console(json_output=False, verbose=False, quiet=True)
    return Runtime(HomePaths(tmp_path), SystemClock(), console.progress())


def manifest(tmp_path: Path, settings: str = "") -> Manifest:
    text = f'[tool.ppm]\nname = "x"\n{settings}\n'
    return parse_manifest(text.encode(), file_name="pypm.toml", directory=tmp_path)


def locked_for(*names: str, python: str = "", machine: str = "") -> Project:
    """A project locked for targets; with a Python the machine has an environment of it."""
    generation = Generation(
        seq=1,
        root="",
        lock="",
        interpreter="",
        python=python,
        link_mode="copy",
        packages=0,
        files=0,
    )
    environment = Environment(active="g", generations={"g": generation})
    state = State(environments={machine: environment} if python else {})
    return Project(state=state, lock=Lock(targets={name: {} for name in names}))


def test_the_lock_keeps_its_targets_and_a_new_one_is_for_this_machine(
    tmp_path: Path, runtime: Runtime
) -> None:
    here, plain = runtime.interpreter.target.name, manifest(tmp_path)

    def names(project: Project, *asked: str, with_here: bool = False) -> list[str]:
        found = targets_of(project, plain, runtime, asked, with_here=with_here)
        assert found.warnings == ()
        return [target.name for target in found.targets]

    assert names(locked_for()) == [here]
    assert names(locked_for(WINDOWS, MAC)) == [MAC, WINDOWS]
    assert names(locked_for(WINDOWS, MAC), with_here=True) == [MAC, WINDOWS, here]
    assert names(locked_for(WINDOWS), "here") == [here]
    assert names(locked_for(WINDOWS), MAC, WINDOWS) == [WINDOWS, MAC]


def test_the_settings_come_before_the_lock(tmp_path: Path, runtime: Runtime) -> None:
    here, named = runtime.interpreter.target.name, manifest(tmp_path, f'targets = ["{MAC}"]')
    found = targets_of(locked_for(WINDOWS), named, runtime)
    assert [target.name for target in found.targets] == [MAC]
    found = targets_of(locked_for(WINDOWS, here), named, runtime)
    assert [target.name for target in found.targets] == [here, MAC]


def test_a_lock_for_this_machine_alone_follows_it_to_another_python(
    tmp_path: Path, runtime: Runtime
) -> None:
    here, plain = runtime.interpreter.target.name, manifest(tmp_path)
    before = f"{here.rpartition('-')[0]}-py3.8"
    moved = locked_for(before, python="3.8.18", machine=runtime.machine)
    assert [one.name for one in targets_of(moved, plain, runtime).targets] == [here]
    for other in (
        locked_for(before),
        locked_for(before, python="3.9.18", machine=runtime.machine),
        locked_for(before, python="3.8.18", machine="another"),
    ):
        found = targets_of(other, plain, runtime, with_here=True)
        assert [one.name for one in found.targets] == [before, here]


def test_targets_that_cannot_be_resolved_for_any_more_leave_with_a_warning(
    tmp_path: Path, runtime: Runtime
) -> None:
    here = runtime.interpreter.target
    limited = msgspec.structs.replace(manifest(tmp_path), requires_python="<3.13")
    found = targets_of(locked_for(MAC, "plan9-x86_64-py3.12"), limited, runtime)
    assert found.targets == (here,)
    assert found.warnings == (
        f"{MAC} leaves the lock: the project is for <3.13",
        "plan9-x86_64-py3.12 leaves the lock: that target is not understood here",
    )
    with pytest.raises(ProjectError) as caught:
        targets_of(locked_for(), limited, runtime, [MAC])
    assert caught.value.code == "TARGET_PYTHON"
