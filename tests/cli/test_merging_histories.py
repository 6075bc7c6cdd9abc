"""Two histories of one project meet: git branches and clones, through the real program and git."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Program, PublishedIndex
from support import step_killer
from support.scene import Marks, Scene, publish_all

from ppm.engine.clock import SteppingClock
from ppm.engine.paths import HomePaths
from ppm.events.catalog import AnyEvent
from ppm.events.chain import line_digest, seal
from ppm.events.codec import Codec
from ppm.events.envelope import Draft, Head
from ppm.events.project import LedgerMerged
from ppm.events.requirement import IntentMerged, RequirementAdded

SHARED = "\n[tool.ppm.ledger]\nshared = true\n"

needs_git = pytest.mark.skipif(not shutil.which("git"), reason="git is not here")


@pytest.fixture
def alone(local_index: PublishedIndex, ppm: Program, tmp_path: Path) -> Scene:
    """A project that asks for birch below 2, its ledger its own."""
    publish_all(local_index)
    local_index.publish("birch", "2.0")
    local_index.publish("elm", "2.0")
    ppm.ok("init")
    ppm.ok("add", "birch<2", "--lock")
    return Scene(local_index, ppm, HomePaths(tmp_path.with_name(tmp_path.name + "-home") / ".ppm"))


@pytest.fixture
def team(local_index: PublishedIndex, ppm: Program, tmp_path: Path) -> Scene:
    """The same under git, with the ledger committed on the branch ``main``."""
    publish_all(local_index)
    local_index.publish("birch", "2.0")
    scene = Scene(local_index, ppm, HomePaths(tmp_path.with_name(tmp_path.name + "-home") / ".ppm"))
    git(scene, "init", "-q", "-b", "main")
    git(scene, "config", "user.email", "a@b.example")
    git(scene, "config", "user.name", "a")
    ppm.ok("init")
    manifest = scene.manifest.read_text(encoding="utf-8")
    scene.manifest.write_text(manifest + SHARED, encoding="utf-8")
    ppm.ok("add", "birch<2", "--lock")
    commit(scene)
    return scene


def git(scene: Scene, *arguments: str, status: int = 0) -> str:
    ended = subprocess.run(
        ["git", *arguments], cwd=scene.root, capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == status, f"{arguments}: {ended.stdout}\n{ended.stderr}"
    return ended.stdout


def commit(scene: Scene) -> None:
    git(scene, "add", "-A")
    git(scene, "commit", "-q", "-m", "work")


def branch(scene: Scene, theirs: Callable[[], object], ours: Callable[[], object]) -> None:
    """``theirs`` on the branch ``other``, ``ours`` on ``main``, which is checked out afterwards."""
    git(scene, "checkout", "-q", "-b", "other")
    theirs()
    commit(scene)
    git(scene, "checkout", "-q", "main")
    ours()
    commit(scene)


def clone_of(scene: Scene, name: str) -> Program:
    """A copy of the project as it is now, whose history goes its own way."""
    folder = scene.root.with_name(name)
    shutil.copytree(scene.root, folder, symlinks=True)
    return Program(folder)


def assert_sound(scene: Scene) -> None:
    scene.ppm.ok("ledger", "verify")
    scene.ppm.ok("replay", "--check")
    scene.assert_valid()


def requirements(scene: Scene) -> dict[str, list[str]]:
    wanted = scene.project().state.requirements
    return {group: sorted(texts) for group, texts in sorted(wanted.items())}


def wanted(marks: Marks) -> tuple[bytes, bytes | None]:
    return marks.requirements, marks.pylock


def locked(scene: Scene) -> dict[str, str]:
    (packages,) = scene.project().lock.targets.values()
    return {name: package.version for name, package in packages.items()}


@needs_git
@pytest.mark.parametrize(("mine", "in_conflict"), [("fir", True), ("ash", False)])
def test_two_branches_that_add_different_packages_become_one_history(
    team: Scene, mine: str, in_conflict: bool
) -> None:
    team.index.publish("fir", "1.0")
    branch(
        team,
        lambda: team.ppm.ok("add", "elm", "--lock"),
        lambda: team.ppm.ok("add", mine, "--lock"),
    )
    ours = team.paths.ledger.read_bytes()
    told = git(team, "merge", "other", status=1)
    assert "CONFLICT (content): Merge conflict in .ppm/ledger.jsonl" in told
    assert team.paths.ledger.read_bytes() == ours
    refused = team.ppm.run("ledger", "merge", "MERGE_HEAD")
    assert "error[MANIFEST_INVALID]: pypm.toml holds merge-conflict markers" in refused.stderr
    assert "git checkout --ours pypm.toml" in refused.stderr
    git(team, "checkout", "--ours", "pypm.toml")
    assert (b"<<<<<<<" in team.paths.pylock.read_bytes()) is in_conflict
    told = team.ppm.ok("ledger", "merge", "MERGE_HEAD", "--note", "both")
    assert "require elm\n" in told
    assert requirements(team) == {"": sorted([mine, "birch<2", "elm"])}
    assert locked(team) == {mine: "1.0", "birch": "1.0", "elm": "1.0"}
    assert_sound(team)
    commit(team)
    assert team.paths.ledger.read_bytes().startswith(ours)
    team.ppm.ok("apply")
    assert team.imports(f"import {mine}, birch, elm")
    assert "nothing to merge" in team.ppm.ok("ledger", "merge", "other")


@needs_git
def test_a_rebase_takes_commit_after_commit_and_what_git_merged_itself_is_held(team: Scene) -> None:
    def two_commits() -> None:
        team.ppm.ok("add", "--dev", "elm", "--lock")
        commit(team)
        team.ppm.ok("add", "--dev", "ash", "--lock")

    branch(team, lambda: team.ppm.ok("add", "birch", "--lock"), two_commits)
    git(team, "rebase", "other", status=1)
    for expected in ({"": ["birch"], "dev": ["elm"]}, {"": ["birch"], "dev": ["ash", "elm"]}):
        assert "<<<<<<<" not in team.manifest.read_text(encoding="utf-8")
        team.ppm.ok("ledger", "merge", "REBASE_HEAD")
        assert requirements(team) == expected
        assert_sound(team)
        last = "dev" if "ash" in expected["dev"] else ""
        git(team, "add", "-A")
        git(team, "-c", "core.editor=true", "rebase", "--continue", status=0 if last else 1)
    held = [one.event for one in team.records() if isinstance(one.event, IntentMerged)]
    assert [(one.requirement, one.outcome) for one in held] == [("elm", "held"), ("ash", "held")]
    assert git(team, "status", "--short") == ""
    assert team.ppm.ok("lock", "--check")


def test_an_undo_of_a_merge_takes_back_what_it_changed(alone: Scene) -> None:
    other = clone_of(alone, "other")
    other.ok("add", "elm", "--lock")
    alone.ppm.ok("add", "ash", "--lock")
    before = alone.marks()
    alone.ppm.ok("ledger", "merge", other.directory)
    after = alone.marks()
    alone.ppm.ok("undo")
    assert (alone.marks().requirements, alone.marks().pylock) == (
        before.requirements,
        before.pylock,
    )
    assert "nothing to merge" in alone.ppm.ok("ledger", "merge", other.directory)
    alone.ppm.ok("redo")
    assert wanted(alone.marks()) == wanted(after)
    assert_sound(alone)


@needs_git
def test_a_merge_names_both_heads_and_the_events_that_asked(team: Scene) -> None:
    branch(
        team,
        lambda: team.ppm.ok("add", "elm", "--lock"),
        lambda: team.ppm.ok("add", "ash", "--lock"),
    )
    lines = git(team, "cat-file", "blob", "other:.ppm/ledger.jsonl").splitlines()
    theirs = [json.loads(line) for line in lines]
    (asked,) = [one for one in theirs if one["data"].get("requirement") == "elm"]
    fork = json.loads(git(team, "cat-file", "blob", "main~1:.ppm/ledger.jsonl").splitlines()[-1])
    answer = json.loads(team.ppm.ok("ledger", "merge", "other", "--json"))
    assert (answer["how"], answer["changes"]) == ("merged", ["require elm"])
    assert (answer["fork"]["seq"], answer["theirs"]["seq"]) == (fork["seq"], len(lines))
    (merged,) = [one for one in team.records() if isinstance(one.event, LedgerMerged)]
    assert isinstance(merged.event, LedgerMerged)
    assert merged.event.theirs_digest == answer["theirs"]["digest"]
    assert team.records()[merged.event.ours_seq - 1].digest == merged.event.ours_digest
    (intent,) = [one.event for one in team.records() if isinstance(one.event, IntentMerged)]
    assert intent.origin_id == asked["id"]
    assert team.records()[merged.event.fork_seq - 1].digest == merged.event.fork_digest
    assert (intent.requirement, intent.outcome) == ("elm", "reapplied")
    assert answer["intents"][0]["origin_digest"] == intent.origin_digest
    assert f"merged events {fork['seq'] + 1} to {len(lines)}" in team.ppm.ok("provenance")


@needs_git
def test_a_conflict_is_told_and_decided_by_a_side(team: Scene) -> None:
    branch(
        team,
        lambda: team.ppm.ok("add", "birch>=2", "elm", "--lock"),
        lambda: team.ppm.ok("add", "birch>=1", "--lock"),
    )
    marks = team.marks()
    refused = team.ppm.run("ledger", "merge", "other")
    assert refused.returncode == 1
    assert "error[MERGE_CONFLICT]: both sides changed" in refused.stderr
    assert "birch: ours birch>=1, theirs birch>=2, before birch<2" in refused.stderr
    assert "hint: --ours keeps ours, --theirs takes theirs" in refused.stderr
    assert team.marks() == marks
    assert team.ppm.run("ledger", "merge", "other", "--ours", "--theirs").returncode == 2
    commit(team)
    told = team.ppm.ok("ledger", "merge", "other", "--ours")
    assert "not taken: require birch>=2" in told
    assert requirements(team) == {"": ["birch>=1", "elm"]}
    assert_sound(team)
    assert "nothing to merge" in team.ppm.ok("ledger", "merge", "other", "--theirs")
    git(team, "checkout", "-q", "-f", "main")
    team.ppm.ok("ledger", "merge", "other", "--theirs")
    assert requirements(team) == {"": ["birch>=2", "elm"]}
    assert locked(team)["birch"] == "2.0"
    assert_sound(team)


@pytest.mark.parametrize(("typed", "left"), [("what\nt\n", ["birch>=2"]), ("o\n", ["birch>=1"])])
def test_a_person_at_a_terminal_is_asked(alone: Scene, typed: str, left: list[str]) -> None:
    other = clone_of(alone, "other")
    other.ok("add", "birch>=2")
    alone.ppm.ok("add", "birch>=1")
    master, terminal = pty.openpty()
    os.write(master, typed.encode())
    command = [str(alone.ppm.executable), "ledger", "merge", str(other.directory)]
    done = subprocess.run(
        command, cwd=alone.root, stdin=terminal, stdout=terminal, stderr=terminal, check=False
    )
    assert "keep ours (o) or take theirs (t)?" in os.read(master, 1 << 16).decode()
    os.close(terminal)
    os.close(master)
    assert done.returncode == 0
    assert requirements(alone) == {"": left}


def test_a_history_that_continues_ours_is_taken_as_it_is(alone: Scene) -> None:
    other = clone_of(alone, "other")
    other.ok("add", "--dev", "elm", "--lock")
    other.ok("remove", "birch", "--lock")
    theirs = (other.directory / ".ppm/ledger.jsonl").read_bytes()
    told = alone.ppm.ok("ledger", "merge", other.directory)
    assert "it continues this ledger" in told
    assert alone.paths.ledger.read_bytes().startswith(theirs)
    assert requirements(alone) == {"dev": ["elm"]}
    assert locked(alone) == {"elm": "2.0"}
    for name in ("pypm.toml", "pylock.toml"):
        assert (alone.root / name).read_bytes() == (other.directory / name).read_bytes()
    assert_sound(alone)
    alone.ppm.ok("apply")
    assert "nothing to merge" in alone.ppm.ok("ledger", "merge", other.directory)
    assert "it continues" in other.ok("ledger", "merge", alone.paths.ledger)


def test_what_was_merged_and_then_taken_back_does_not_return(alone: Scene) -> None:
    other = clone_of(alone, "other")
    other.ok("add", "elm", "--lock")
    older = clone_of(Scene(alone.index, other, alone.home), "older")
    alone.ppm.ok("add", "ash", "--lock")
    alone.ppm.ok("ledger", "merge", other.directory)
    alone.ppm.ok("remove", "elm", "--lock")
    other.ok("add", "--dev", "birch", "--lock")
    alone.ppm.ok("ledger", "merge", other.directory)
    assert requirements(alone) == {"": ["ash", "birch<2"], "dev": ["birch"]}
    alone.ppm.ok("ledger", "merge", older.directory)
    assert requirements(alone) == {"": ["ash", "birch<2"], "dev": ["birch"]}
    other.ok("ledger", "merge", alone.root)
    there = Scene(alone.index, other, alone.home)
    assert requirements(there) == requirements(alone)
    assert locked(there) == locked(alone)
    assert_sound(alone)


def test_an_upgrade_of_the_other_side_is_preferred(alone: Scene) -> None:
    alone.index.publish("fir", "1.0")
    alone.index.publish("fir", "2.0")
    alone.ppm.ok("add", "fir==1.0", "--lock")
    alone.ppm.ok("add", "fir", "--lock")
    other = clone_of(alone, "other")
    alone.ppm.ok("add", "elm<2", "--lock")
    other.ok("lock", "--upgrade")
    told = alone.ppm.ok("ledger", "merge", other.directory)
    assert locked(alone) == {"birch": "1.0", "elm": "1.0", "fir": "2.0"}
    assert "locked 3 packages, 1 changed" in told
    (intent,) = [one.event for one in alone.records() if isinstance(one.event, IntentMerged)]
    assert (intent.kind, intent.requirement, intent.outcome) == ("locked", "fir==2.0", "reapplied")
    assert_sound(alone)


def test_requirements_that_do_not_go_together_change_nothing(alone: Scene) -> None:
    alone.index.publish("oak", "1.0", requires=["birch>=2"])
    alone.index.publish("fir", "1.0", requires=["birch<2"])
    alone.ppm.ok("remove", "birch", "--lock")
    other = clone_of(alone, "other")
    other.ok("add", "oak", "--lock")
    alone.ppm.ok("add", "fir", "--lock")
    marks = alone.marks()
    refused = alone.ppm.run("ledger", "merge", other.directory)
    assert "error[RESOLUTION_IMPOSSIBLE]" in refused.stderr
    assert alone.marks() == marks
    assert_sound(alone)


def forged(ledger: Path, *events: AnyEvent) -> bytes:
    """The ledger with more lines, as one who knows the format could write them."""
    clock, codec = SteppingClock(), Codec()
    data = ledger.read_bytes()
    last = data.splitlines()[-1]
    head = Head(codec.decode(last)[0].seq, line_digest(last), len(data))
    drafts = [
        Draft(id=clock.new_id(), time=clock.now(), run=clock.new_id(), actor="x@y", event=event)
        for event in events
    ]
    return data + b"".join(seal(head, drafts, codec)[0])


def hostile(other: Program) -> dict[str, tuple[bytes, str]]:
    ledger = other.directory / ".ppm/ledger.jsonl"
    whole = ledger.read_bytes()
    lines = whole.splitlines(keepends=True)
    last = len(lines)

    def asks(group: str, name: str, text: str) -> bytes:
        return forged(ledger, RequirementAdded(group=group, name=name, requirement=text))

    return {
        "edited": (whole.replace(b'"elm"', b'"oak"', 1), "LEDGER_CORRUPT"),
        "truncated": (whole[:-20], f"LEDGER_CORRUPT]: line {last} of"),
        "giant line": (whole + b"x" * (17 << 20) + b"\n", "has more than 16 MiB"),
        "unknown type": (
            whole + lines[-1].replace(b"command.completed/1", b"command.completed/9"),
            f"LEDGER_TOO_NEW]: line {last + 1} of",
        ),
        "conflict markers": (whole + b"<<<<<<< HEAD\n", "LEDGER_CONFLICT"),
        "no JSON": (b"\0" * 4096 + b"\n", "LEDGER_CORRUPT]: line 1 of"),
        "another name": (asks("", "elm", "oak"), "MERGE_INVALID"),
        "no requirement": (asks("", "elm", "elm\n[tool.evil]"), "MERGE_INVALID"),
        "no group": (asks("../x", "oak", "oak"), "MERGE_INVALID"),
    }


@pytest.mark.parametrize("ahead", [False, True], ids=["parted", "ahead"])
def test_a_hostile_history_is_refused_whole(alone: Scene, ahead: bool) -> None:
    other = clone_of(alone, "other")
    other.ok("add", "elm")
    if not ahead:
        alone.ppm.ok("add", "ash")
    file, marks = alone.root.with_name("theirs.jsonl"), alone.marks()
    ours = alone.paths.ledger.read_bytes()
    for kind, (data, words) in hostile(other).items():
        file.write_bytes(data)
        alone.paths.ledger.write_bytes(ours)  # A failed command would keep ours from being behind.
        refused = alone.ppm.run("ledger", "merge", file)
        assert (refused.returncode, refused.stdout) == (1, ""), kind
        assert words in refused.stderr, kind
        assert "hint: " in refused.stderr
        assert alone.marks() == marks
        after = alone.paths.ledger.read_bytes()
        assert after.startswith(ours)
        assert [one["type"] for one in map(json.loads, after[len(ours) :].splitlines())] == [
            "command.started/1",
            "command.failed/1",
        ]
    assert_sound(alone)


def test_the_ledger_of_another_project_or_none_is_refused(alone: Scene, tmp_path: Path) -> None:
    other = Program(tmp_path / "other")
    other.directory.mkdir()
    other.ok("init")
    (tmp_path / "empty").mkdir()
    (tmp_path / "nothing").touch()
    for named, code in (
        (other.directory, "LEDGER_UNRELATED"),
        (tmp_path / "nothing", "LEDGER_UNRELATED"),
        (tmp_path / "empty", "NO_LEDGER"),
        ("no-such-branch", "NO_LEDGER"),
        ("git:--all", "NO_LEDGER"),
        (os.devnull, "NO_LEDGER"),
    ):
        alone.refused("ledger", "merge", named, code=code)
    assert "nothing to merge" in alone.ppm.ok("ledger", "merge", ".")


@pytest.mark.parametrize("ahead", [False, True], ids=["parted", "ahead"])
def test_a_kill_before_any_step_of_a_merge_is_survived(alone: Scene, ahead: bool) -> None:
    other = clone_of(alone, "other")
    other.ok("add", "--dev", "elm", "--lock")
    if not ahead:
        alone.ppm.ok("add", "ash", "--lock")
    expected = {"": ["birch<2"] if ahead else ["ash", "birch<2"], "dev": ["elm"]}
    saved, step = alone.root.with_name("saved"), 1
    shutil.copytree(alone.root, saved, symlinks=True)
    while kill_before(alone, step, "ledger", "merge", str(other.directory)):
        alone.assert_chain()
        alone.ppm.ok("ledger", "merge", other.directory)
        assert requirements(alone) == expected
        assert locked(alone)["elm"] == "2.0"
        assert_sound(alone)
        alone.ppm.ok("lock", "--check")
        shutil.rmtree(alone.root)
        shutil.copytree(saved, alone.root, symlinks=True)
        step += 1 if os.environ.get("PPM_TEST_EVERY_STEP") else 3
    assert step > 6


def kill_before(scene: Scene, step: int, *arguments: str) -> bool:
    command = [sys.executable, step_killer.__file__, str(step), *arguments]
    done = subprocess.run(
        command, cwd=scene.root, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


@needs_git
def test_what_git_sees_of_a_shared_ledger(team: Scene) -> None:
    team.ppm.ok("apply")
    assert git(team, "ls-files").split() == [
        ".gitattributes",
        ".gitignore",
        ".ppm/ledger.jsonl",
        "pylock.toml",
        "pypm.toml",
    ]
    commit(team)
    before = team.paths.ledger.read_bytes()
    for query in (["tree"], ["plan"], ["ledger", "verify"], ["log"], ["why", "nothing"]):
        team.ppm.run(*query)
    assert team.paths.ledger.read_bytes() == before
    assert git(team, "status", "--short") == ""
    manifest = team.manifest.read_text(encoding="utf-8")
    team.manifest.write_text(manifest.replace(SHARED, ""), encoding="utf-8")
    team.ppm.ok("tree")
    assert b"query.answered/1" in team.paths.ledger.read_bytes()


@needs_git
def test_init_writes_for_git_what_is_missing_and_keeps_the_rest(
    ppm: Program, tmp_path: Path, local_index: PublishedIndex
) -> None:
    scene = Scene(local_index, ppm, HomePaths(tmp_path))
    git(scene, "init", "-q")
    (scene.root / ".gitattributes").write_bytes(b"*.png binary")
    (scene.root / ".gitignore").write_bytes(b".ppm\r\n*.pyc\r\n")
    written = json.loads(ppm.ok("init", "--json"))["written"]
    assert written == ["pypm.toml", ".gitignore", ".gitattributes"]
    assert (scene.root / ".gitattributes").read_bytes() == (
        b"*.png binary\n/.ppm/ledger.jsonl -text -merge\n"
    )
    assert (scene.root / ".gitignore").read_bytes() == (b".ppm\r\n*.pyc\r\n/.venv\r\n/.venv.*\r\n")
    with scene.manifest.open("a", encoding="utf-8") as file:
        file.write(SHARED)
    ppm.ok("lock")
    assert (scene.root / ".gitignore").read_bytes() == (
        b"*.pyc\r\n/.venv\r\n/.venv.*\r\n/.ppm/*\r\n!/.ppm/ledger.jsonl\r\n"
    )
    before = {path: path.read_bytes() for path in scene.root.glob(".git*") if path.is_file()}
    ppm.ok("lock")
    assert before == {path: path.read_bytes() for path in before}


@needs_git
def test_the_history_of_another_machine_does_not_describe_this_one(
    team: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(team, "clone", "-q", ".", str(tmp_path / "second"))
    second = Program(tmp_path / "second")
    second.ok("apply")
    team.ppm.ok("add", "ash", "--lock")
    team.ppm.ok("apply")
    commit(team)
    monkeypatch.setenv("PPM_HOME", str(tmp_path / "second-home"))
    subprocess.run(["git", "checkout", "-q", "."], cwd=second.directory, check=True)
    subprocess.run(["git", "pull", "-q"], cwd=second.directory, check=True)
    there = Scene(team.index, second, HomePaths(tmp_path / "second-home"))
    assert sorted(json.loads(second.ok("plan"))["packages"]) == ["ash", "birch"]
    second.ok("apply")
    assert there.imports("import ash, birch")
    assert len(there.project().state.environments) == 2
    assert "nothing to do" in second.ok("apply")
    second.ok("ledger", "verify")
    second.ok("replay", "--check")


@needs_git
def test_markers_that_git_wrote_into_the_ledger_lead_to_the_merge(team: Scene) -> None:
    (team.root / ".gitattributes").unlink()
    branch(team, lambda: team.ppm.ok("add", "elm"), lambda: team.ppm.ok("add", "ash"))
    (team.root / ".gitattributes").unlink(missing_ok=True)
    git(team, "config", "core.attributesFile", os.devnull)
    team.paths.ledger.write_bytes(
        team.paths.ledger.read_bytes() + b"<<<<<<< HEAD\n=======\n>>>>>>> other\n"
    )
    refused = team.ppm.run("plan")
    assert "error[LEDGER_CONFLICT]" in refused.stderr
    assert "ppm ledger merge MERGE_HEAD" in refused.stderr
