"""``ppm verify`` through the real program: what was tampered with is named, and on record."""

from __future__ import annotations

import base64
import json
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from conftest import Program, PublishedIndex
from support.scene import Scene, assert_told, publish_all

from ppm.engine.environment.tree import tree_root
from ppm.engine.hashing.cpu import CpuHasher
from ppm.engine.paths import HomePaths
from ppm.events.upkeep import EnvironmentVerified, StoreVerified
from ppm.projections.render import render

SITE = "lib/python{}.{}/site-packages".format(*sys.version_info[:2])


@pytest.fixture
def scene(local_index: PublishedIndex, ppm: Program, tmp_path: Path) -> Scene:
    """A project that has ash (with a script) and birch."""
    publish_all(local_index)
    local_index.publish(
        "elm",
        "2.0",
        entry_points={"console_scripts": {"elm": "elm:main"}},
        files={"elm/__init__.py": "def main() -> None: ...\n", "elm/deep/data.txt": "data\n"},
    )
    ppm.ok("init")
    ppm.ok("add", "ash", "elm", "--lock")
    ppm.ok("apply")
    return Scene(local_index, ppm, HomePaths(tmp_path.with_name(tmp_path.name + "-home") / ".ppm"))


def site(scene: Scene) -> Path:
    return scene.paths.environment.resolve() / SITE


def rewrite(path: Path, data: bytes) -> None:
    """Change a file in place, through whatever names it has."""
    mode = path.stat().st_mode
    path.chmod(0o644)
    path.write_bytes(data)
    path.chmod(mode)


def replace(path: Path, data: bytes) -> None:
    """Put another file of the same mode in a file's place."""
    mode = path.stat().st_mode
    path.unlink()
    path.write_bytes(data)
    path.chmod(mode)


def verified(scene: Scene, *arguments: str) -> dict[str, Any]:
    """The one document of ``ppm verify --json``."""
    result = scene.ppm.run("verify", "--json", *arguments)
    document: dict[str, Any] = json.loads(result.stdout)
    assert (result.returncode == 0) == document["ok"], result.stderr
    return document


def differences(document: dict[str, Any], part: str = "environment") -> list[tuple[str, str, str]]:
    return [(one["problem"], one["path"], one["package"]) for one in document[part]["differences"]]


def test_a_whole_project_is_proven_and_the_proof_is_on_record(scene: Scene) -> None:
    said = scene.ppm.ok("verify")
    assert "files/s on cpu:hashlib" in said
    assert said.count("whole") == 3
    document = verified(scene)
    assert document["ok"]
    assert document["environment"]["seen"] == document["environment"]["expected"]
    assert document["store"]["scope"] == "project"
    events = [record.event for record in scene.records()]
    environment = [one for one in events if isinstance(one, EnvironmentVerified)][-1]
    assert environment.differing == 0
    assert environment.seen == environment.expected
    assert environment.files == document["environment"]["files"]
    assert "verified" in scene.ppm.ok("provenance", "--all")
    assert "verified" not in scene.ppm.ok("provenance")


def test_looking_moves_no_projection(scene: Scene) -> None:
    before = (scene.paths.data / "state.json").read_bytes()
    rewrite(site(scene) / "elm/deep/data.txt", b"other")
    scene.ppm.run("verify")
    assert (scene.paths.data / "state.json").read_bytes() == before
    scene.ppm.ok("replay", "--check")


