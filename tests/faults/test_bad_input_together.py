"""Several commands on one project at once: one after the other, and all of them succeed."""

from __future__ import annotations

import pytest
from local_index import Fault
from support.scene import TRACEBACK, Scene

from ppm.events.environment import EnvironmentSwitched
from ppm.projections.history import operations


def run_together(scene: Scene, *commands: list[str]) -> list[str]:
    """Start all, wait for all; what they printed."""
    running = [scene.ppm.start(*command) for command in commands]
    answers = [process.communicate(timeout=60) for process in running]
    for process, (output, errors) in zip(running, answers, strict=True):
        assert TRACEBACK not in errors
        assert process.returncode == 0, f"{output}\n{errors}"
    return [output for output, _ in answers]


@pytest.mark.parametrize("count", [2, 4])
def test_applies_at_once_make_one_change(scene: Scene, count: int) -> None:
    scene.index.publish("elm", "2.0", files={f"elm/part{n}.py": "" for n in range(200)})
    scene.ppm.ok("add", "elm==2.0", "--lock")
    scene.index.break_path(Fault(path="/files/elm-*.whl", delay=0.5))
    before = len(scene.records())
    answers = run_together(scene, *[["apply"]] * count)
    assert sum("+ elm 2.0" in answer for answer in answers) == 1
    assert sum("nothing to do" in answer for answer in answers) == count - 1
    switches = [
        one for one in scene.records()[before:] if isinstance(one.event, EnvironmentSwitched)
    ]
    assert len(switches) == 1
    scene.assert_valid()
    scene.assert_tidy()


def test_an_add_and_an_apply_at_once_lose_nothing(scene: Scene) -> None:
    scene.index.publish("fir", "1.0")
    scene.index.break_path(Fault(path="/simple/*", delay=0.2))
    run_together(
        scene, ["add", "elm", "--lock"], ["apply"], ["add", "fir", "--lock"], ["log"], ["plan"]
    )
    scene.assert_valid()
    done = [one for one in operations(iter(scene.records())) if one.status == "done"]
    verbs = [one.verb for one in done if one.verb in ("add", "apply")]
    assert sorted(verbs) == ["add", "add", "apply"]
    scene.succeeds("apply")
    assert scene.imports("import ash, birch, elm, fir")


def test_two_projects_that_fetch_the_same_share_one_store(scene: Scene) -> None:
    other = scene.root.parent / "other"
    other.mkdir(exist_ok=True)
    scene.ppm.ok("init", cwd=other)
    scene.index.publish("elm", "2.0", files={f"elm/part{n}.py": "" for n in range(200)})
    running = [scene.ppm.start("ensure", "elm", cwd=folder) for folder in (scene.root, other)]
    for process in running:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    scene.assert_valid()
    scene.assert_tidy()
    assert scene.imports("import elm")
