"""``kill -9`` before the steps of ``gc`` and ``apply --repair``: whole things or nameless ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from support import step_killer
from support.scene import Scene, Stage

SITE = "lib/python{}.{}/site-packages".format(*sys.version_info[:2])
EVERY_STEP = "PPM_TEST_EVERY_STEP"
"""When it is set, each step of a command is tried, not one in several."""


def kill_before(scene: Scene, step: int, *arguments: str) -> bool:
    """Run the program and kill it before that step; false if it has not so many."""
    command = [sys.executable, step_killer.__file__, str(step), *arguments]
    done = subprocess.run(
        command, cwd=scene.root, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


def steps(stride: int) -> int:
    return 1 if os.environ.get(EVERY_STEP) else stride


@pytest.mark.timeout(600)
def test_a_killed_collection_harms_nothing(scene: Scene, stage: Stage) -> None:
    scene.ppm.ok("add", "elm", "--lock")
    scene.ppm.ok("apply")
    scene.ppm.ok("remove", "ash", "--lock")
    scene.ppm.ok("apply")
    before = stage.save()
    marks = scene.marks()
    step = 1
    while kill_before(scene, step, "gc", "--keep", "1"):
        scene.assert_chain()
        assert scene.marks() == marks
        assert scene.imports("import elm")
        scene.ppm.ok("verify", "--store")
        if step % 2:
            scene.succeeds("gc", "--keep", "1")
            assert len(list(scene.paths.environments.iterdir())) == 1
        scene.ppm.ok("rollback", "--last")
        assert scene.imports("import ash, birch, elm")
        scene.ppm.ok("verify")
        scene = stage.put_back(before)
        step += steps(13)
    assert step > 13


@pytest.mark.timeout(600)
def test_a_killed_repair_leaves_the_old_or_the_whole(scene: Scene, stage: Stage) -> None:
    whole = scene.marks()
    damaged = scene.paths.environment.resolve() / SITE / "ash/__init__.py"
    damaged.chmod(0o644)
    damaged.write_text("evil = True\n")
    for blob in scene.home.store.glob("blobs/sha256/*/*"):
        blob.chmod(0o644)
        blob.write_bytes(b"")
    before, old = stage.save(), scene.marks()
    step = 1
    while kill_before(scene, step, "apply", "--repair"):
        scene.assert_chain()
        assert scene.marks() in (old, whole)
        assert scene.imports("import ash, birch")
        scene.ppm.ok("apply", "--repair")
        assert scene.marks() == whole
        scene.ppm.ok("verify")
        scene.ppm.ok("verify", "--store")
        # A download that was cut short would be gone on with when the file is wanted.
        scene.succeeds("gc")
        scene = stage.put_back(before)
        step += steps(25)
    assert step > 25
