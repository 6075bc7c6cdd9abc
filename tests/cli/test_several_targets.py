"""One lock for several targets, through the real program; other installers read it."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest
from conftest import Program, PublishedIndex
from packaging.pylock import Pylock
from support.sdists import build_sdist, in_tree_sdist
from support.wheels import core_metadata

from ppm.engine.environment.interpreter import current

WINDOWS, MAC = "windows-x86_64-py3.12", "macos-arm64-py3.13"
UV = Path(sysconfig.get_path("scripts")) / "uv"


@pytest.fixture(scope="session")
def here(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of this machine's target."""
    return current(tmp_path_factory.mktemp("home")).target.name


@pytest.fixture
def project(local_index: PublishedIndex, ppm: Program) -> Program:
    """A project that asks for ash.

    The newest birch has no wheel but for Linux; on Windows ash needs colour and an old fir.
    """
    python = f"cp{sys.version_info.major}{sys.version_info.minor}"
    linux = f"{python}-{python}-manylinux_2_17_{platform.machine()}"
    requires = ["birch", "colour; sys_platform == 'win32'"]
    requires += ["fir<2; sys_platform == 'win32'", "fir>=2; sys_platform != 'win32'"]
    local_index.publish("ash", "1.0", requires=requires)
    local_index.publish("birch", "2.0", tags=linux)
    for tags in (linux, "cp312-cp312-win_amd64", "cp313-cp313-macosx_11_0_arm64"):
        local_index.publish("birch", "1.0", tags=tags)
    for version in ("1.0", "2.0"):
        local_index.publish("fir", version)
    local_index.publish("colour", "1.0")
    ppm.ok("init")
    ppm.ok("add", "ash")
    return ppm


def pylock(program: Program) -> dict[str, object]:
    """The lock file, checked by the library that defines what one is."""
    document = tomllib.loads((program.directory / "pylock.toml").read_text())
    Pylock.from_dict(document).validate()
    return document


def locked(program: Program) -> dict[str, dict[str, str]]:
    """The versions of the lock by target, as projected."""
    document = json.loads((program.directory / ".ppm/lock.json").read_text())
    return {
        target: {name: package["version"] for name, package in packages.items()}
        for target, packages in document["targets"].items()
    }


def lock_for(program: Program, *targets: str) -> dict[str, object]:
    options = [word for target in targets for word in ("--target", target)]
    answer: dict[str, object] = json.loads(program.ok("lock", *options, "--json"))
    return answer


def test_targets_agree_where_they_can_and_markers_tell_where_not(
    project: Program, here: str
) -> None:
    answer = lock_for(project, "here", WINDOWS, MAC)
    assert (
        answer["targets"]
        == locked(project)
        == {
            here: {"ash": "1.0", "birch": "1.0", "fir": "2.0"},
            MAC: {"ash": "1.0", "birch": "1.0", "fir": "2.0"},
            WINDOWS: {"ash": "1.0", "birch": "1.0", "colour": "1.0", "fir": "1.0"},
        }
    )
    assert answer["packages"] == locked(project)[here]
    document = pylock(project)
    assert len(document["environments"]) == 3  # type: ignore[arg-type]
    packages = document["packages"]
    assert isinstance(packages, list)
    shown = [(one["name"], one["version"], len(one["wheels"]), "marker" in one) for one in packages]
    assert shown == [
        ("ash", "1.0", 1, False),
        ("birch", "1.0", 3, False),
        ("colour", "1.0", 1, True),
        ("fir", "1.0", 1, True),
        ("fir", "2.0", 1, True),
    ]
    project.ok("lock", "--check")
    project.ok("replay", "--check")
    before = (project.directory / "pylock.toml").read_bytes()
    assert lock_for(project)["changes"] == []
    assert (project.directory / "pylock.toml").read_bytes() == before


