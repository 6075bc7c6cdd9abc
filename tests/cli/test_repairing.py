"""``ppm apply --repair`` through the real program: afterwards everything is as it was recorded."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from conftest import NOBODY_LISTENS, Program, PublishedIndex
from support.scene import Scene, assert_told, publish_all

from ppm.engine.paths import HomePaths
from ppm.events.artifact import ArtifactFetched
from ppm.events.upkeep import GenerationRepaired, RepairPlanned

SITE = "lib/python{}.{}/site-packages".format(*sys.version_info[:2])


@pytest.fixture
def scene(local_index: PublishedIndex, ppm: Program, tmp_path: Path) -> Scene:
    """A project that has ash and birch."""
    publish_all(local_index)
    ppm.ok("init")
    ppm.ok("add", "ash", "--lock")
    ppm.ok("apply")
    return Scene(local_index, ppm, HomePaths(tmp_path.with_name(tmp_path.name + "-home") / ".ppm"))


def site(scene: Scene) -> Path:
    return scene.paths.environment.resolve() / SITE


def rewrite(path: Path, data: bytes) -> None:
    """Change a file in place, through whatever names it has."""
    path.chmod(0o644)
    path.write_bytes(data)


def assert_repaired(scene: Scene) -> None:
    scene.ppm.ok("verify")
    scene.assert_valid()
    scene.assert_tidy()
    assert scene.imports("import ash, birch")


def test_changed_missing_and_extra_files_are_put_right(scene: Scene) -> None:
    before = scene.marks()
    generation = scene.paths.environment.resolve()
    inode = generation.stat().st_ino
    (site(scene) / "ash/__init__.py").unlink()
    (site(scene) / "ash/evil.py").touch()
    (site(scene) / "mine.py").touch()
    (scene.paths.environment / "bin/python").unlink()
    result = scene.ppm.run("apply", "--repair")
    assert result.returncode == 0, result.stderr
    assert f"{SITE}/mine.py belongs to no package and was not kept" in result.stderr
    assert scene.marks() == before
    assert generation.stat().st_ino != inode
    assert_repaired(scene)
    assert list(scene.paths.environments.iterdir()) == [generation]


def test_a_repair_is_an_intent_and_a_completion(scene: Scene) -> None:
    (site(scene) / "ash/__init__.py").unlink()
    scene.ppm.ok("apply", "--repair")
    events = [record.event for record in scene.records()]
    planned = next(one for one in events if isinstance(one, RepairPlanned))
    done = next(one for one in events if isinstance(one, GenerationRepaired))
    assert events.index(planned) < events.index(done)
    assert [one.path for one in planned.differences] == [f"{SITE}/ash/__init__.py"]
    recorded = scene.project().state.environments[done.machine].generations[done.generation]
    assert done.root == recorded.root


def test_an_edit_through_a_hard_link_does_not_survive_in_the_store(scene: Scene) -> None:
    before = scene.marks()
    rewrite(site(scene) / "ash/__init__.py", b"evil = True\n")
    (stored,) = scene.home.store.glob("wheels/*/tree/ash/__init__.py")
    assert stored.read_bytes() == b"evil = True\n"
    document = json.loads(scene.ppm.ok("apply", "--repair", "--json"))
    assert document["repaired"]["wheels"] == [stored.parents[2].name]
    assert b"evil" not in stored.read_bytes()
    assert stored.stat().st_mode & 0o777 == 0o444
    assert scene.marks() == before
    assert_repaired(scene)
    # Whoever applies next from this store gets the right bytes, too.
    other = scene.root.parent / "other"
    other.mkdir()
    scene.ppm.ok("init", cwd=other)
    scene.ppm.ok("ensure", "ash", cwd=other)
    assert b"evil" not in (other / ".venv" / SITE / "ash/__init__.py").read_bytes()


def test_a_damaged_blob_is_fetched_again(scene: Scene) -> None:
    blob = next(scene.home.store.glob("blobs/sha256/*/*"))
    whole = blob.read_bytes()
    rewrite(blob, whole[:-1])
    scene.ppm.ok("apply", "--repair")
    assert blob.read_bytes() == whole
    fetched = [
        record.event for record in scene.records() if isinstance(record.event, ArtifactFetched)
    ]
    assert fetched[-1].sha256 == blob.name
    assert_repaired(scene)


def test_everything_damaged_at_once_is_put_right(scene: Scene) -> None:
    before = scene.marks()
    for blob in scene.home.store.glob("blobs/sha256/*/*"):
        rewrite(blob, b"nothing")
    for file in scene.home.store.glob("wheels/*/tree/*/__init__.py"):
        rewrite(file, b"evil = True\n")
    for manifest in scene.home.store.glob("wheels/*/manifest"):
        rewrite(manifest, b"\xff")
    shutil.rmtree(site(scene) / "birch")
    (scene.paths.environment.resolve() / ".ppm-files.json").unlink()
    scene.ppm.ok("apply", "--repair")
    assert scene.marks() == before
    assert_repaired(scene)


def test_a_repair_that_cannot_have_its_files_leaves_what_there_is(scene: Scene) -> None:
    shutil.rmtree(scene.home.store)
    (site(scene) / "ash/__init__.py").unlink()
    generation = scene.paths.environment.resolve()
    result = scene.ppm.run("apply", "--repair", "--offline")
    assert_told(result, "OFFLINE")
    assert scene.paths.environment.resolve() == generation
    assert scene.imports("import birch")
    scene.ppm.ok("apply", "--repair")
    assert_repaired(scene)


def test_what_is_whole_is_left_alone(scene: Scene) -> None:
    generation = scene.paths.environment.resolve()
    inode = generation.stat().st_ino
    seq = scene.project().head.seq
    said = scene.ppm.ok("apply", "--repair", "--index-url", NOBODY_LISTENS)
    assert "nothing is damaged" in said
    assert generation.stat().st_ino == inode
    assert not any(isinstance(one.event, RepairPlanned) for one in scene.records()[seq:])


def test_a_repair_also_applies_a_lock_that_is_ahead(scene: Scene) -> None:
    rewrite(site(scene) / "birch/__init__.py", b"evil = True\n")
    scene.ppm.ok("add", "elm", "--lock")
    scene.ppm.ok("apply", "--repair")
    assert scene.imports("import elm")
    assert_repaired(scene)


def test_a_lost_link_is_put_back(scene: Scene) -> None:
    scene.paths.environment.unlink()
    scene.ppm.ok("apply", "--repair")
    assert_repaired(scene)
