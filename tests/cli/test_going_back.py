"""Undo, redo and rollback through the real program: all returns together, or nothing does."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Program, PublishedIndex
from support.scene import Marks, Scene, publish_all

from ppm.engine.paths import HomePaths


@pytest.fixture
def scene(local_index: PublishedIndex, ppm: Program, tmp_path: Path) -> Scene:
    """A project that asks for ash and has it."""
    publish_all(local_index)
    local_index.publish("birch", "2.0")
    ppm.ok("init")
    ppm.ok("add", "ash", "birch<2", "--lock")
    ppm.ok("apply")
    return Scene(local_index, ppm, HomePaths(tmp_path.with_name(tmp_path.name + "-home") / ".ppm"))


def test_undo_after_undo_and_redo_after_redo_bring_everything_back(scene: Scene) -> None:
    states = [scene.marks()]
    for command in (
        ["add", "--dev", "elm", "--lock"],
        ["apply"],
        ["add", "--optional", "more", "birch", "--lock"],
        ["remove", "birch", "--lock"],
        ["lock", "--upgrade"],
        ["apply", "--extra", "more"],
    ):
        scene.succeeds(*command)
        states.append(scene.marks())
    assert len({state.tree for state in states}) == 3
    for state in states[-2::-1]:
        scene.succeeds("undo", "--offline")
        assert same(scene, state)
    for state in states[1:]:
        scene.succeeds("redo", "--offline")
        assert same(scene, state)
    scene.refused("redo", code="NOTHING_TO_REDO")


def same(scene: Scene, then: Marks) -> bool:
    """Whether requirements, lock and environment are as they were.

    The manifest and its lock file may list the same in another order.
    """
    now = scene.marks()
    return (
        json.loads(now.requirements) == json.loads(then.requirements)
        and json.loads(now.lock)["targets"] == json.loads(then.lock)["targets"]
        and (now.environment, now.tree) == (then.environment, then.tree)
    )


def test_undo_of_the_first_commands_leaves_the_project_as_init_made_it(scene: Scene) -> None:
    scene.ppm.ok("undo")
    assert not scene.paths.environment.is_symlink()
    scene.ppm.ok("undo")
    assert not scene.paths.pylock.exists()
    assert b'"ash"' not in scene.manifest.read_bytes()
    told = scene.ppm.run("undo")
    assert told.returncode == 1
    assert "error[NOTHING_TO_UNDO]" in told.stderr
    scene.ppm.ok("redo")
    scene.ppm.ok("redo")
    scene.assert_valid()
    assert scene.imports("import ash, birch")


def test_the_lock_file_comes_back_to_the_byte(scene: Scene) -> None:
    before = scene.paths.pylock.read_bytes()
    for command in (["add", "elm", "--lock"], ["lock", "--upgrade-package", "birch"]):
        scene.succeeds(*command)
    scene.succeeds("undo")
    assert scene.paths.pylock.read_bytes() == before


def test_a_change_after_an_undo_leaves_nothing_to_redo(scene: Scene) -> None:
    scene.succeeds("add", "elm", "--lock")
    scene.succeeds("undo")
    scene.succeeds("add", "--dev", "elm", "--lock")
    scene.refused("redo", code="NOTHING_TO_REDO")
    answer = json.loads(scene.succeeds("undo", "--json"))
    assert answer["command"]["verb"] == "add"
    assert answer["environment"] == "unchanged"


def test_a_rollback_can_be_undone(scene: Scene) -> None:
    scene.succeeds("snapshot", "--name", "here")
    scene.succeeds("add", "elm", "--lock")
    scene.succeeds("apply")
    state = scene.marks()
    scene.succeeds("rollback", "here")
    assert not scene.imports("import elm")
    scene.succeeds("undo")
    assert same(scene, state)
    assert scene.imports("import elm")


def test_a_requirement_comes_back_at_its_place_with_its_comment(scene: Scene) -> None:
    text = scene.manifest.read_text()
    scene.manifest.write_text(text.replace('"ash"', '\n    "ash",  # the reason\n    "elm"'))
    scene.ppm.ok("lock")
    before = scene.manifest.read_bytes()
    scene.ppm.ok("add", "ash>=1", "--lock")
    scene.ppm.ok("undo")
    assert scene.manifest.read_bytes() == before


def test_a_hand_edit_survives_the_undo_of_the_command_that_met_it(scene: Scene) -> None:
    text = scene.manifest.read_text()
    scene.manifest.write_text(text.replace('"birch<2"', '"birch"') + "\n[tool.other]\nkept = 1\n")
    scene.succeeds("lock", "--upgrade")
    scene.succeeds("undo")
    assert '"birch"' in scene.manifest.read_text()
    assert "kept = 1" in scene.manifest.read_text()
    assert scene.project().lock.targets != {}


@pytest.mark.parametrize("verb", ["undo", "rollback"])
def test_an_environment_that_cannot_be_made_again_changes_nothing(scene: Scene, verb: str) -> None:
    old = scene.paths.environment.resolve()
    scene.succeeds("snapshot", "--name", "old")
    scene.succeeds("add", "birch>=2", "--lock")
    scene.succeeds("apply")
    scene.succeeds("snapshot", "--name", "new")
    shutil.rmtree(old)
    shutil.rmtree(scene.home.store)
    back = ["rollback", "old"] if verb == "rollback" else ["undo"]
    scene.refused(*back, "--offline", code="OFFLINE")
    scene.ppm.ok(*back)
    assert scene.paths.environment.resolve() == old
    scene.assert_valid()


def test_a_collected_environment_is_the_one_it_was_though_the_lock_was_ahead(scene: Scene) -> None:
    """The point before an apply has the new lock and the old environment."""
    old = scene.paths.environment.resolve()
    root = scene.marks().tree
    scene.succeeds("add", "birch>=2", "--lock")
    scene.succeeds("apply")
    said = scene.ppm.ok("rollback", "--last")
    assert "the lock is ahead of it: `ppm apply` would bring back birch 2.0\n" in said
    assert scene.paths.environment.resolve() == old
    scene.succeeds("snapshot", "--name", "lock-ahead")
    scene.succeeds("apply")
    shutil.rmtree(old)
    assert "rebuilt" in scene.ppm.ok("rollback", "lock-ahead")
    assert scene.marks().tree == root
    assert scene.paths.environment.resolve() == old
    scene.assert_valid()


def test_a_collected_environment_keeps_its_link_mode(scene: Scene) -> None:
    scene.succeeds("apply", "--link-mode", "copy")
    copied = scene.paths.environment.resolve()
    scene.succeeds("undo")
    assert scene.paths.environment.resolve() != copied
    shutil.rmtree(copied)
    assert "rebuilt" in scene.ppm.ok("redo")
    assert scene.paths.environment.resolve() == copied


def test_a_foreign_environment_in_the_way_is_kept_and_recorded(scene: Scene) -> None:
    scene.succeeds("add", "elm", "--lock")
    scene.succeeds("apply")
    scene.paths.environment.unlink()
    scene.paths.environment.mkdir()
    (scene.paths.environment / "mine").write_text("kept")
    answer = json.loads(scene.ppm.ok("undo", "--json"))
    assert (scene.root / answer["moved_aside"] / "mine").read_text() == "kept"
    types = [json.loads(line)["type"] for line in scene.ppm.ok("log", "--json").splitlines()]
    assert types.count("directory.moved-aside/1") == 1
    scene.assert_valid()


def test_a_lost_lock_file_comes_back(scene: Scene) -> None:
    before = scene.paths.pylock.read_bytes()
    scene.succeeds("snapshot", "--name", "here")
    scene.paths.pylock.unlink()
    scene.ppm.ok("rollback", "here")
    assert scene.paths.pylock.read_bytes() == before


@pytest.mark.parametrize("verb", ["undo", "rollback"])
def test_after_a_move_the_environment_is_made_again_for_the_new_place(
    scene: Scene, tmp_path: Path, verb: str
) -> None:
    old = scene.paths.environment.resolve().name
    scene.succeeds("snapshot", "--name", "here")
    scene.succeeds("add", "elm", "--lock")
    scene.succeeds("apply")
    scene.root.rename(tmp_path / "moved")
    moved = Scene(scene.index, replace(scene.ppm, directory=tmp_path / "moved"), scene.home)
    back = ["rollback", "here"] if verb == "rollback" else ["undo"]
    answer = json.loads(moved.succeeds(*back, "--offline", "--json"))
    assert answer["environment"] == "rebuilt"
    assert moved.paths.environment.resolve().name != old
    assert str(moved.paths.environment) in (moved.paths.environment / "bin/activate").read_text()
    assert not moved.imports("import elm")
    again = json.loads(moved.succeeds("rollback", "here", "--offline", "--json"))
    assert again["environment"] == "unchanged"
    moved.ppm.ok("replay", "--check")