def test_apply_follows_this_machines_part_and_questions_are_about_it(
    project: Program, here: str
) -> None:
    lock_for(project, "here", WINDOWS)
    plan = json.loads(project.ok("plan"))
    assert plan["target"] == here
    assert plan["packages"] == {"ash": "1.0", "birch": "1.0", "fir": "2.0"}
    project.ok("apply", "--frozen")
    assert json.loads(project.ok("tree", "--json"))["target"] == here
    tree = json.loads(project.ok("tree", "--target", "windows-amd64-py3.12", "--json"))
    assert (tree["target"], tree["packages"]["fir"]["version"]) == (WINDOWS, "1.0")
    assert json.loads(project.ok("why", "fir", "--json"))["version"] == "2.0"
    assert json.loads(project.ok("why", "fir", "--target", WINDOWS, "--json"))["version"] == "1.0"
    assert json.loads(project.ok("why", "colour", "--json"))["target"] == WINDOWS
    refused = project.run("tree", "--target", MAC)
    assert "error[TARGET_NOT_LOCKED]" in refused.stderr
    assert f"the lock is for {here}, {WINDOWS}" in refused.stderr


def test_apply_adds_this_machine_to_a_lock_for_others_and_moves_none(
    project: Program, here: str, local_index: PublishedIndex
) -> None:
    lock_for(project, WINDOWS, MAC)
    before = locked(project)
    assert before.keys() == {WINDOWS, MAC}
    refused = project.run("apply", "--frozen")
    assert "error[LOCK_STALE]" in refused.stderr
    assert f"nothing is locked for {here}, only for {MAC}, {WINDOWS}" in refused.stderr
    local_index.publish("ash", "1.1")
    assert json.loads(project.ok("plan"))["packages"]["ash"] == "1.0"
    project.ok("apply")
    assert locked(project) == {**before, here: {"ash": "1.0", "birch": "1.0", "fir": "2.0"}}
    assert len(pylock(project)["environments"]) == 3  # type: ignore[arg-type]
    project.ok("lock", "--check")


def test_add_keeps_the_targets_and_check_covers_all_of_them(
    project: Program, here: str, local_index: PublishedIndex
) -> None:
    local_index.publish("elm", "1.0")
    lock_for(project, "here", WINDOWS)
    project.ok("add", "elm", "--lock")
    assert {held["elm"] for held in locked(project).values()} == {"1.0"}
    assert locked(project).keys() == {here, WINDOWS}
    refused = project.run("lock", "--check", "--target", MAC)
    assert refused.returncode == 1
    assert f"nothing is locked for {MAC}" in refused.stderr
    project.ok("add", "fir==1.0; sys_platform == 'win32'")
    project.ok("lock", "--check")
    project.ok("add", "fir==2.0; sys_platform == 'win32'")
    assert "error[LOCK_STALE]" in project.run("lock", "--check").stderr
    project.ok("apply", "--frozen")


def test_the_settings_name_the_projects_targets(project: Program, here: str) -> None:
    manifest = project.directory / "pypm.toml"
    text = manifest.read_text()
    both = f'[tool.ppm]\ntargets = ["{WINDOWS}", "{here}"]'
    manifest.write_text(text.replace("[tool.ppm]", both))
    project.ok("lock")
    assert locked(project).keys() == {WINDOWS, here}
    lock_for(project, WINDOWS)
    assert locked(project).keys() == {WINDOWS}
    project.ok("lock")
    assert locked(project).keys() == {WINDOWS, here}
    manifest.write_text(text.replace("[tool.ppm]", '[tool.ppm]\ntargets = ["beos-x86-py3"]'))
    refused = project.run("lock")
    assert "error[MANIFEST_INVALID]" in refused.stderr
    assert "tool.ppm.targets[0]" in refused.stderr
    assert "wasm32-pyodide_2025" in refused.stderr


def test_a_pyproject_names_targets_as_well(
    local_index: PublishedIndex, ppm: Program, here: str
) -> None:
    local_index.publish("elm", "1.0")
    (ppm.directory / "pyproject.toml").write_text(
        '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.10"\n'
        'dependencies = ["elm"]\n'
        f'[tool.ppm]\ntargets = ["windows-amd64-py3.12", "{MAC}"]\n'
    )
    ppm.ok("init")
    ppm.ok("lock")
    assert locked(ppm) == {WINDOWS: {"elm": "1.0"}, MAC: {"elm": "1.0"}}
    ppm.ok("apply")
    assert locked(ppm).keys() == {WINDOWS, MAC, here}
    ppm.ok("lock")
    assert locked(ppm).keys() == {WINDOWS, MAC, here}
    manifest = ppm.directory / "pyproject.toml"
    manifest.write_text(manifest.read_text().replace(">=3.10", "<3.13").replace("targets", "# "))
    result = ppm.run("lock")
    assert f"warning: {MAC} leaves the lock: the project is for <3.13" in result.stderr
    assert locked(ppm).keys() == {WINDOWS, here}