def test_each_changed_missing_and_extra_file_is_named_with_its_package(scene: Scene) -> None:
    replace(site(scene) / "ash/__init__.py", b"evil = True\n")
    (site(scene) / "elm/deep/data.txt").unlink()
    (site(scene) / "elm/deep/new.py").touch()
    (site(scene) / "evil.pth").write_text("import os\n")
    (site(scene) / "birch/__init__.py").unlink()
    (site(scene) / "birch/__init__.py").symlink_to("/etc/passwd")
    script = scene.paths.environment / "bin/elm"
    script.chmod(0o644)
    document = verified(scene)
    assert differences(document) == [
        ("changed", "bin/elm", "elm"),
        ("changed", f"{SITE}/ash/__init__.py", "ash"),
        ("changed", f"{SITE}/birch/__init__.py", "birch"),
        ("missing", f"{SITE}/elm/deep/data.txt", "elm"),
        ("extra", f"{SITE}/elm/deep/new.py", "elm"),
        ("extra", f"{SITE}/evil.pth", ""),
    ]
    assert document["store"]["ok"]
    result = scene.ppm.run("verify")
    assert_told(result, "ENVIRONMENT_CHANGED")
    assert f"  changed {SITE}/ash/__init__.py (ash)" in result.stdout
    event = next(
        record.event
        for record in reversed(scene.records())
        if isinstance(record.event, EnvironmentVerified)
    )
    assert event.differing == len(event.differences) == 6
    assert event.seen != event.expected


def test_an_edit_of_record_does_not_hide_an_edit(scene: Scene) -> None:
    data = b"evil = True\n"
    replace(site(scene) / "ash/__init__.py", data)
    record = site(scene) / "ash-1.0.dist-info/RECORD"
    digest = base64.urlsafe_b64encode(sha256(data).digest()).decode().rstrip("=")
    rows = [
        f"ash/__init__.py,sha256={digest},{len(data)}" if row.startswith("ash/__init__") else row
        for row in record.read_text().splitlines()
    ]
    replace(record, "\n".join([*rows, ""]).encode())
    assert differences(verified(scene)) == [
        ("changed", f"{SITE}/ash-1.0.dist-info/RECORD", "ash"),
        ("changed", f"{SITE}/ash/__init__.py", "ash"),
    ]


def test_an_edit_of_ppms_own_list_of_files_does_not_hide_an_edit(scene: Scene) -> None:
    data = b"evil = True\n"
    replace(site(scene) / "ash/__init__.py", data)
    inventory = scene.paths.environment.resolve() / ".ppm-files.json"
    entries = msgspec.json.decode(inventory.read_bytes())
    for entry in entries:
        if entry[0] == f"{SITE}/ash/__init__.py":
            entry[2] = sha256(data).hexdigest()
    replace(inventory, msgspec.json.encode(entries))
    assert differences(verified(scene)) == [
        ("changed", ".ppm-files.json", ""),
        ("changed", f"{SITE}/ash/__init__.py", "ash"),
    ]


def test_a_forged_projection_does_not_hide_an_edit(scene: Scene) -> None:
    replace(site(scene) / "ash/__init__.py", b"evil = True\n")
    project = scene.project()
    ((machine, environment),) = project.state.environments.items()
    generation = msgspec.structs.replace(
        environment.generations[environment.active],
        root=tree_root(scene.paths.environment.resolve(), CpuHasher()),
    )
    forged = msgspec.structs.replace(environment, generations={environment.active: generation})
    state = msgspec.structs.replace(project.state, environments={machine: forged})
    files = render(msgspec.structs.replace(project, state=state))
    (scene.paths.data / "state.json").write_bytes(files["state.json"])
    assert differences(verified(scene)) == [("changed", f"{SITE}/ash/__init__.py", "ash")]
    scene.ppm.ok("apply", "--repair")
    assert verified(scene)["ok"]


def test_whose_a_file_is_does_not_need_the_store(scene: Scene) -> None:
    import shutil

    (site(scene) / "elm/__init__.py").unlink()
    shutil.rmtree(scene.home.store / "wheels")
    assert differences(verified(scene, "--env")) == [("missing", f"{SITE}/elm/__init__.py", "elm")]


