"""``ppm bisect``: the first change of the environment at which a command fails."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from conftest import Program, PublishedIndex

LAST_GOOD = 4
CHANGES = 6
SNAPSHOTS = (1, 3, 5)


@pytest.fixture
def project(local_index: PublishedIndex, ppm: Program) -> Program:
    """Six environments, each with a newer oak; oak 5.0 broke ``oak.works``."""
    for number in range(1, CHANGES + 1):
        local_index.publish(
            "oak",
            f"{number}.0",
            files={"oak/__init__.py": f"works = {number <= LAST_GOOD}\nnumber = {number}\n"},
        )
    ppm.ok("init")
    for number in range(1, CHANGES + 1):
        ppm.ok("ensure", f"oak=={number}.0", "--note", f"oak {number}")
        if number in SNAPSHOTS:
            ppm.ok("snapshot", "--name", f"oak-{number}")
    return ppm


WORKS = ["python", "-c", "import oak; raise SystemExit(0 if oak.works else 3)"]


def left(home: Path) -> list[str]:
    return [path.name for path in home.iterdir() if path.name.startswith("bisect-")]


def test_the_first_bad_operation_is_found_without_touching_the_environment(
    project: Program, tmp_path: Path
) -> None:
    venv = (project.directory / ".venv").readlink()
    generations = sorted((project.directory / ".ppm/envs").iterdir())
    answer = json.loads(project.ok("bisect", "--good", "oak-1", "--json", "--", *WORKS))
    assert answer["first_bad"]["note"] == f"oak {LAST_GOOD + 1}"
    assert answer["first_bad"]["changes"][-1] == f"oak {LAST_GOOD}.0 → {LAST_GOOD + 1}.0"
    assert answer["suspects"] == [answer["first_bad"]]
    verdicts = [(one["verdict"], one["status"]) for one in answer["trials"]]
    assert verdicts[:2] == [("good", 0), ("bad", 3)]
    assert len(verdicts) <= 2 + 3
    assert (project.directory / ".venv").readlink() == venv
    assert sorted((project.directory / ".ppm/envs").iterdir()) == generations
    assert left(tmp_path.with_name(tmp_path.name + "-home") / ".ppm") == []
    project.ok("replay", "--check")
    (newest,) = json.loads(project.ok("provenance", "--all", "--last", "1", "--json"))
    assert newest["verb"] == "replay"
    queries = project.ok("log", "--json", "--type", "query.answered").splitlines()
    assert json.loads(queries[0])["data"]["verb"] == "bisect"


def test_the_text_names_the_operation(project: Program) -> None:
    result = project.run("bisect", "--good", "oak-1", *WORKS)
    assert result.returncode == 0
    assert "first bad: event" in result.stdout
    assert "ppm ensure oak==5.0 --note 'oak 5'" in result.stdout
    assert "oak 4.0 → 5.0" in result.stdout
    assert ": bad (status 3" in result.stderr


def test_what_cannot_be_judged_is_passed_over(project: Program) -> None:
    code = "import oak; raise SystemExit(125 if 3 <= oak.number <= 5 else not oak.works)"
    line = ["bisect", "--good", "oak-1", "--json", "--", "python", "-c", code]
    answer = json.loads(project.ok(*line))
    assert answer["first_bad"] is None
    assert [one["note"] for one in answer["suspects"]] == [f"oak {n}" for n in (3, 4, 5, 6)]
    assert "one of these" in project.ok(*[word for word in line if word != "--json"])


def test_points_that_cannot_be_searched_between_are_refused(project: Program) -> None:
    for points, code, status in (
        (["--good", "oak-5"], "BISECT_ENDS", 1),
        (["--good", "oak-1", "--bad", "oak-3"], "BISECT_ENDS", 1),
        (["--good", "oak-3", "--bad", "oak-3"], "USAGE", 2),
        (["--good", "oak-9"], "UNKNOWN_MOMENT", 1),
    ):
        told = project.run("bisect", *points, "--", *WORKS)
        assert told.returncode == status
        assert f"error[{code}]" in told.stderr
        assert told.stdout == ""
    told = project.run("bisect", "--good", "oak-1", "--", "no-such-command")
    assert told.returncode == 1
    assert "status 127" in told.stderr
    assert "error[BISECT_ENDS]" in told.stderr


def test_what_the_store_has_lost_is_fetched_again(project: Program, tmp_path: Path) -> None:
    store = tmp_path.with_name(tmp_path.name + "-home") / ".ppm/store"
    shutil.rmtree(store)
    offline = project.run("bisect", "--good", "oak-1", "--offline", "--", *WORKS)
    assert "error[OFFLINE]" in offline.stderr
    answer = json.loads(project.ok("bisect", "--good", "oak-1", "--json", "--", *WORKS))
    assert answer["first_bad"]["note"] == "oak 5"
