"""What people type and write: typos, unknown packages, broken manifests, odd surroundings."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from support.scene import TRACEBACK, Scene, assert_told

NOT_UTF8 = os.fsdecode(b"\xff\xfe")


@pytest.mark.parametrize("typo", ["elm=1.0", "elm>>1", "elm==", "elm[", "el m", "elm; python < 3"])
def test_a_typo_in_a_requirement_is_shown_where_it_is(scene: Scene, typo: str) -> None:
    result = scene.refused("add", typo, "--lock", code="INVALID_REQUIREMENT")
    assert typo in result.stderr
    assert scene.index.requests == []
    scene.succeeds("add", "elm==1.0", "--lock")


def test_a_package_that_nobody_has_is_named(scene: Scene) -> None:
    result = scene.refused("ensure", "elmm", code="UNKNOWN_PACKAGE")
    assert "elmm" in result.stderr
    scene.index.publish("elmm", "1.0")
    scene.succeeds("ensure", "elmm")
    assert scene.imports("import elmm")


def test_a_version_that_nobody_has_is_told_with_those_there_are(scene: Scene) -> None:
    result = scene.refused("add", "elm>=7", "--lock", code="NO_MATCHING_VERSION")
    assert "elm>=7" in result.stderr
    assert "1.0" in result.stderr
    scene.succeeds("add", "elm", "--lock")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (b"[tool.ppm\nname = 'x'\n", "line 1"),
        (b"[tool.ppm]\ndependencies = 3\n", "tool.ppm.dependencies"),
        (b"[tool.ppm]\ndependencies = ['ash', 7]\n", "tool.ppm.dependencies[1]"),
        (b"[tool.ppm]\npython = 3\n", "tool.ppm.python"),
        (b"tool = 3\n", "tool: must be a table"),
        (b"[tool.ppm]\nname = '\xff'\n", "UTF-8"),
    ],
    ids=["toml", "number", "item", "setting", "table", "encoding"],
)
def test_a_broken_manifest_is_named_with_the_place(scene: Scene, text: bytes, names: str) -> None:
    whole = scene.manifest.read_bytes()
    scene.manifest.write_bytes(text)
    result = scene.refused("apply", code="MANIFEST_INVALID")
    assert "pypm.toml" in result.stderr
    assert names in result.stderr
    scene.manifest.write_bytes(whole)
    scene.succeeds("apply")


def test_a_typo_in_the_manifest_is_named_until_it_is_corrected(scene: Scene) -> None:
    whole = scene.manifest.read_text()
    scene.manifest.write_text(whole.replace('"ash"', '"ash >>1"'))
    assert "ash >>1" in scene.ppm.run("apply").stderr
    result = scene.ppm.run("lock")
    assert_told(result, "INVALID_REQUIREMENT")
    scene.assert_valid()
    scene.succeeds("add", "ash")
    scene.succeeds("apply")


def test_a_manifest_that_is_gone_is_missed(scene: Scene) -> None:
    whole = scene.manifest.read_bytes()
    scene.manifest.unlink()
    scene.refused("apply", code="NO_MANIFEST")
    scene.manifest.write_bytes(whole)
    scene.succeeds("apply")


def test_an_interpreter_that_nobody_has_is_told_with_those_there_are(scene: Scene) -> None:
    whole = scene.manifest.read_text()
    scene.manifest.write_text(whole.replace("[tool.ppm]\n", '[tool.ppm]\npython = "==3.99.*"\n'))
    result = scene.refused("apply", code="NO_INTERPRETER")
    assert "3.99" in result.stderr
    scene.manifest.write_text(whole)
    scene.succeeds("apply")


def test_garbage_in_pylock_is_named_and_left(scene: Scene) -> None:
    whole = scene.paths.pylock.read_bytes()
    for garbage in (b"\x00\xff garbage", b"lock-version = '1.0'\npackages = 3\n", b""):
        scene.paths.pylock.write_bytes(garbage)
        for verb in (["apply"], ["add", "elm", "--lock"]):
            scene.refused(*verb, code="LOCK_INVALID")
    scene.paths.pylock.unlink()
    scene.succeeds("lock")
    assert scene.paths.pylock.read_bytes() == whole
    scene.succeeds("apply")


@pytest.mark.parametrize("arguments", [["add", NOT_UTF8], ["apply", "--note", NOT_UTF8]])
def test_an_argument_that_is_no_text_does_no_harm(scene: Scene, arguments: list[str]) -> None:
    result = scene.ppm.run(*arguments)
    assert TRACEBACK not in result.stderr
    scene.assert_valid()
    scene.succeeds("add", "elm", "--lock")


def test_a_folder_whose_name_is_no_text_gets_no_environment(scene: Scene) -> None:
    folder = scene.root.parent / os.fsdecode(b"caf\xe9")
    folder.mkdir(exist_ok=True)
    scene.ppm.ok("init", cwd=folder)
    refused = scene.ppm.run("ensure", "elm", cwd=folder)
    assert_told(refused, "PATH_ENCODING")
    for arguments in (["log"], ["tree"], ["replay", "--check"]):
        scene.ppm.ok(*arguments, cwd=folder)
    assert not (folder / ".venv").exists()


@pytest.mark.parametrize("arguments", [["init"], ["log"], ["tree"], ["provenance", "--json"]])
def test_a_terminal_that_only_knows_ascii_gets_ascii(
    scene: Scene, arguments: list[str], tmp_path: Path
) -> None:
    ascii_only = {
        "LC_ALL": "C",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONUTF8": "0",
    }
    cwd = tmp_path if arguments == ["init"] else scene.root
    scene.ppm.ok("apply", "--note", "für später")
    result = scene.ppm.run(*arguments, cwd=cwd, env=ascii_only)
    assert result.returncode == 0, result.stderr
    assert result.stdout.isascii()
    assert result.stderr == ""
    failed = scene.ppm.run("add", "ß=1", env=ascii_only)
    assert_told(failed, "INVALID_REQUIREMENT")
    assert failed.stderr.isascii()


def test_whoever_stops_reading_stops_the_answer_and_nothing_else(scene: Scene) -> None:
    for verb in ("log", "log --json", "provenance --all", "tree -v"):
        command = f"'{scene.ppm.executable}' {verb} | head -1; echo ${{PIPESTATUS[0]}}"
        shell = ["bash", "-c", command]
        result = subprocess.run(shell, cwd=scene.root, capture_output=True, text=True, check=True)
        assert result.stderr == ""
        assert result.stdout.splitlines()[-1] == "0"


@pytest.mark.parametrize("closed", ["2>&1 >/dev/null | true", ">&- 2>&-", "| true"])
def test_a_change_is_made_whether_somebody_watches_or_not(scene: Scene, closed: str) -> None:
    command = f"'{scene.ppm.executable}' ensure -v elm {closed}; exit ${{PIPESTATUS[0]}}"
    result = subprocess.run(
        ["bash", "-c", command], cwd=scene.root, capture_output=True, text=True, check=False
    )
    assert TRACEBACK not in result.stderr
    assert result.returncode == 0
    scene.assert_valid()
    assert scene.imports("import elm")


def test_an_answer_that_cannot_be_written_is_a_failure(scene: Scene) -> None:
    command = f"'{scene.ppm.executable}' log > /dev/full"
    result = subprocess.run(
        ["bash", "-c", command], cwd=scene.root, capture_output=True, text=True, check=False
    )
    assert_told(result, "DISK_FULL")


def test_without_home_the_variable_is_not_needed(scene: Scene) -> None:
    env = {key: value for key, value in os.environ.items() if key != "HOME"}
    result = subprocess.run(
        [scene.ppm.executable, "ensure", "elm"],
        cwd=scene.root,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    scene.assert_valid()


def test_a_user_without_any_home_is_told_what_to_set(scene: Scene) -> None:
    env = {key: value for key, value in os.environ.items() if key not in ("HOME", "PPM_HOME")}
    stranger = ["unshare", "--user", "--map-user=54321"]  # A number in no password file.
    if subprocess.run([*stranger, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("user namespaces are not permitted here")
    result = subprocess.run(
        [*stranger, scene.ppm.executable, "tree"],
        cwd=scene.root,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert_told(result, "NO_HOME")
    assert "PPM_HOME" in result.stderr


def test_a_home_that_is_a_file_is_named(scene: Scene, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("not a folder")
    for verb in (["ensure", "elm"], ["add", "elm", "--lock"]):
        result = scene.refused(*verb, code="NOT_A_FOLDER", env={"PPM_HOME": str(file)})
        assert str(file) in result.stderr
    assert file.read_text() == "not a folder"
    scene.succeeds("ensure", "elm")


def test_json_stays_one_document_when_it_fails(scene: Scene) -> None:
    result = scene.refused("add", "elm=1", "--json", code="INVALID_REQUIREMENT")
    assert result.stdout == "" or json.loads(result.stdout)
