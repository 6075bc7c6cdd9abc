"""diff, why, log and provenance over a history, through the real program."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import Program, PublishedIndex


@pytest.fixture
def project(local_index: PublishedIndex, ppm: Program) -> Program:
    """ash needs birch; birch was held below 2 at first, and is at 2.0 now."""
    local_index.publish("ash", "1.0", requires=["birch>=1"])
    for version in ("1.0", "2.0"):
        local_index.publish("birch", version)
    local_index.publish("elm", "3.0")
    ppm.ok("init")
    ppm.ok("add", "ash", "birch<2", "--lock")
    ppm.ok("apply", "--note", "first")
    ppm.ok("snapshot", "--name", "held")
    ppm.ok("remove", "birch")
    ppm.ok("add", "--dev", "elm", "--lock")
    ppm.ok("lock", "--upgrade")
    ppm.ok("apply", "--note", "second")
    return ppm


def asked(ppm: Program, *arguments: str | Path) -> Any:
    return json.loads(ppm.ok(*arguments, "--json"))


def changes(answer: Any, part: str) -> list[tuple[str, str, str, str]]:
    return [(one["name"], one["from"], one["to"], one["action"]) for one in answer[part]]


UPGRADED = ("birch", "1.0", "2.0", "upgraded")
ADDED = ("elm", "", "3.0", "added")


def test_diff_of_two_points_of_history(project: Program) -> None:
    answer = asked(project, "diff", "held")
    assert changes(answer, "locked") == changes(answer, "installed") == [UPGRADED, ADDED]
    assert answer["requirements"] == [
        {"group": "", "name": "birch", "from": ["birch<2"], "to": []},
        {"group": "dev", "name": "elm", "from": [], "to": ["elm"]},
    ]
    held = answer["from"]["seq"]
    text = project.ok("diff", str(held))
    for line in ("  - birch<2", "  + elm (dev)", "  ~ birch 1.0 → 2.0", "  + elm 3.0"):
        assert line in text.splitlines()
    backwards = asked(project, "diff", str(answer["to"]["seq"]), "held")
    assert changes(backwards, "locked") == [
        ("birch", "2.0", "1.0", "downgraded"),
        ("elm", "3.0", "", "removed"),
    ]


def test_diff_is_by_default_the_last_change(project: Program) -> None:
    answer = asked(project, "diff")
    assert answer["from"]["label"].startswith("before apply")
    assert (changes(answer, "locked"), changes(answer, "installed")) == ([], [UPGRADED, ADDED])
    project.ok("undo")
    project.ok("undo")
    assert changes(asked(project, "diff"), "locked") == [("birch", "2.0", "1.0", "downgraded")]


def test_diff_with_a_lock_file_and_with_git(project: Program, tmp_path: Path) -> None:
    kept = tmp_path / "kept.toml"
    kept.write_bytes((project.directory / "pylock.toml").read_bytes())

    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
        subprocess.run(["git", *identity, *arguments], cwd=project.directory, check=True)

    git("init", "-q")
    git("add", "pypm.toml", "pylock.toml")
    git("commit", "-q", "-m", "now")
    project.ok("rollback", "held")
    answer = asked(project, "diff", kept)
    assert answer["requirements"] is answer["installed"] is None
    expected = [("birch", "2.0", "1.0", "downgraded"), ("elm", "3.0", "", "removed")]
    assert changes(answer, "locked") == expected
    answer = asked(project, "diff", "git:HEAD")
    assert changes(answer, "locked") == expected
    assert [one["name"] for one in answer["requirements"]] == ["birch", "elm"]
    git("rm", "-q", "--cached", "pypm.toml", "pylock.toml")
    git("commit", "-q", "-m", "gone")
    for text, code in (
        ("git:HEAD", "UNKNOWN_MOMENT"),
        ("git:nothing", "GIT"),
        ("git:--output=stolen", "GIT"),
        ("no/such.toml", "UNKNOWN_MOMENT"),
        ("no-such-name", "UNKNOWN_MOMENT"),
    ):
        told = project.run("diff", text)
        assert told.returncode == 1
        assert f"error[{code}]" in told.stderr
    assert not (project.directory / "stolen").exists()


def test_diff_without_git(project: Program, tmp_path: Path) -> None:
    told = project.run("diff", "git:HEAD", env={"PATH": str(tmp_path)})
    assert "error[GIT]" in told.stderr
    told = project.run("diff", "git:HEAD", env={"GIT_CEILING_DIRECTORIES": "/"})
    assert "error[GIT]" in told.stderr


def test_why_tells_through_whom_when_and_by_which_command(project: Program) -> None:
    answer = asked(project, "why", "Birch")
    (chain,) = answer["chains"]
    assert [(link["name"], link["requirement"]) for link in chain["links"]] == [
        ("ash", "ash"),
        ("birch", "birch>=1"),
    ]
    assert chain["asked"]["argv"] == ["ash", "birch<2", "--lock"]
    assert (answer["entered"]["verb"], answer["changed"]["verb"]) == ("add", "lock")
    assert answer["changed"]["argv"] == ["--upgrade"]
    assert answer["installed"]["note"] == "second"
    assert answer["newer"]["verdict"] == "none-known"
    assert "nothing newer was known then" in project.ok("why", "birch")


def test_why_tells_why_not_newer(project: Program) -> None:
    project.ok("rollback", "held")
    answer = asked(project, "why", "birch")
    assert answer["newer"]["verdict"] == "rejected"
    (passed,) = answer["newer"]["passed"]
    assert passed["version"] == "2.0"
    assert "birch<2" in passed["reason"]
    assert answer["returned"]["verb"] == "rollback"
    assert answer["installed"]["note"] == "first"
    assert [len(chain["links"]) for chain in answer["chains"]] == [1, 2]
    assert "not 2.0" in project.ok("why", "birch")


def test_why_of_what_is_gone_or_never_was(project: Program) -> None:
    project.ok("remove", "--dev", "elm", "--lock")
    answer = asked(project, "why", "elm")
    assert (answer["version"], answer["left"]["verb"]) == ("", "remove")
    assert "left with" in project.ok("why", "elm")
    told = project.run("why", "sequoia")
    assert told.returncode == 1
    assert "error[NOT_IN_HISTORY]" in told.stderr


def logged(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def test_log_is_narrowed_by_type_package_and_beginning(project: Program) -> None:
    every = logged(project.ok("log", "--json"))
    birch = logged(project.ok("log", "--json", "--package", "BIRCH"))
    assert {one["data"]["name"] for one in birch} == {"birch"}
    assert {one["type"].partition("/")[0] for one in birch} == {
        "requirement.added",
        "requirement.removed",
        "package.locked",
        "package.installed",
        "candidate.rejected",
        "artifact.fetched",
    }
    assert not project.ok("log", "--package", "project")
    held = asked(project, "diff", "held")["from"]["seq"]
    locked = logged(project.ok("log", "--json", "--type", "package.locked", "--since", "held"))
    assert [one["data"]["name"] for one in locked] == ["elm", "birch"]
    assert all(one["seq"] > held for one in locked)
    time = every[held - 1]["time"]
    after = logged(project.ok("log", "--json", "--since", time, "--type", "*.*/1"))
    assert after[0]["seq"] == held + 1
    first = logged(project.ok("log", "--json", "--since", "1999-12-31"))[0]
    assert first == every[0]


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_log_follows_with_its_filters_until_it_is_stopped(
    project: Program, stop: signal.Signals
) -> None:
    filters = ["--type", "snapshot.taken", "--since", "held", "--json"]
    with project.start("log", "--follow", *filters) as following:
        assert following.stdout is not None
        assert json.loads(following.stdout.readline())["data"]["automatic"]
        project.ok("tree")
        project.ok("snapshot", "--name", "later")
        assert json.loads(following.stdout.readline())["data"]["name"] == "later"
        os.kill(following.pid, stop)
        assert following.wait(20) == 0
        assert following.stdout.read() == ""
    newest = json.loads(project.ok("provenance", "--all", "--last", "1", "--json"))[0]
    assert (newest["verb"], newest["argv"]) == ("log", ["--follow", *filters])


def test_a_page_of_the_history_is_the_same_as_long_as_nothing_is_done(project: Program) -> None:
    answer = asked(project, "provenance", "--html", "history.html")
    page = (project.directory / "history.html").read_bytes()
    assert len(page) == answer["size"]
    assert answer["operations"] == 8
    project.ok("tree")
    project.ok("provenance", "--html", "again.html")
    assert (project.directory / "again.html").read_bytes() == page
    project.ok("provenance", "--html", "few.html", "--last", "2")
    few = (project.directory / "few.html").read_text()
    assert few.count("<article>") == 2
    assert "second" in few


def test_no_page_is_written_of_a_ledger_that_was_changed(project: Program) -> None:
    ledger = project.directory / ".ppm/ledger.jsonl"
    ledger.write_bytes(ledger.read_bytes().replace(b'"note":"first"', b'"note":"forged"'))
    told = project.run("provenance", "--html", "history.html")
    assert "error[LEDGER_CORRUPT]" in told.stderr
    assert not (project.directory / "history.html").exists()
