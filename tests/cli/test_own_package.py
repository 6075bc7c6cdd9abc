"""The project itself in its environment, where it has a build system."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from conftest import Program, PublishedIndex
from support.direct import importing, statement
from support.source_trees import say, source_tree


@pytest.fixture
def project(local_index: PublishedIndex, ppm: Program) -> Program:
    """A project that is a package and needs ``birch``."""
    local_index.publish("birch", "1.0")
    local_index.publish("ash", "1.0")
    source_tree(ppm.directory, "maple", "0.1")
    with (ppm.directory / "pyproject.toml").open("a") as file:
        file.write('dependencies = ["birch"]\n')
    ppm.ok("init")
    return ppm


def word(project: Program) -> str:
    return importing(project, "import maple; print(maple.WORD)")


def set_up(project: Program, text: str) -> None:
    with (project.directory / "pyproject.toml").open("a") as file:
        file.write(text)


def test_it_is_installed_editable_and_in_no_lock(project: Program) -> None:
    project.ok("apply")
    say(project.directory, "maple", "second")
    assert word(project) == "second"
    assert statement(project, "maple") == {
        "url": project.directory.as_uri(),
        "dir_info": {"editable": True},
    }
    assert "maple" not in (project.directory / "pylock.toml").read_text()
    assert json.loads(project.ok("apply", "--json"))["plan"] == "noop"
    project.ok("verify")


def test_a_requirement_is_added_as_ever(project: Program) -> None:
    project.ok("apply")
    project.ok("add", "ash", "--lock")
    project.ok("apply", "--frozen")
    assert importing(project, "import ash, maple; print('both')") == "both"
    project.ok("remove", "birch", "--lock")
    project.ok("apply", "--frozen")
    assert importing(project, "import maple; print('there')") == "there"


def test_it_can_be_left_out(project: Program) -> None:
    set_up(project, "[tool.ppm]\npackage = false\n")
    project.ok("apply")
    assert importing(project, "import birch; print('there')") == "there"
    assert not list((project.directory / ".venv").glob("lib/*/site-packages/maple*"))


def test_without_a_build_system_it_is_no_package(local_index: PublishedIndex, ppm: Program) -> None:
    local_index.publish("birch", "1.0")
    (ppm.directory / "pyproject.toml").write_text(
        '[project]\nname = "maple"\nversion = "0.1"\ndependencies = ["birch"]\n'
    )
    ppm.ok("init")
    plan = json.loads(ppm.ok("plan", "--json"))
    assert list(plan["packages"]) == ["birch"]


def test_a_group_alone_comes_without_it(project: Program) -> None:
    project.ok("add", "--dev", "ash", "--lock")
    plan = json.loads(project.ok("plan", "--only-group", "dev", "--json"))
    assert list(plan["packages"]) == ["ash"]


def test_a_version_that_only_the_backend_knows(project: Program) -> None:
    manifest = project.directory / "pyproject.toml"
    manifest.write_text(manifest.read_text().replace('version = "0.1"', 'dynamic = ["version"]'))
    assert "+ maple 0.1\n" in project.ok("apply")
    installed = json.loads(project.ok("plan", "--json"))
    assert installed["packages"]["maple"] == "0.1"
    assert installed["plan"] == "noop"


def test_going_back_and_forth(project: Program) -> None:
    project.ok("apply")
    project.ok("add", "ash", "--lock")
    project.ok("apply")
    project.ok("undo")
    assert word(project) == "first"
    python = project.directory / ".venv" / "bin" / "python"
    assert subprocess.run([python, "-c", "import ash"], capture_output=True).returncode == 1  # noqa: PLW1510 - the status is the answer
    project.ok("verify")
    project.ok("redo")
    assert importing(project, "import ash, maple; print('both')") == "both"


def test_a_damaged_environment_is_made_again(project: Program) -> None:
    project.ok("apply")
    (link,) = (project.directory / ".venv").glob("lib/*/site-packages/*.pth")
    link.unlink()
    assert project.run("verify").returncode == 1
    project.ok("apply", "--repair")
    assert word(project) == "first"


def test_a_checkout_elsewhere_leads_there(project: Program, tmp_path: Path) -> None:
    project.ok("apply")
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", project.directory, copy], check=True)
    for stale in (".venv", ".ppm"):
        subprocess.run(["rm", "-rf", copy / stale], check=True)
    there = Program(copy)
    there.ok("init")
    there.ok("apply")
    say(copy, "maple", "the copy")
    assert word(there) == "the copy"
    assert word(project) == "first"
