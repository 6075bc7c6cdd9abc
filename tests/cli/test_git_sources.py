"""Repositories as requirements: a commit is locked, hooks and prompts have no say."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from conftest import Program, PublishedIndex
from support.direct import entry, importing, refused, statement
from support.source_trees import commit, git, say, source_tree
from support.wheels import build_wheel


@pytest.fixture
def project(local_index: PublishedIndex, ppm: Program) -> Program:
    local_index.publish("birch", "1.0")
    ppm.ok("init")
    return ppm


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with the package ``maple``, tagged ``v1``."""
    folder = source_tree(tmp_path / "maple.git", "maple", "0.1", needs="birch")
    commit(folder, "v1")
    return folder


def url_of(repository: Path, revision: str = "") -> str:
    return f"git+{repository.as_uri()}{'@' if revision else ''}{revision}"


def word(project: Program) -> str:
    return importing(project, "import maple; print(maple.WORD)")


@pytest.mark.parametrize("revision", ["", "main", "v1", "commit", "short", "refs/tags/v1"])
def test_a_revision_becomes_a_commit(project: Program, repository: Path, revision: str) -> None:
    first = git(repository, "rev-parse", "HEAD")
    revision = {"commit": first, "short": first[:10]}.get(revision, revision)
    project.ok("add", f"maple @ {url_of(repository, revision)}", "--lock")
    project.ok("apply")
    assert word(project) == "first"
    vcs = {"type": "git", "url": repository.as_uri(), "commit-id": first}
    asked = {"requested-revision": revision} if revision else {}
    assert entry(project, "maple")["vcs"] == {**vcs, **asked}
    assert statement(project, "maple") == {
        "url": repository.as_uri(),
        "vcs_info": {
            "vcs": "git",
            "commit_id": first,
            **({"requested_revision": revision} if revision else {}),
        },
    }


def test_a_locked_commit_stays_until_it_is_upgraded(
    project: Program, local_index: PublishedIndex, repository: Path
) -> None:
    local_index.publish("ash", "1.0")
    project.ok("add", f"maple @ {url_of(repository, 'main')}", "--lock")
    say(repository, "maple", "second")
    second = commit(repository)
    project.ok("add", "ash", "--lock")
    project.ok("apply")
    assert word(project) == "first"
    project.ok("lock", "--upgrade-package", "maple")
    project.ok("apply")
    assert word(project) == "second"
    vcs = entry(project, "maple")["vcs"]
    assert isinstance(vcs, dict)
    assert vcs["commit-id"] == second


def test_a_commit_that_no_branch_leads_to_any_more_is_still_had(
    project: Program, repository: Path
) -> None:
    say(repository, "maple", "lost")
    lost = commit(repository)
    git(repository, "reset", "--hard", "--quiet", "v1")
    git(repository, "config", "uploadpack.allowAnySHA1InWant", "true")
    project.ok("add", f"maple @ {url_of(repository, lost)}", "--lock")
    project.ok("apply")
    assert word(project) == "lost"


def test_a_revision_that_is_not_there_is_told(project: Program, repository: Path) -> None:
    told = refused(
        project, "add", f"maple @ {url_of(repository, 'v9')}", "--lock", code="GIT_REVISION"
    )
    assert "v9" in told


def test_what_a_killed_git_left_is_no_obstacle(project: Program, repository: Path) -> None:
    project.ok("add", f"maple @ {url_of(repository, 'main')}", "--lock")
    say(repository, "maple", "second")
    commit(repository)
    home = Path(os.environ["PPM_HOME"])
    (cache,) = home.glob("git/*.git")
    for name in ("packed-refs.lock", "refs/heads/main.lock", "config.lock"):
        (cache / name).touch()
    project.ok("lock", "--upgrade")
    project.ok("apply")
    assert word(project) == "second"


def test_a_repository_that_is_not_there_is_told(project: Program, tmp_path: Path) -> None:
    url = url_of(tmp_path / "nothing.git")
    refused(project, "add", f"maple @ {url}", "--lock", code="GIT_FAILED")


def test_a_package_in_a_subdirectory(project: Program, tmp_path: Path) -> None:
    source_tree(tmp_path / "many.git" / "one", "maple", "0.1")
    source_tree(tmp_path / "many.git" / "two", "oak", "0.2")
    commit(tmp_path / "many.git")
    url = url_of(tmp_path / "many.git", "main")
    both = [f"maple @ {url}#subdirectory=one", f"oak @ {url}#subdirectory=two"]
    project.ok("add", *both, "--lock")
    project.ok("apply")
    said = "import maple, oak; print(maple.__version__, oak.__version__)"
    assert importing(project, said) == "0.1 0.2"
    assert statement(project, "oak")["subdirectory"] == "two"
    wrong = f"maple @ {url}#subdirectory=three"
    refused(project, "add", wrong, "--lock", code="NO_SUBDIRECTORY")


