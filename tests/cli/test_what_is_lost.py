"""A manifest that is gone comes back with ``init``; a ledger that lost its end is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Program, PublishedIndex

from ppm.engine.manifest.read import read_manifest


@pytest.fixture
def project(local_index: PublishedIndex, ppm: Program) -> Path:
    local_index.publish("elm", "3.0")
    local_index.publish("oak", "1.0")
    ppm.ok("init")
    ppm.ok("add", "elm>=2", "--lock")
    ppm.ok("add", "--dev", "oak", "--lock")
    ppm.ok("apply")
    return ppm.directory


def cut(ledger: Path, kept: int) -> list[bytes]:
    lines = ledger.read_bytes().splitlines(keepends=True)
    ledger.write_bytes(b"".join(lines[:kept]))
    return lines


def test_init_writes_a_lost_manifest_anew_from_the_history(project: Path, ppm: Program) -> None:
    manifest = project / "pypm.toml"
    asked = [(one.group, one.requirement) for one in read_manifest(manifest).requirements]
    manifest.unlink()
    refused = ppm.run("apply")
    assert "error[NO_MANIFEST]" in refused.stderr
    assert "ppm init" in refused.stderr
    document = json.loads(ppm.ok("init", "--json"))
    assert document == {"root": str(project), "created": False, "written": ["pypm.toml"]}
    restored = read_manifest(manifest)
    assert [(one.group, one.requirement) for one in restored.requirements] == asked
    events = [
        json.loads(line) for line in (project / ".ppm/ledger.jsonl").read_bytes().splitlines()
    ]
    types = [event["type"] for event in events]
    assert types[-3:] == ["command.started/1", "manifest.written/1", "command.completed/1"]
    assert events[-2]["data"]["sha256"] == restored.sha256
    assert json.loads(ppm.ok("apply", "--json"))["plan"] == "noop"
    ppm.ok("verify")
    before = manifest.read_bytes()
    assert "already" in ppm.ok("init")
    assert manifest.read_bytes() == before


def test_a_tail_that_was_cut_off_is_told_and_then_rebuilt_from(project: Path, ppm: Program) -> None:
    lines = cut(project / ".ppm/ledger.jsonl", 12)
    verified = ppm.run("verify", "--json")
    assert verified.returncode == 1
    told = json.loads(verified.stdout)["ledger"]
    assert (told["ok"], told["code"]) == (False, "LEDGER_LOST_LINES")
    assert f"event {len(lines)} " in told["problem"]
    assert "only 12 events" in told["problem"]
    warned = ppm.run("apply")
    assert warned.stderr.count("lines were lost") == 1
    assert "lines were lost" not in ppm.run("apply").stderr
    ppm.ok("verify")


def test_a_replaced_tail_is_told(project: Path, ppm: Program) -> None:
    ledger = project / ".ppm/ledger.jsonl"
    cut(ledger, len(ledger.read_bytes().splitlines()) - 2)
    for _ in range(3):
        ppm.ok("tree")  # Queries move no projection.
    assert "another line there" in ppm.run("verify", "--ledger").stderr


def test_a_tail_of_queries_or_a_torn_line_is_no_loss(project: Path, ppm: Program) -> None:
    ledger = project / ".ppm/ledger.jsonl"
    count = len(ledger.read_bytes().splitlines())
    ppm.ok("tree")
    cut(ledger, count)
    ppm.ok("verify", "--ledger")
    ledger.write_bytes(ledger.read_bytes() + b'{"torn')
    assert "lost" not in ppm.run("apply").stderr
    ppm.ok("verify", "--ledger")


def test_a_shared_ledger_that_git_replaced_is_not_called_lost(project: Path, ppm: Program) -> None:
    manifest = project / "pypm.toml"
    manifest.write_text(manifest.read_text() + "\n[tool.ppm.ledger]\nshared = true\n")
    ppm.ok("apply")
    cut(project / ".ppm/ledger.jsonl", 12)
    ppm.ok("verify", "--ledger")
    assert "lost" not in ppm.run("apply").stderr


def test_a_file_in_the_place_of_a_project_is_led_to_its_folder(project: Path, ppm: Program) -> None:
    refused = ppm.run("tree", "--project", str(project / "pypm.toml"))
    assert "error[NO_PROJECT]" in refused.stderr
    assert f"--project {project}\n" in refused.stderr
