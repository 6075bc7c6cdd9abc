"""``ppm gc`` through the real program: what is needed stays, what went can be made again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import Program, PublishedIndex
from support.scene import Scene, assert_told, publish_all

from ppm.engine.environment.generation import read_generation
from ppm.engine.environment.tree import tree_root
from ppm.engine.hashing.cpu import CpuHasher
from ppm.engine.paths import HomePaths
from ppm.engine.store.lock import StoreInUse
from ppm.events.upkeep import GenerationCollected, StoreCollected


@pytest.fixture
def scene(local_index: PublishedIndex, ppm: Program, tmp_path: Path) -> Scene:
    """A project with three generations: ash and birch; with elm; elm alone, which is active."""
    publish_all(local_index)
    ppm.ok("init")
    for command in (
        ["add", "ash", "--lock"],
        ["add", "elm", "--lock"],
        ["remove", "ash", "--lock"],
    ):
        ppm.ok(*command)
        ppm.ok("apply")
    return Scene(local_index, ppm, HomePaths(tmp_path.with_name(tmp_path.name + "-home") / ".ppm"))


def collected(scene: Scene, *arguments: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(scene.ppm.ok("gc", "--json", *arguments))
    return document


def names(scene: Scene) -> set[str]:
    """The generations on the disk."""
    return {path.name for path in scene.paths.environments.iterdir()}


def packages(scene: Scene) -> set[str]:
    """The packages that the store has unpacked."""
    return {
        path.name.partition("-")[0] for path in scene.home.store.glob("wheels/*/tree/*.dist-info")
    }


def other_project(scene: Scene, *requirements: str) -> Path:
    root = scene.root.parent / "other"
    root.mkdir()
    scene.ppm.ok("init", cwd=root)
    scene.ppm.ok("ensure", *requirements, cwd=root)
    return root


def test_nothing_goes_while_three_generations_stay(scene: Scene) -> None:
    before = names(scene)
    document = collected(scene)
    assert document["generations"] == document["blobs"] == document["wheels"] == []
    assert names(scene) == before
    assert len(before) == 3


def test_what_only_the_past_used_goes(scene: Scene) -> None:
    active = scene.paths.environment.resolve().name
    document = collected(scene, "--keep", "1")
    assert names(scene) == {active} == set(document["kept"])
    assert packages(scene) == {"elm"}
    assert len(list(scene.home.store.glob("blobs/sha256/*/*"))) == 1
    assert document["freed"] > 0
    assert scene.imports("import elm")
    scene.ppm.ok("verify")
    scene.ppm.ok("verify", "--store")
    scene.assert_valid()
    scene.assert_tidy()


def test_it_is_on_record(scene: Scene) -> None:
    document = collected(scene, "--keep", "1")
    events = [record.event for record in scene.records()]
    gone = {one.generation for one in events if isinstance(one, GenerationCollected)}
    assert gone == set(document["generations"])
    (store,) = [one for one in events if isinstance(one, StoreCollected)]
    assert list(store.blobs) == document["blobs"]
    assert list(store.wheels) == document["wheels"]
    assert gone.isdisjoint(scene.project().state.environments[store.machine].generations)
    assert "collected generation" in scene.ppm.ok("provenance", "-v")


def test_a_dry_run_tells_the_same_and_changes_nothing(scene: Scene) -> None:
    before, head = names(scene), scene.project().head
    foreseen = collected(scene, "--keep", "1", "--dry-run")
    assert (names(scene), scene.project().head) == (before, head)
    assert packages(scene) == {"ash", "birch", "elm"}
    done = collected(scene, "--keep", "1")
    for key in ("generations", "kept", "blobs", "wheels", "size"):
        assert foreseen[key] == done[key]


def test_a_collected_generation_is_made_again_to_the_byte(scene: Scene) -> None:
    records = scene.records()
    environment = next(iter(scene.project().state.environments.values()))
    roots = {name: one.root for name, one in environment.generations.items()}
    collected(scene, "--keep", "1")
    first = min(environment.generations, key=lambda name: environment.generations[name].seq)
    switched = next(
        record.seq
        for record in records
        if record.event.type == "environment.switched/1"
        and getattr(record.event, "generation", "") == first
    )
    scene.ppm.ok("rollback", str(switched))
    directory = scene.paths.environment.resolve()
    assert directory.name == first
    generation = read_generation(directory)
    assert generation is not None
    assert tree_root(directory, CpuHasher()) == generation.root == roots[first]
    scene.ppm.ok("verify")
    assert scene.imports("import ash, birch")


def test_a_named_snapshot_keeps_its_generation_and_its_files(scene: Scene) -> None:
    scene.ppm.ok("rollback", "--last")
    kept = scene.paths.environment.resolve().name
    scene.ppm.ok("snapshot", "--name", "mine")
    scene.ppm.ok("apply")
    assert scene.paths.environment.resolve().name != kept
    document = collected(scene, "--keep", "1")
    assert kept in document["kept"]
    assert packages(scene) == {"ash", "birch", "elm"}
    scene.ppm.ok("rollback", "mine", "--offline")
    assert scene.paths.environment.resolve().name == kept


def test_what_was_used_lately_stays(scene: Scene) -> None:
    document = collected(scene, "--keep", "1", "--older-than", "1h")
    assert document["generations"] == document["blobs"] == []
    assert collected(scene, "--keep", "1", "--older-than", "0s")["generations"]
    assert_told(scene.ppm.run("gc", "--older-than", "soon"), "USAGE", status=2, hint=False)


def test_what_another_project_needs_stays(scene: Scene) -> None:
    other = other_project(scene, "ash")
    document = collected(scene, "--keep", "1")
    assert document["projects"] == 2
    assert document["wheels"] == []
    assert packages(scene) == {"ash", "birch", "elm"}
    shutil.rmtree(other)
    document = collected(scene, "--keep", "1")
    assert len(document["forgotten"]) == 1
    assert packages(scene) == {"elm"}
    assert len(list(scene.home.projects.iterdir())) == 1


def test_a_project_that_holds_another_history_now_is_forgotten(scene: Scene) -> None:
    other = other_project(scene, "ash")
    shutil.rmtree(other / ".ppm")
    (other / ".venv").unlink()
    scene.ppm.ok("init", cwd=other)
    collected(scene, "--keep", "1")
    assert packages(scene) == {"elm"}


@pytest.mark.parametrize("damage", ["an edited line", "no ledger", "no entry"])
def test_a_project_that_cannot_be_read_keeps_everything(scene: Scene, damage: str) -> None:
    other = other_project(scene, "ash")
    ledger = other / ".ppm/ledger.jsonl"
    if damage == "an edited line":
        ledger.write_bytes(ledger.read_bytes().replace(b'"argv":[', b'"argv": [', 1))
    elif damage == "no ledger":
        ledger.unlink()
    else:
        for entry in scene.home.projects.iterdir():
            entry.write_text("{")
    before = names(scene)
    code = "REGISTRY_DAMAGED" if damage == "no entry" else "PROJECT_UNREADABLE"
    assert_told(scene.ppm.run("gc", "--keep", "1"), code)
    assert_told(scene.ppm.run("gc", "--keep", "1", "--dry-run"), code)
    assert names(scene) == before
    assert packages(scene) == {"ash", "birch", "elm"}
    scene.assert_valid()


def test_leavings_of_dead_writers_go(scene: Scene) -> None:
    store, index = scene.home.store, scene.home.index
    leavings = [
        index / "pages" / ".page.0123456789ab.tmp",
        store / "blobs/incoming" / f"{'0' * 64}.partial",
        store / "wheels/.staging-dead/tree/file",
        store / "builds/.tmp-dead/file",
        scene.home.root / "bisect-dead/file",
        scene.paths.environments / ".tmp-dead/file",
    ]
    for path in leavings:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
    assert collected(scene)["temporaries"] == 2
    assert not any(path.exists() for path in leavings)
    scene.assert_tidy()


def test_a_collection_waits_for_whoever_uses_the_store(scene: Scene) -> None:
    claim = StoreInUse(scene.home)
    running = scene.ppm.start("gc", "--keep", "1")
    line = running.stderr.readline() if running.stderr is not None else ""
    assert "waiting for another ppm that is using the store" in line
    assert packages(scene) == {"ash", "birch", "elm"}
    claim.let_go()
    running.communicate(timeout=30)
    assert running.returncode == 0
    assert packages(scene) == {"elm"}


def test_applies_of_other_projects_and_collections_go_on_together(scene: Scene) -> None:
    """What an apply is about to link is not taken away under its hands."""
    roots = [scene.root.parent / f"side{number}" for number in range(3)]
    for root in roots:
        root.mkdir()
        scene.ppm.ok("init", cwd=root)
        scene.ppm.ok("add", "ash", "--lock", cwd=root)
    for _ in range(3):
        applies = [scene.ppm.start("apply", cwd=root) for root in roots]
        gcs = [scene.ppm.start("gc", "--keep", "1") for _ in range(2)]
        for running in (*applies, *gcs):
            out, error = running.communicate(timeout=60)
            assert running.returncode == 0, out + error
        for root in roots:
            scene.ppm.ok("verify", cwd=root)
            shutil.rmtree(root / ".ppm/envs")
            (root / ".venv").unlink()