def test_an_edit_through_a_hard_link_is_found_in_the_store_too(scene: Scene) -> None:
    edited = site(scene) / "elm/deep/data.txt"
    assert edited.stat().st_nlink > 1
    rewrite(edited, b"other")
    document = verified(scene)
    assert differences(document) == [("changed", f"{SITE}/elm/deep/data.txt", "elm")]
    ((problem, path, package),) = differences(document, "store")
    assert (problem, package) == ("changed", "elm")
    assert path.startswith("wheels/")
    assert path.endswith("/tree/elm/deep/data.txt")


def test_a_damaged_blob_and_a_forged_manifest_are_found(scene: Scene) -> None:
    (data,) = scene.home.store.glob("wheels/*/tree/elm/deep/data.txt")
    manifest = data.parents[3] / "manifest"
    blobs = scene.home.store.glob("blobs/sha256/*/*")
    blob = next(path for path in blobs if path.name != manifest.parent.name)
    rewrite(blob, blob.read_bytes() + b"x")
    rewrite(manifest, manifest.read_bytes().replace(b"elm/deep/data.txt", b"elm/deep/evil.txt"))
    document = verified(scene)
    assert document["environment"]["ok"]
    found = {(problem, path) for problem, path, _ in differences(document, "store")}
    assert ("changed", f"blobs/sha256/{blob.name[:2]}/{blob.name}") in found
    assert ("changed", f"wheels/{manifest.parent.name}/manifest") in found
    assert_told(scene.ppm.run("verify"), "STORE_DAMAGED")


def test_the_store_alone_is_the_whole_store(scene: Scene) -> None:
    scene.ppm.ok("remove", "elm", "--lock")
    scene.ppm.ok("apply")
    (tree,) = scene.home.store.glob("wheels/*/tree/elm/deep/data.txt")
    rewrite(tree, b"other")
    (scene.home.store / "wheels" / "stray").mkdir()
    assert verified(scene)["ok"]
    document = verified(scene, "--store")
    assert document["environment"] is None
    assert document["store"]["scope"] == "all"
    assert {one[:1] for one in differences(document, "store")} == {("changed",), ("extra",)}
    event = scene.records()[-2].event
    assert isinstance(event, StoreVerified)
    assert (event.scope, event.differing) == ("all", 2)


def test_another_environment_under_the_same_name_is_found(scene: Scene) -> None:
    scene.paths.environment.unlink()
    scene.paths.environment.symlink_to("/usr")
    assert differences(verified(scene)) == [("changed", ".venv", "")]
    scene.paths.environment.unlink()
    assert differences(verified(scene)) == [("missing", ".venv", "")]


def test_a_generation_that_is_gone_is_one_difference(scene: Scene) -> None:
    import shutil

    generation = scene.paths.environment.resolve()
    shutil.rmtree(generation)
    found = differences(verified(scene))
    assert found == [("missing", f".ppm/envs/{generation.name}", "")]


def test_byte_code_is_no_difference(scene: Scene) -> None:
    python = scene.paths.environment / "bin/python"
    import subprocess

    subprocess.run([python, "-m", "compileall", "-q", site(scene)], check=True)
    assert any(site(scene).rglob("*.pyc"))
    assert verified(scene)["ok"]


def test_a_broken_ledger_proves_nothing_and_is_told_in_the_document(scene: Scene) -> None:
    lines = scene.paths.ledger.read_bytes().splitlines(keepends=True)
    lines[3] = lines[3].replace(b'"data":{', b'"data": {', 1)
    scene.paths.ledger.write_bytes(b"".join(lines))
    result = scene.ppm.run("verify", "--json", "--ledger")
    assert result.returncode == 1
    document = json.loads(result.stdout)
    assert not document["ok"]
    assert document["ledger"]["code"] == "LEDGER_CORRUPT"
    assert "error[LEDGER_CORRUPT]" in result.stderr


def test_before_the_first_apply_there_is_nothing_to_prove(
    ppm: Program, local_index: PublishedIndex
) -> None:
    assert local_index.url
    ppm.ok("init")
    assert "nothing has been applied yet" in ppm.ok("verify")
