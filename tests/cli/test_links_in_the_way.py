"""What lies behind a link is not ours: nothing collects, repairs or clears it away."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from conftest import Program, PublishedIndex


@pytest.fixture
def project(local_index: PublishedIndex, ppm: Program) -> Program:
    """Two generations; the first is not active."""
    local_index.publish("oak", "1.0")
    local_index.publish("elm", "1.0")
    ppm.ok("init")
    ppm.ok("ensure", "oak")
    ppm.ok("ensure", "elm")
    return ppm


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    """A folder of the user's."""
    folder = tmp_path / "precious" / "lib"
    folder.mkdir(parents=True)
    (folder / "gold").write_text("gold")
    return folder.parent


@pytest.fixture
def ppm_home() -> Path:
    """The user's ``PPM_HOME``."""
    return Path(os.environ["PPM_HOME"])


def generations(project: Program) -> tuple[Path, Path]:
    """The active one, and the other."""
    active = (project.directory / ".venv").resolve()
    (other,) = [path for path in active.parent.iterdir() if path != active]
    return active, other


def test_a_generation_that_is_a_link_is_collected_without_what_it_leads_to(
    project: Program, precious: Path
) -> None:
    _, old = generations(project)
    shutil.rmtree(old)
    old.symlink_to(precious)
    project.ok("gc", "--keep", "1")
    assert (precious / "lib" / "gold").read_text() == "gold"
    assert not old.is_symlink()
    assert not list(old.parent.glob(".tmp-*"))
    project.ok("gc", "--keep", "1")


def test_a_wheel_that_is_a_link_is_collected_without_what_it_leads_to(
    project: Program, precious: Path, ppm_home: Path
) -> None:
    link = ppm_home / "store" / "wheels" / ("0" * 64)
    link.symlink_to(precious)
    project.ok("gc")
    assert (precious / "lib" / "gold").read_text() == "gold"
    assert not link.is_symlink()
    assert not list(link.parent.glob(".staging-*"))


def test_a_link_among_the_leavings_goes_and_blocks_nothing(
    project: Program, precious: Path
) -> None:
    active, _ = generations(project)
    link = active.parent / ".tmp-foo"
    link.symlink_to(precious)
    project.ok("remove", "oak", "--lock")
    project.ok("apply")
    assert not link.is_symlink()
    assert (precious / "lib" / "gold").read_text() == "gold"


def test_a_pipe_in_place_of_a_projection_keeps_nobody_waiting(project: Program) -> None:
    state = project.directory / ".ppm" / "state.json"
    state.unlink()
    os.mkfifo(state)
    assert "elm" in project.ok("tree")
    project.ok("replay")
    assert state.is_file()
    project.ok("replay", "--check")


def test_offline_a_damaged_store_is_told_and_no_index_is_asked(
    project: Program, local_index: PublishedIndex, ppm_home: Path
) -> None:
    for blob in (ppm_home / "store" / "blobs" / "sha256").rglob("*"):
        if blob.is_file():
            blob.chmod(0o644)
            blob.write_bytes(b"X" + blob.read_bytes()[1:])
    for wheel in (ppm_home / "store" / "wheels").iterdir():
        shutil.rmtree(wheel)
    (project.directory / ".venv").unlink()
    shutil.rmtree(project.directory / ".ppm" / "envs")
    asked = len(local_index.requests)
    result = project.run("apply", "--offline")
    assert result.returncode == 1
    assert "error[OFFLINE]" in result.stderr, result.stderr
    assert len(local_index.requests) == asked
    project.ok("apply")
