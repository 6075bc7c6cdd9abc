"""``kill -9`` at every kind of moment: what stands is whole, and the same command finishes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from local_index import Fault
from support import step_killer
from support.scene import Scene, Stage

from ppm.engine.locks import make_locked_folder

EVERY_STEP = "PPM_TEST_EVERY_STEP"
"""When it is set, each step of a command is tried, not one in several."""
MODULES = 400


def kill_before(scene: Scene, step: int, *arguments: str) -> bool:
    """Run the program and kill it before that step; false if it has not so many."""
    command = [sys.executable, step_killer.__file__, str(step), *arguments]
    done = subprocess.run(
        command, cwd=scene.root, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


def assert_survived(scene: Scene) -> None:
    """The ledger is a chain, the environment is whole and works, the manifest can be read."""
    scene.assert_chain()
    scene.assert_whole()
    assert scene.imports("import sys")
    scene.ppm.ok("plan")


@pytest.mark.parametrize(
    ("commands", "shows", "stride"),
    [
        ([["ensure", "elm"]], "import ash, elm", 12),
        ([["add", "elm", "--lock"]], "import ash", 6),
        ([["add", "elm", "--lock"], ["apply"]], "import ash, elm", 12),
        ([["snapshot", "--name", "x"]], "import ash", 5),
        ([["snapshot", "--name", "x"], ["ensure", "elm"], ["rollback", "x"]], "import ash", 6),
    ],
    ids=["ensure", "add", "apply", "snapshot", "rollback"],
)
def test_a_kill_before_any_step_is_survived(
    scene: Scene, stage: Stage, commands: list[list[str]], shows: str, stride: int
) -> None:
    step = 1
    for command in commands[:-1]:
        scene.ppm.ok(*command)
    before = stage.save()
    while kill_before(scene, step, *commands[-1]):
        assert_survived(scene)
        scene.succeeds(*commands[-1])
        assert scene.imports(shows)
        stage.put_back(before)
        step += 1 if os.environ.get(EVERY_STEP) else stride
    assert step > 2 * stride


def test_what_the_dead_left_is_cleared_away_and_nothing_else(scene: Scene) -> None:
    wheels, data = scene.home.store / "wheels", scene.paths.data
    for folder in (scene.paths.environments / ".tmp-dead", wheels / ".staging-dead"):
        (folder / "tree").mkdir(parents=True)
    for name in (".pylock.toml.0123456789ab.tmp", ".ppm/.state.json.0123456789ab.tmp"):
        (scene.root / name).touch()
    (data / "snapshots" / ".here.json.0123456789ab.tmp").touch()
    (scene.root / ".venv.0123456789ab.tmp").symlink_to(".ppm/envs/nowhere")
    mine = scene.root / ".notes.0123456789ab.tmp"
    mine.touch()
    living, lock = make_locked_folder(wheels, ".staging-alive-")
    scene.ppm.ok("ensure", "elm")
    assert mine.exists()
    assert living.exists()
    mine.unlink()
    os.close(lock)
    scene.index.publish("fir", "1.0")
    scene.succeeds("ensure", "fir")


def publish_many_files(scene: Scene) -> None:
    for name in ("elm", "fir", "oak"):
        files = {f"{name}/part{number}.py": f"n = {number}\n" for number in range(MODULES)}
        scene.index.publish(name, "2.0", files={f"{name}/__init__.py": "", **files})


@pytest.mark.parametrize("part", range(6))
def test_a_kill_at_a_random_time_is_survived(scene: Scene, part: int) -> None:
    """Also of the processes that unpack: at odd parts all die, at even ones the program alone."""
    publish_many_files(scene)
    scene.index.break_path(Fault(path="/files/fir-2.0*.whl", delay=0.15, after=100))
    scene.ppm.ok("add", "elm>=2", "fir>=2", "oak>=2", "--lock")
    running = scene.ppm.start("apply")
    time.sleep(0.15 + 0.12 * part + random.uniform(0, 0.12))
    if part % 2:
        os.killpg(running.pid, signal.SIGKILL)
    else:
        running.kill()
    running.communicate(timeout=30)
    assert_survived(scene)
    scene.index.faults.clear()
    scene.succeeds("apply")
    assert scene.imports("import elm.part1, fir.part1, oak.part399")


def test_the_death_of_an_unpacking_process_is_told(scene: Scene) -> None:
    publish_many_files(scene)
    scene.ppm.ok("add", "elm>=2", "--lock")
    fault = scene.index.break_path(Fault(path="/files/elm-2.0*.whl", delay=60, after=100))
    before = scene.marks()
    running = scene.ppm.start("apply")
    workers = children_of(running.pid)
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    scene.index.faults.remove(fault)
    assert workers
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=30)
    assert scene.marks() == before
    scene.succeeds("apply")


def children_of(process: int) -> list[int]:
    """The processes it has started, once there are any."""
    listed = Path(f"/proc/{process}/task/{process}/children")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if found := listed.read_text().split():
            return [int(number) for number in found]
        time.sleep(0.01)
    return []
