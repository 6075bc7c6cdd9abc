"""Disks that are full or may not be written: the old environment stands, the ledger is a chain."""

from __future__ import annotations

import os
import subprocess

import pytest
from support.mounts import read_only, small_disk
from support.scene import Scene, assert_told

# Does not compress, so that the wheel is as large as what it holds.
NOISE = os.urandom(600_000)
QUERIES = [["log"], ["tree"], ["provenance"], ["snapshots"], ["plan"], ["replay", "--check"]]
CHANGES = [["ensure", "elm"], ["snapshot", "--name", "x"], ["rollback", "--last"]]


def publish_large(scene: Scene) -> None:
    scene.index.publish("oak", "1.0", files={"oak/__init__.py": "", "oak/noise.bin": NOISE})


def refused_for_space(scene: Scene, *arguments: str) -> None:
    """It fails for want of space; what could not be written for the same reason may be missing."""
    before = scene.marks()
    assert_told(scene.ppm.run(*arguments), "DISK_FULL")
    assert scene.marks() == before
    scene.assert_chain()
    scene.assert_whole()


def test_a_full_store_leaves_everything_as_it_was(scene: Scene) -> None:
    publish_large(scene)
    scene.ppm.ok("add", "oak", "--lock")
    with small_disk(scene.home.root, "900k") as disk:
        disk.fill(leave=300_000)
        scene.refused("apply", code="DISK_FULL")
        disk.grow()
        scene.succeeds("apply")
        assert scene.imports("import oak")


def test_a_store_that_has_room_for_the_wheel_but_not_for_its_files(scene: Scene) -> None:
    scene.index.publish("oak", "1.0", files={"oak/__init__.py": "", "oak/zeros.bin": bytes(2**20)})
    scene.ppm.ok("add", "oak", "--lock")
    with small_disk(scene.home.root, "1m") as disk:
        scene.refused("apply", code="DISK_FULL")
        disk.grow()
        scene.succeeds("apply")


def test_a_full_project_folder_leaves_everything_as_it_was(scene: Scene) -> None:
    publish_large(scene)
    scene.ppm.ok("add", "oak", "--lock")
    with small_disk(scene.paths.data, "900k") as disk:
        disk.fill(leave=300_000)
        scene.refused("apply", "--link-mode", "copy", code="DISK_FULL")
        disk.grow()
        scene.succeeds("apply", "--link-mode", "copy")
        assert scene.imports("import oak")


@pytest.mark.parametrize("leave", [0, 4096, 8192, 16384])
def test_a_disk_without_room_for_the_ledger_cuts_no_line(scene: Scene, leave: int) -> None:
    with small_disk(scene.paths.data, "600k") as disk:
        disk.fill(leave=leave)
        for verb in (["add", "elm"], ["ensure", "elm"]):
            before = scene.paths.ledger.read_bytes()
            result = scene.ppm.run(*verb)
            if result.returncode:
                assert_told(result, "DISK_FULL")
            assert scene.paths.ledger.read_bytes().startswith(before)
            scene.assert_chain()
            scene.assert_whole()
        for verb in (["tree"], ["log"]):
            scene.ppm.ok(*verb)
        disk.grow()
        scene.succeeds("ensure", "elm")
        assert scene.imports("import elm")


def test_everything_on_one_full_disk(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    publish_large(scene)
    with small_disk(scene.root, "1m") as disk:
        monkeypatch.setenv("PPM_HOME", str(scene.root / "home"))
        for leave in (100_000, 0):
            disk.fill(leave=leave)
            refused_for_space(scene, "ensure", "oak")
        disk.grow()
        scene.succeeds("ensure", "oak")
        assert scene.imports("import oak")


def test_a_read_only_project_answers_and_changes_nothing(scene: Scene) -> None:
    (scene.root / "new").mkdir()
    with read_only(scene.root):
        before = scene.paths.ledger.read_bytes()
        for verb in QUERIES:
            scene.ppm.ok(*verb)
        for verb in CHANGES:
            result = scene.ppm.run(*verb)
            assert_told(result, "READ_ONLY")
        assert_told(scene.ppm.run("init", cwd=scene.root / "new"), "READ_ONLY")
        assert scene.ppm.run("run", "python", "-c", "import ash").returncode == 0
        assert scene.paths.ledger.read_bytes() == before
    scene.succeeds("ensure", "elm")


def test_a_project_of_somebody_else_answers_and_changes_nothing(scene: Scene) -> None:
    """Not permitted, but not read-only: as a user has it who may read a folder and no more."""
    folders = [scene.root, scene.paths.data, scene.paths.snapshots]
    modes = [folder.stat().st_mode for folder in folders]
    for path in [*scene.paths.data.glob("*.*"), *folders]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        before = scene.paths.ledger.read_bytes()
        for verb in QUERIES:
            assert without_privileges(scene, *verb).returncode == 0
        for verb in CHANGES:
            assert_told(without_privileges(scene, *verb), "NOT_PERMITTED")
        assert scene.paths.ledger.read_bytes() == before
    finally:
        for folder, mode in zip(folders, modes, strict=True):
            folder.chmod(mode)


def without_privileges(scene: Scene, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run as a user whom file modes bind: root only after it gave that power away."""
    command: list[str] = [str(scene.ppm.executable), *arguments]
    if os.geteuid() == 0:
        powers = "-dac_override,-dac_read_search,-fowner"
        command = ["setpriv", "--bounding-set", powers, "--inh-caps", powers, *command]
    result = subprocess.run(
        command, cwd=scene.root, capture_output=True, text=True, timeout=60, check=False
    )
    if "setpriv" in result.stderr:
        pytest.skip(result.stderr)
    return result


def test_a_store_that_may_not_be_written_is_named(scene: Scene) -> None:
    with read_only(scene.home.root):
        result = scene.refused("ensure", "elm", code="READ_ONLY")
        assert str(scene.home.root) in result.stderr
        scene.ppm.ok("apply")
    scene.succeeds("ensure", "elm")