def test_a_subdirectory_that_is_a_link_outwards_is_refused(
    project: Program, tmp_path: Path
) -> None:
    source_tree(tmp_path / "outside", "maple", "0.1")
    folder = source_tree(tmp_path / "linked.git", "oak", "0.1")
    (folder / "one").symlink_to(tmp_path / "outside")
    commit(folder)
    url = f"maple @ {url_of(folder)}#subdirectory=one"
    refused(project, "add", url, "--lock", code="SDIST_LINK")


def test_no_hook_of_anybody_runs(
    project: Program, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("post-checkout", "reference-transaction", "post-merge"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        (hooks / name).chmod(0o755)
    settings = tmp_path / "gitconfig"
    settings.write_text(f"[core]\n\thooksPath = {hooks}\n[init]\n\ttemplateDir = {tmp_path}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    project.ok("add", f"maple @ {url_of(repository)}", "--lock")
    assert not (tmp_path / "ran").exists()


def test_submodules_are_not_followed(project: Program, repository: Path, tmp_path: Path) -> None:
    inner = source_tree(tmp_path / "inner", "oak", "0.1")
    commit(inner)
    git(
        repository,
        *("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", inner.as_uri(), "in"),
    )
    commit(repository)
    shutil.rmtree(inner)
    project.ok("add", f"maple @ {url_of(repository, 'main')}", "--lock")


def test_another_repository_at_hand_is_no_matter(
    project: Program, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = source_tree(tmp_path / "other", "oak", "0.1")
    commit(other)
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    project.ok("add", f"maple @ {url_of(repository)}", "--lock")
    monkeypatch.delenv("GIT_DIR")
    assert git(other, "status", "--porcelain") == ""


def test_what_git_would_take_for_an_option_never_reaches_it(
    project: Program, repository: Path, tmp_path: Path
) -> None:
    for revision in ("--upload-pack=touch", "-x", "a b"):
        result = project.run("add", f"maple @ {url_of(repository, revision)}", "--lock")
        assert result.returncode == 1
    assert not (tmp_path / "touch").exists()


def test_another_machine_has_the_commit_of_the_lock(project: Program, repository: Path) -> None:
    project.ok("add", f"maple @ {url_of(repository, 'main')}", "--lock")
    say(repository, "maple", "second")
    commit(repository)
    other = {"PPM_HOME": str(project.directory.with_name("other-home"))}
    result = project.run("apply", "--frozen", env=other)
    assert result.returncode == 0, result.stderr
    assert word(project) == "first"


def test_other_sources_than_locked_are_refused(project: Program, repository: Path) -> None:
    project.ok("add", f"maple @ {url_of(repository, 'main')}", "--lock")
    lock = project.directory / "pylock.toml"
    digest = str(entry(project, "maple")["tool"]["ppm"]["digest"])  # type: ignore[index]
    lock.write_text(lock.read_text().replace(digest, "0" * 64))
    refused(project, "apply", code="HASH_MISMATCH")
    assert repository.is_dir()


def test_what_is_built_needs_neither_repository_nor_network(
    project: Program, repository: Path
) -> None:
    project.ok("add", f"maple @ {url_of(repository, 'main')}", "--lock")
    project.ok("apply")
    shutil.rmtree(repository)
    shutil.rmtree(project.directory / ".venv", ignore_errors=True)
    (project.directory / ".venv").unlink(missing_ok=True)
    project.ok("apply", "--offline")
    assert word(project) == "first"


def test_a_program_called_git_that_is_not_there(
    project: Program, repository: Path, tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("env", "sh"):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name) or "")
    told = project.run(
        "add", f"maple @ {url_of(repository)}", "--lock", env={"PATH": str(tmp_path / "bin")}
    )
    assert "error[NO_GIT]" in told.stderr
    assert os.environ["PATH"]


def test_uv_installs_the_same_from_our_lock(
    project: Program, repository: Path, tmp_path: Path
) -> None:
    folder = source_tree(project.directory / "libs" / "oak", "oak", "0.2")
    wheel = build_wheel(tmp_path / "wheels", "ash", "2.0")
    git(repository, "rm", "-q", "--cached", "backend.txt")
    (repository / "backend.txt").write_text("name=maple\nversion=0.1\n")
    first = commit(repository)
    project.ok("add", f"maple @ {url_of(repository, 'main')}", "./libs/oak", wheel.as_uri())
    project.ok("lock")
    told = subprocess.run(
        [
            *(Path(sysconfig.get_path("scripts")) / "uv", "pip", "install", "--offline"),
            *("--no-cache", "--no-index", "--target", "site", "--python", sys.executable),
            *("--preview", "-r", "pylock.toml"),
        ],
        cwd=project.directory,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert f"+ maple==0.1 (from git+{repository.as_uri()}@{first})" in told.stderr
    assert f"+ oak==0.2 (from {folder.as_uri()})" in told.stderr
    assert f"+ ash==2.0 (from {wheel.as_uri()})" in told.stderr
