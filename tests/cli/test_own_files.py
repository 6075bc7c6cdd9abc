"""What PPM may write where, and what it must not believe."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from conftest import Program, PublishedIndex


@pytest.fixture
def project(local_index: PublishedIndex, ppm: Program) -> Path:
    local_index.publish("elm", "3.0")
    local_index.publish("oak", "1.0")
    ppm.ok("init")
    ppm.ok("add", "elm", "--lock")
    return ppm.directory


@pytest.mark.parametrize(
    "out", [".ppm/ledger.jsonl", ".ppm/new.json", "pypm.toml", "pylock.toml", ".", "no/such/folder"]
)
def test_an_answer_is_never_written_over_ppms_own_files(
    project: Path, ppm: Program, out: str
) -> None:
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    result = ppm.run("plan", "--out", out)
    assert result.returncode == 2
    assert "error[USAGE]" in result.stderr
    after = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    changed = {path.name for path in after if after[path] != before.get(path)}
    assert changed <= {"ledger.jsonl", "ledger.seen"}
    ppm.ok("replay", "--check")


def test_an_answer_goes_through_links_and_pipes(project: Path, ppm: Program) -> None:
    (project / "real.json").write_text("old")
    (project / "link.json").symlink_to("real.json")
    ppm.ok("plan", "--out", "link.json")
    assert (project / "link.json").is_symlink()
    assert json.loads((project / "real.json").read_bytes())["plan"] == "install"
    os.mkfifo(project / "pipe")
    reader = subprocess.Popen(["cat", project / "pipe"], stdout=subprocess.PIPE)
    ppm.ok("plan", "--out", "pipe")
    assert json.loads(reader.communicate(timeout=20)[0])["plan"] == "install"


@pytest.mark.parametrize("part", ["snapshots", "write.lock", "operation.lock"])
def test_a_part_of_ppms_folder_that_is_a_link_is_refused(
    project: Path, ppm: Program, part: str
) -> None:
    precious = project / "precious"
    precious.mkdir()
    (precious / "settings.json").write_text("{}")
    place = project / ".ppm" / part
    shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
    place.symlink_to(precious if part == "snapshots" else precious / "made")
    for verb in (["replay"], ["apply"], ["tree"]):
        result = ppm.run(*verb)
        assert result.returncode == 1
        assert "error[LINKED]" in result.stderr
    assert [path.name for path in precious.iterdir()] == ["settings.json"]


def test_a_lock_that_gives_a_package_another_ones_digest_is_refused(
    project: Path, ppm: Program
) -> None:
    ppm.ok("apply")
    lock = project / "pylock.toml"
    lock.write_text(lock.read_text().replace('"elm"', '"oak"').replace("elm-3.0", "oak-3.0"))
    manifest = project / "pypm.toml"
    manifest.write_text(manifest.read_text().replace('"elm"', '"oak"'))
    result = ppm.run("apply", "--frozen")
    assert result.returncode == 1
    assert "error[WHEEL_NAME]" in result.stderr
    assert ppm.run("run", "--no-sync", "python", "-c", "import elm").returncode == 0


def test_offline_uses_what_is_cached_whatever_its_age(
    project: Path, ppm: Program, local_index: PublishedIndex
) -> None:
    local_index.offer(max_age=0)
    ppm.ok("lock", "--upgrade")
    ppm.ok("lock", "--upgrade", "--offline")
    missing = ppm.run("add", "oak", "--lock", "--offline")
    assert missing.returncode == 1
    assert "error[OFFLINE]" in missing.stderr
    assert project.exists()


def test_a_background_job_can_be_ended(project: Path, ppm: Program) -> None:
    command = f"trap '' INT; exec {ppm.executable} log --follow"
    job = subprocess.Popen(["sh", "-c", command], cwd=project, stdout=subprocess.DEVNULL)
    time.sleep(2)
    job.send_signal(signal.SIGTERM)
    assert job.wait(timeout=20) in {0, 130}