def test_what_several_targets_lock_is_told_once(project: Program) -> None:
    lock_for(project, "here", WINDOWS, MAC)
    (operation,) = json.loads(project.ok("provenance", "--last", "1", "--json"))
    words = ["lock ash 1.0", "lock birch 1.0", "lock colour 1.0", "lock fir 1.0", "lock fir 2.0"]
    assert sorted(operation["changes"]) == words


def test_a_name_that_is_not_understood_and_a_python_that_does_not_fit_are_refused(
    project: Program,
) -> None:
    refused = project.run("lock", "--target", "linux-x86_64")
    assert refused.returncode == 1
    assert "error[UNKNOWN_TARGET]" in refused.stderr
    assert "hint: understood are names such as linux-x86_64-py3.12" in refused.stderr
    manifest = project.directory / "pypm.toml"
    manifest.write_text(manifest.read_text().replace("[tool.ppm]", '[tool.ppm]\npython = ">=3.10"'))
    assert "error[TARGET_PYTHON]" in project.run("lock", "--target", "linux-x86_64-py3.9").stderr


def test_a_target_that_cannot_be_resolved_fails_the_lock_whole(project: Program) -> None:
    lock_for(project, "here")
    before = (project.directory / "pylock.toml").read_bytes()
    refused = project.run("lock", "--target", "here", "--target", "linux-musl-aarch64-py3.12")
    assert "error[RESOLUTION_IMPOSSIBLE]" in refused.stderr
    assert "for linux-musl-aarch64-py3.12: " in refused.stderr
    assert (project.directory / "pylock.toml").read_bytes() == before
    assert len(locked(project)) == 1


def test_targets_that_markers_cannot_tell_apart_share_their_versions(
    local_index: PublishedIndex, ppm: Program
) -> None:
    local_index.publish("ash", "2.0", tags="cp312-cp312-manylinux_2_28_x86_64")
    for tags in ("cp312-cp312-manylinux_2_28_x86_64", "cp312-cp312-musllinux_1_1_x86_64"):
        local_index.publish("ash", "1.0", tags=tags)
    local_index.publish("birch", "1.0", tags="cp312-cp312-manylinux_2_28_x86_64")
    ppm.ok("init")
    ppm.ok("add", "ash")
    both = ("linux-x86_64-py3.12", "linux-musl-x86_64-py3.12")
    lock_for(ppm, both[0])
    assert locked(ppm)[both[0]] == {"ash": "2.0"}
    lock_for(ppm, *both)
    assert locked(ppm) == {name: {"ash": "1.0"} for name in both}
    document = pylock(ppm)
    assert len(document["environments"]) == 1  # type: ignore[arg-type]
    assert [len(one["wheels"]) for one in document["packages"]] == [2]  # type: ignore[attr-defined]


def test_rollback_and_undo_bring_back_all_targets(project: Program, here: str) -> None:
    lock_for(project, "here", WINDOWS)
    project.ok("snapshot", "--name", "both")
    both, text = locked(project), (project.directory / "pylock.toml").read_bytes()
    lock_for(project, "here")
    assert locked(project).keys() == {here}
    project.ok("rollback", "both")
    assert locked(project) == both
    assert (project.directory / "pylock.toml").read_bytes() == text
    project.ok("undo")
    assert locked(project).keys() == {here}
    project.ok("replay", "--check")


def test_a_lock_written_elsewhere_is_adopted_for_all_its_targets(
    project: Program, here: str
) -> None:
    lock_for(project, "here", WINDOWS)
    both, text = locked(project), (project.directory / "pylock.toml").read_bytes()
    lock_for(project, MAC)
    (project.directory / "pylock.toml").write_bytes(text)
    project.ok("apply")
    assert locked(project) == both
    assert (project.directory / "pylock.toml").read_bytes() == text
    records = [json.loads(line) for line in project.ok("log", "--json").splitlines()]
    (adopted,) = (one["data"] for one in records if one["type"].startswith("lock.adopted"))
    assert adopted["targets"] == sorted([here, WINDOWS])


