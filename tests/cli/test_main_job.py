"""The main job through the real program: from nothing to an audited environment and back."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from conftest import Program, PublishedIndex

pytestmark = pytest.mark.usefixtures("trees")


@pytest.fixture
def trees(local_index: PublishedIndex) -> PublishedIndex:
    """ash needs birch and cedar; birch has two versions; elm stands alone."""
    local_index.publish(
        "ash",
        "1.0",
        requires=["birch>=1", "cedar; python_version >= '3'", "fir; sys_platform == 'nowhere'"],
        entry_points={"console_scripts": {"ash": "ash:main"}},
        files={"ash/__init__.py": "def main():\n    print('ash speaks')\n"},
    )
    local_index.publish("birch", "1.0")
    local_index.publish("birch", "2.0")
    local_index.publish("cedar", "0.5")
    local_index.publish("elm", "3.0")
    return local_index


def python(project: Path, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [project / ".venv/bin/python", "-c", code], capture_output=True, text=True, check=False
    )


def test_from_nothing_to_an_audited_environment_and_back(ppm: Program) -> None:
    assert "ledger.jsonl" in ppm.ok("init")
    assert "3 changed" in ppm.ok("add", "ash", "birch<2", "--lock")
    plan = json.loads(ppm.ok("plan"))
    assert plan["plan"] == "install"
    assert plan["packages"] == {"ash": "1.0", "birch": "1.0", "cedar": "0.5"}
    assert {change["action"] for change in plan["changes"]} == {"install"}
    assert "+ ash 1.0" in ppm.ok("apply", "--note", "first")
    script = ppm.directory / ".venv/bin/ash"
    assert subprocess.run([script], capture_output=True, text=True, check=True).stdout == (
        "ash speaks\n"
    )
    ppm.ok("add", "elm", "--lock")
    ppm.ok("apply", "--note", "second")
    assert python(ppm.directory, "import elm").returncode == 0
    operations = json.loads(ppm.ok("provenance", "--last", "10", "--json"))
    assert [one["verb"] for one in operations] == ["apply", "add", "apply", "add", "init"]
    assert [one["note"] for one in operations if one["verb"] == "apply"] == ["second", "first"]
    assert operations[0]["changes"] == ["+elm 3.0"]
    ppm.ok("replay", "--check")
    snapshots = ppm.ok("snapshots").split()
    assert len(snapshots) == 2
    ppm.ok("rollback", "--last")
    assert python(ppm.directory, "import elm").returncode == 1
    assert python(ppm.directory, "import ash").returncode == 0
    ppm.ok("replay", "--check")


def test_projections_are_rebuilt_to_the_byte(ppm: Program) -> None:
    ppm.ok("init")
    ppm.ok("add", "ash", "--lock")
    ppm.ok("apply")
    ppm.ok("snapshot", "--name", "here")
    data = ppm.directory / ".ppm"
    files = [data / "state.json", data / "lock.json", *(data / "snapshots").iterdir()]
    before = {path: path.read_bytes() for path in files}
    assert len(before) == 4
    for path in files:
        path.unlink()
    missing = ppm.run("replay", "--check")
    assert missing.returncode == 1
    assert "error[PROJECTION_DIFFERS]" in missing.stderr
    ppm.ok("replay")
    assert {path: path.read_bytes() for path in files} == before
    ppm.ok("replay", "--check")


def test_an_edited_projection_is_named_with_its_keys(ppm: Program) -> None:
    ppm.ok("init")
    ppm.ok("add", "elm", "--lock")
    lock = ppm.directory / ".ppm/lock.json"
    lock.write_text(lock.read_text().replace('"version": "3.0"', '"version": "6.6"'))
    result = ppm.run("replay", "--check", "--json")
    assert result.returncode == 1
    (difference,) = json.loads(result.stdout)["differences"]
    assert difference["file"] == "lock.json"
    assert any(key.endswith("elm.version") for key in difference["keys"])


def test_the_state_as_it_was(ppm: Program) -> None:
    ppm.ok("init")
    ppm.ok("add", "elm")
    ppm.ok("snapshot", "--name", "with-elm")
    ppm.ok("remove", "elm")
    then = json.loads(ppm.ok("replay", "--at", "with-elm"))
    assert then["state"]["state"]["requirements"] == {"": {"elm": "elm"}}
    out = ppm.directory / "then"
    ppm.ok("replay", "--at", "with-elm", "--out", out)
    assert json.loads((out / "state.json").read_bytes()) == then["state"]
    assert ppm.run("replay", "--at", "1999-01-01").returncode == 1


def test_a_second_apply_does_nothing_and_asks_nobody(trees: PublishedIndex, ppm: Program) -> None:
    ppm.ok("init")
    ppm.ok("add", "ash", "--lock")
    ppm.ok("apply")
    asked = sum(trees.counts().values())
    assert json.loads(ppm.ok("plan"))["plan"] == "noop"
    assert "nothing to do" in ppm.ok("apply")
    assert "nothing to do" in ppm.ok("ensure", "ash>=1")
    assert sum(trees.counts().values()) == asked


def test_the_lock_changes_as_little_as_possible(ppm: Program) -> None:
    ppm.ok("init")
    ppm.ok("add", "birch<2", "--lock")
    ppm.ok("add", "birch", "elm", "--lock")
    assert json.loads(ppm.ok("plan"))["packages"] == {"birch": "1.0", "elm": "3.0"}
    assert "unchanged" in ppm.ok("lock")
    ppm.ok("lock", "--upgrade")
    assert json.loads(ppm.ok("plan"))["packages"] == {"birch": "2.0", "elm": "3.0"}


def test_an_unresolvable_add_leaves_everything_as_it_was(ppm: Program) -> None:
    ppm.ok("init")
    ppm.ok("add", "ash", "--lock")
    before = {name: (ppm.directory / name).read_bytes() for name in ("pypm.toml", "pylock.toml")}
    result = ppm.run("add", "birch>=7", "--lock")
    assert result.returncode == 1
    assert result.stderr.startswith("error[")
    assert "birch" in result.stderr
    assert before == {
        name: (ppm.directory / name).read_bytes() for name in ("pypm.toml", "pylock.toml")
    }
    ppm.ok("replay", "--check")


def test_groups_and_extras_are_chosen(ppm: Program) -> None:
    ppm.ok("init")
    ppm.ok("add", "birch")
    ppm.ok("add", "--dev", "elm")
    ppm.ok("add", "--optional", "more", "cedar", "--lock")

    def packages(*options: str) -> set[str]:
        return set(json.loads(ppm.ok("plan", *options))["packages"])

    assert packages() == {"birch", "elm"}
    assert packages("--no-dev") == {"birch"}
    assert packages("--only-group", "dev") == {"elm"}
    assert packages("--no-dev", "--extra", "more") == {"birch", "cedar"}
    assert ppm.run("plan", "--extra", "less").returncode == 1


def test_a_pyproject_keeps_its_comments(ppm: Program) -> None:
    manifest = ppm.directory / "pyproject.toml"
    manifest.write_text(
        '[project]\nname = "demo"\nversion = "1"\n# what it needs\ndependencies = [\n'
        '    "birch<2",  # not yet\n]\n'
    )
    ppm.ok("init")
    ppm.ok("add", "elm", "--lock")
    ppm.ok("add", "--dev", "cedar")
    text = manifest.read_text()
    assert "# what it needs" in text
    assert "# not yet" in text
    assert '"elm"' in text
    assert "[dependency-groups]" in text
    assert not (ppm.directory / "pypm.toml").exists()


def test_an_edited_manifest_is_seen_recorded_and_followed(ppm: Program) -> None:
    ppm.ok("init")
    ppm.ok("add", "birch", "--lock")
    ppm.ok("apply")
    manifest = ppm.directory / "pypm.toml"
    manifest.write_text(manifest.read_text().replace('"birch"', '"elm"'))
    frozen = ppm.run("apply", "--frozen")
    assert frozen.returncode == 1
    assert "error[LOCK_STALE]" in frozen.stderr
    ppm.ok("apply")
    assert python(ppm.directory, "import elm").returncode == 0
    assert python(ppm.directory, "import birch").returncode == 1
    types = [json.loads(line)["type"] for line in ppm.ok("log", "--json").splitlines()]
    assert "manifest.changed/1" in types
    ppm.ok("replay", "--check")


def test_a_lock_from_elsewhere_is_adopted(ppm: Program, tmp_path: Path) -> None:
    ppm.ok("init")
    ppm.ok("add", "birch<2", "--lock")
    clone = tmp_path / "clone"
    clone.mkdir()
    for name in ("pypm.toml", "pylock.toml"):
        shutil.copy(ppm.directory / name, clone / name)
    ppm.ok("init", cwd=clone)
    ppm.ok("apply", "--frozen", cwd=clone)
    assert python(clone, "import birch; assert birch.__version__ == '1.0'").returncode == 0
    types = [json.loads(line)["type"] for line in ppm.ok("log", "--json", cwd=clone).splitlines()]
    assert "lock.adopted/1" in types
    assert (clone / "pylock.toml").read_bytes() == (ppm.directory / "pylock.toml").read_bytes()


def test_a_plan_file_is_carried_out_once(ppm: Program) -> None:
    ppm.ok("init")
    ppm.ok("add", "elm", "--lock")
    ppm.ok("plan", "--out", "plan.json")
    ppm.ok("apply", "plan.json")
    ppm.ok("add", "cedar", "--lock")
    stale = ppm.run("apply", "plan.json")
    assert stale.returncode == 1
    assert "error[PLAN_STALE]" in stale.stderr


def test_a_real_venv_is_moved_aside_not_destroyed(ppm: Program) -> None:
    mine = ppm.directory / ".venv"
    mine.mkdir()
    (mine / "precious").write_text("kept")
    ppm.ok("init")
    ppm.ok("add", "elm", "--lock")
    ppm.ok("apply")
    assert mine.is_symlink()
    (aside,) = ppm.directory.glob(".venv.before-ppm-*")
    assert (aside / "precious").read_text() == "kept"


def test_run_applies_first_and_passes_the_status_on(ppm: Program) -> None:
    ppm.ok("init")
    ppm.ok("add", "ash")
    assert ppm.run("run", "ash").stdout == "ash speaks\n"
    assert ppm.run("run", "python", "-c", "raise SystemExit(7)").returncode == 7
    assert ppm.run("run", "python", "-c", "import sys; print(sys.argv)", "--json").stdout == (
        "['-c', '--json']\n"
    )
    missing = ppm.run("run", "no-such-command")
    assert missing.returncode == 1
    assert "error[COMMAND_NOT_FOUND]" in missing.stderr


def test_rollback_rebuilds_a_generation_that_was_removed(ppm: Program) -> None:
    ppm.ok("init")
    ppm.ok("add", "birch<2", "--lock")
    ppm.ok("apply")
    ppm.ok("snapshot", "--name", "old")
    old = (ppm.directory / ".venv").resolve()
    record = json.loads((ppm.directory / ".ppm/state.json").read_bytes())
    (environment,) = record["state"]["environments"].values()
    root = environment["generations"][old.name]["root"]
    ppm.ok("add", "birch>=2", "--lock")
    ppm.ok("apply")
    shutil.rmtree(old)
    assert "rebuilt" in ppm.ok("rollback", "old")
    assert (ppm.directory / ".venv").resolve() == old
    assert json.loads((old / ".ppm-generation.json").read_bytes())["root"] == root
    assert '"birch<2"' in (ppm.directory / "pypm.toml").read_text()
    ppm.ok("apply", "--frozen")


def test_every_json_answer_is_one_document(ppm: Program) -> None:
    for arguments in (
        ["init"],
        ["init"],
        ["add", "ash", "--lock"],
        ["lock"],
        ["plan"],
        ["apply"],
        ["ensure", "elm"],
        ["tree"],
        ["snapshot", "--name", "x"],
        ["snapshots"],
        ["provenance", "--last", "3"],
        ["replay"],
        ["replay", "--check"],
        ["rollback", "x"],
        ["remove", "elm"],
        ["import", "cedar"],
        ["version"],
    ):
        json.loads(ppm.ok(*arguments, "--json"))


def test_the_documented_verification_agrees(ppm: Program) -> None:
    ppm.ok("init")
    ppm.ok("add", "elm", "--lock")
    ppm.ok("apply")
    prev = "0" * 64
    for line in (ppm.directory / ".ppm/ledger.jsonl").read_bytes().splitlines():
        assert json.loads(line)["prev"] == prev
        prev = sha256(line).hexdigest()


def test_pip_sees_a_consistent_environment(ppm: Program) -> None:
    ppm.ok("init")
    ppm.ok("add", "ash", "--lock")
    ppm.ok("apply")
    pip = [sys.executable, "-m", "pip", "--python", str(ppm.directory / ".venv/bin/python")]
    assert (
        "No broken requirements"
        in subprocess.run([*pip, "check"], capture_output=True, text=True, check=True).stdout
    )
    listed = json.loads(
        subprocess.run(
            [*pip, "list", "--format", "json"], capture_output=True, text=True, check=True
        ).stdout
    )
    assert {one["name"]: one["version"] for one in listed} == {
        "ash": "1.0",
        "birch": "2.0",
        "cedar": "0.5",
    }


def test_import_outside_a_project_uses_the_shared_environment(ppm: Program) -> None:
    script = ppm.directory / "job.py"
    script.write_text('# /// script\n# dependencies = ["ash"]\n# ///\nimport ash\n')
    result = ppm.run("import", "-v", "--from-file", "job.py")
    assert result.returncode == 0, result.stderr
    for words in ("resolving", "downloading ash-1.0", "cached ", "integrity cpu", "imported ash"):
        assert words in result.stderr
    shared = Path(json.loads(ppm.ok("import", "ash", "--json"))["environment"])
    assert subprocess.run([shared / "bin/python", "-c", "import ash"], check=False).returncode == 0
    assert not (ppm.directory / ".ppm").exists()
