"""Folders as requirements: built once as long as they stay the same, or installed editable."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import Program, PublishedIndex
from support.direct import entry, importing, refused, statement
from support.source_trees import say, source_tree
from support.wheels import build_wheel


@pytest.fixture
def project(local_index: PublishedIndex, ppm: Program) -> Program:
    local_index.publish("birch", "1.0")
    ppm.ok("init")
    return ppm


@pytest.fixture
def folder(project: Program) -> Path:
    """A package in a folder of the project."""
    return source_tree(project.directory / "libs" / "maple", "maple", "0.1", needs="birch")


def word(project: Program) -> str:
    return importing(project, "import maple; print(maple.WORD)")


def built(project: Program) -> int:
    return len(project.ok("log", "--json", "--type", "artifact.built").splitlines())


def test_a_folder_is_built_and_written_relative_to_the_project(
    project: Program, folder: Path
) -> None:
    project.ok("add", "./libs/maple", "--lock")
    assert '"maple @ file:./libs/maple"' in (project.directory / "pypm.toml").read_text()
    project.ok("apply")
    assert word(project) == "first"
    assert importing(project, "import birch; print('there')") == "there"
    assert entry(project, "maple")["directory"] == {"path": "./libs/maple"}
    assert "version" not in entry(project, "maple")
    assert statement(project, "maple") == {"url": folder.as_uri(), "dir_info": {}}
    assert not list(folder.rglob("*.whl"))


def test_a_path_is_relative_to_where_one_is(project: Program, folder: Path) -> None:
    project.ok("add", "./maple", cwd=folder.parent)
    assert "file:./libs/maple" in (project.directory / "pypm.toml").read_text()


def test_a_wheel_beside_the_project(project: Program, tmp_path: Path) -> None:
    build_wheel(tmp_path / "wheels", "ash", "2.0")
    project.ok("add", "../wheels/ash-2.0-py3-none-any.whl", "--lock")
    project.ok("apply")
    archive = entry(project, "ash")["archive"]
    assert isinstance(archive, dict)
    assert archive["path"] == "../wheels/ash-2.0-py3-none-any.whl"
    assert importing(project, "import ash; print('there')") == "there"


def test_an_unchanged_folder_is_built_once(project: Program, folder: Path) -> None:
    project.ok("add", "./libs/maple", "--lock")
    project.ok("apply")
    assert built(project) == 1
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "x.pyc").write_bytes(b"byte code is no source")
    project.ok("lock")
    assert json.loads(project.ok("apply", "--json"))["plan"] == "noop"
    assert built(project) == 1


def test_a_changed_folder_is_locked_and_built_anew(project: Program, folder: Path) -> None:
    project.ok("add", "./libs/maple", "--lock")
    project.ok("apply")
    say(folder, "maple", "second")
    told = refused(project, "apply", "--frozen", code="LOCK_STALE")
    assert "the sources of maple changed" in told
    refused(project, "lock", "--check", code="LOCK_STALE")
    project.ok("apply")
    assert word(project) == "second"
    assert built(project) == 2


def test_an_editable_folder_shows_changes_at_once(project: Program, folder: Path) -> None:
    project.ok("add", "--editable", "./libs/maple", "--lock")
    project.ok("apply")
    say(folder, "maple", "second")
    assert word(project) == "second"
    assert json.loads(project.ok("apply", "--json"))["plan"] == "noop"
    assert statement(project, "maple")["dir_info"] == {"editable": True}
    assert entry(project, "maple")["directory"] == {"path": "./libs/maple", "editable": True}


def test_what_says_how_an_editable_folder_is_built_counts(project: Program, folder: Path) -> None:
    project.ok("add", "-e", "./libs/maple", "--lock")
    project.ok("apply")
    with (folder / "pyproject.toml").open("a") as file:
        file.write('description = "another"\n')
    project.ok("apply")
    assert built(project) == 2


def test_a_backend_without_the_hook_is_told(project: Program, tmp_path: Path) -> None:
    source_tree(tmp_path / "plain", "plain", "0.1", editable=False)
    refused(project, "add", "-e", "../plain", "--lock", code="BUILD_EDITABLE")
    assert "plain" not in (project.directory / "pypm.toml").read_text()


def test_editable_lines_of_a_requirements_file(project: Program, folder: Path) -> None:
    (project.directory / "wanted.txt").write_text("-e ./libs/maple\nbirch\n")
    project.ok("import", "--from-file", "wanted.txt")
    say(folder, "maple", "second")
    assert word(project) == "second"
    assert "file:./libs/maple#editable=true" in (project.directory / "pypm.toml").read_text()


def test_a_project_that_moves_takes_its_folders_along(project: Program, folder: Path) -> None:
    project.ok("add", "-e", "./libs/maple", "--lock")
    project.ok("apply")
    moved = project.directory.rename(project.directory.with_name("elsewhere"))
    there = Program(moved)
    there.ok("apply")
    say(moved / "libs" / "maple", "maple", "moved")
    assert word(there) == "moved"
    assert folder.name == "maple"


def test_another_machine_builds_from_the_lock(project: Program, folder: Path) -> None:
    project.ok("add", "./libs/maple", "--lock")
    locked = (project.directory / "pylock.toml").read_bytes()
    other = {"PPM_HOME": str(project.directory.with_name("other-home"))}
    result = project.run("apply", "--frozen", env=other)
    assert result.returncode == 0, result.stderr
    assert (project.directory / "pylock.toml").read_bytes() == locked
    assert word(project) == "first"
    assert folder.is_dir()


def test_a_lock_file_alone_is_enough(project: Program, folder: Path) -> None:
    project.ok("add", "-e", "./libs/maple", "--lock")
    locked = (project.directory / "pylock.toml").read_text()
    (project.directory / "pylock.toml").write_text(locked + "\n# edited by a person\n")
    project.ok("apply")
    assert word(project) == "first"
    assert folder.is_dir()


def test_a_link_that_leads_out_of_a_folder_is_refused(
    project: Program, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("not yours")
    (folder / "src" / "maple" / "data.py").symlink_to(tmp_path / "secret")
    refused(project, "add", "./libs/maple", "--lock", code="SDIST_LINK")


def test_a_folder_with_another_project_is_refused(project: Program, folder: Path) -> None:
    told = refused(project, "add", "oak @ file:./libs/maple", "--lock", code="BUILD_WHEEL")
    assert "oak" in told
    assert folder.is_dir()


def test_a_folder_that_is_gone_is_named(project: Program, folder: Path) -> None:
    project.ok("add", "./libs/maple", "--lock")
    folder.rename(folder.with_name("elm"))
    told = refused(project, "apply", code="NO_SUCH_FOLDER")
    assert str(folder) in told


def test_verify_and_repair_know_where_packages_came_from(project: Program, folder: Path) -> None:
    project.ok("add", "-e", "./libs/maple", "--lock")
    project.ok("apply")
    project.ok("verify")
    (record,) = (project.directory / ".venv").glob("lib/*/site-packages/maple-*/METADATA")
    record.chmod(0o644)
    record.write_text("changed")
    assert project.run("verify").returncode == 1
    project.ok("apply", "--repair")
    project.ok("verify")
    assert folder.is_dir()


def test_building_that_is_off_is_off_for_folders_too(project: Program, folder: Path) -> None:
    project.ok("add", "./libs/maple")
    (folder / "tools" / "backend.py").write_text("raise SystemExit('build code ran')\n")
    told = refused(project, "lock", "--no-build", code="BUILD_FORBIDDEN")
    assert "build code ran" not in told
    refused(project, "lock", "--no-build-package", "maple", code="BUILD_FORBIDDEN")


def test_the_collector_keeps_what_is_in_use(project: Program, folder: Path) -> None:
    project.ok("add", "./libs/maple", "--lock")
    project.ok("apply")
    project.ok("gc")
    project.ok("verify")
    assert json.loads(project.ok("apply", "--json"))["plan"] == "noop"
    assert word(project) == "first"
    assert built(project) == 1
    assert folder.is_dir()


def test_a_folder_is_imported_in_one_step(project: Program, folder: Path) -> None:
    project.ok("import", "./libs/maple")
    assert word(project) == "first"
    project.ok("import", "./libs/maple")
    project.ok("ensure", "./libs/maple")
    assert built(project) == 1
    assert folder.is_dir()


def test_a_lock_with_a_folder_is_imported_elsewhere(
    project: Program, folder: Path, tmp_path: Path
) -> None:
    project.ok("add", "-e", "./libs/maple", "--lock")
    (tmp_path / "other").mkdir()
    other = Program(tmp_path / "other")
    other.ok("init")
    other.ok("import", "--from-file", project.directory / "pylock.toml")
    say(folder, "maple", "second")
    assert word(other) == "second"


def test_undo_brings_back_the_folder_as_it_was_built(project: Program, folder: Path) -> None:
    project.ok("add", "./libs/maple", "--lock")
    project.ok("apply")
    say(folder, "maple", "second")
    project.ok("apply")
    project.ok("rollback", "--last")
    assert word(project) == "first"
    project.ok("verify")


def test_an_environment_of_the_past_is_made_again_as_it_was(project: Program, folder: Path) -> None:
    project.ok("add", "-e", "./libs/maple", "--lock")
    project.ok("apply")
    before = statement(project, "maple")
    project.ok("remove", "maple", "--lock")
    project.ok("apply")
    generations = project.directory / ".ppm" / "envs"
    kept = (project.directory / ".venv").resolve()
    for generation in generations.iterdir():
        if generation.is_dir() and generation != kept:
            subprocess.run(["chmod", "-R", "u+w", generation], check=True)
            shutil.rmtree(generation)
    project.ok("rollback", "--last")
    assert statement(project, "maple") == before
    assert word(project) == "first"
    project.ok("verify")
    assert folder.is_dir()