def test_nothing_is_built_for_another_target(
    local_index: PublishedIndex, ppm: Program, here: str
) -> None:
    """Static metadata, else that of a wheel; else the release is left out, and that is said."""
    in_tree_sdist(local_index.folder, "ash", "1.0")
    in_tree_sdist(local_index.folder, "ash", "2.0")
    local_index.publish("ash", "1.0", tags="cp312-cp312-win_amd64")
    static = core_metadata("cedar", "1.0", requires=["elm"]).replace("2.1", "2.2", 1)
    build_sdist(local_index.folder, "cedar", "1.0", metadata=static)
    local_index.publish("elm", "1.0")
    ppm.ok("init")
    ppm.ok("add", "ash")
    lock_for(ppm, "here")
    assert locked(ppm)[here] == {"ash": "2.0"}
    lock_for(ppm, "here", WINDOWS, MAC)
    assert locked(ppm) == {here: {"ash": "2.0"}, WINDOWS: {"ash": "1.0"}, MAC: {"ash": "1.0"}}
    ppm.ok("add", "cedar; sys_platform == 'darwin'", "--lock")
    assert locked(ppm)[MAC] == {"ash": "1.0", "cedar": "1.0", "elm": "1.0"}
    rejections = {
        record["data"]["reason"]
        for record in map(json.loads, ppm.ok("log", "--json").splitlines())
        if record["type"].startswith("candidate.rejected")
    }
    (reason,) = rejections
    assert reason.startswith("ash-2.0.tar.gz has no static metadata, its release no wheel, and")
    refused = ppm.run("lock", "--target", "wasm32-pyodide_2025")
    assert "error[NO_MATCHING_VERSION]: for wasm32-pyodide_2025: no usable" in refused.stderr
    assert "building is off" in refused.stderr
    assert "--no-build" not in refused.stderr


def test_pages_are_asked_for_once_for_all_targets(
    project: Program, local_index: PublishedIndex
) -> None:
    local_index.requests.clear()
    lock_for(project, "here", WINDOWS, MAC)
    pages = [one.path for one in local_index.requests if one.path.endswith("/")]
    assert sorted(pages) == sorted(set(pages))


@pytest.mark.skipif(not UV.exists(), reason="uv is not installed beside this Python")
def test_uv_installs_this_machines_part(project: Program, tmp_path: Path) -> None:
    lock_for(project, "here", WINDOWS, MAC)
    venv = tmp_path / "venv"
    environment = {**os.environ, "UV_CACHE_DIR": str(tmp_path / "cache"), "UV_NO_CONFIG": "1"}
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    subprocess.run(
        [UV, "pip", "install", "-q", "-r", "pylock.toml", "--python", venv / "bin/python"],
        cwd=project.directory,
        env=environment,
        check=True,
    )
    assert installed(venv) == {"ash": "1.0", "birch": "1.0", "fir": "2.0"}


def test_pip_installs_this_machines_part(project: Program, tmp_path: Path) -> None:
    pip = shutil.which("pip", path=sysconfig.get_path("scripts"))
    if pip is None or tuple(map(int, pip_version(pip).split(".")[:2])) < (26, 1):
        pytest.skip("pip that reads pylock.toml is not installed beside this Python")
    lock_for(project, "here", WINDOWS, MAC)
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    command: list[str | Path] = [
        pip,
        "--python",
        venv / "bin/python",
        "install",
        "-q",
        "-r",
        "pylock.toml",
    ]
    subprocess.run(command, cwd=project.directory, check=True)
    assert installed(venv) == {"ash": "1.0", "birch": "1.0", "fir": "2.0"}


def pip_version(pip: str) -> str:
    shown = subprocess.run([pip, "--version"], capture_output=True, text=True, check=True)
    return shown.stdout.split()[1]


def installed(venv: Path) -> dict[str, str]:
    """What an installer left behind: names and versions."""
    found = venv.glob("lib/python*/site-packages/*.dist-info")
    pairs = (path.name.removesuffix(".dist-info").split("-") for path in found)
    return {name: version for name, version in pairs if name != "pip"}
