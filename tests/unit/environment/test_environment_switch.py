from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ppm.engine.environment.build import build
from ppm.engine.environment.exchange import exchange
from ppm.engine.environment.files import Material
from ppm.engine.environment.interpreter import Interpreter
from ppm.engine.environment.staging import remove_stale, staging
from ppm.engine.environment.switch import active, switch, withdraw
from ppm.engine.errors import EnvironmentFailure

MakeMaterial = Callable[..., Material]
NOW = "2026-11-22T06:39:00.123456Z"


@pytest.fixture
def generations(project: Path, interpreter: Interpreter, material: MakeMaterial) -> list[str]:
    return [
        build(project, interpreter, [material("pkg", version)]).generation.name
        for version in ("1.0", "2.0")
    ]


def test_the_link_is_relative_and_says_what_is_active(
    project: Path, generations: list[str]
) -> None:
    assert active(project) is None
    first = switch(project, generations[0], now=NOW)
    assert (first.previous, first.moved_to) == ("", "")
    assert (project / ".venv").readlink() == Path(".ppm/envs") / generations[0]
    assert active(project) == generations[0]
    second = switch(project, generations[1], now=NOW)
    assert (second.previous, second.moved_to) == (generations[0], "")
    assert active(project) == generations[1]
    assert sorted(path.name for path in project.iterdir()) == [".ppm", ".venv"]


def test_switching_to_the_active_one_changes_nothing(project: Path, generations: list[str]) -> None:
    switch(project, generations[0], now=NOW)
    again = switch(project, generations[0], now=NOW)
    assert again.previous == again.generation == generations[0]


def test_a_real_directory_is_kept_under_another_name(project: Path, generations: list[str]) -> None:
    (project / ".venv").mkdir()
    (project / ".venv" / "mine").write_text("precious")
    switched = switch(project, generations[0], now=NOW)
    assert switched.moved_to == ".venv.before-ppm-2026-11-22-06-39-00"
    assert (project / switched.moved_to / "mine").read_text() == "precious"
    assert active(project) == generations[0]


@pytest.mark.parametrize("target", ["elsewhere", "/nowhere", ".ppm/envs/mine", "."])
def test_somebody_elses_link_is_kept(project: Path, generations: list[str], target: str) -> None:
    (project / ".venv").symlink_to(target)
    assert active(project) is None
    switched = switch(project, generations[0], now=NOW)
    assert (project / switched.moved_to).readlink() == Path(target)
    assert active(project) == generations[0]


def test_names_of_what_was_moved_aside_do_not_clash(project: Path, generations: list[str]) -> None:
    for _ in range(3):
        (project / ".venv").unlink(missing_ok=True)
        (project / ".venv").write_text("a file")
        switch(project, generations[0], now=NOW)
    assert [path.name for path in sorted(project.glob(".venv.*"))] == [
        ".venv.before-ppm-2026-11-22-06-39-00",
        ".venv.before-ppm-2026-11-22-06-39-00-2",
        ".venv.before-ppm-2026-11-22-06-39-00-3",
    ]


@pytest.mark.parametrize("name", ["0" * 32, "", "../../elsewhere"])
def test_a_generation_that_is_not_there_is_refused(
    project: Path, generations: list[str], name: str
) -> None:
    switch(project, generations[0], now=NOW)
    with pytest.raises(EnvironmentFailure) as caught:
        switch(project, name, now=NOW)
    assert caught.value.code == "GENERATION_MISSING"
    assert active(project) == generations[0]


def test_a_link_to_a_generation_that_is_gone_is_not_active(
    project: Path, generations: list[str]
) -> None:
    switch(project, generations[0], now=NOW)
    envs = project / ".ppm" / "envs"
    (envs / generations[0]).rename(envs / "away")
    assert active(project) is None
    switched = switch(project, generations[1], now=NOW)
    assert (switched.previous, switched.moved_to) == ("", "")


def test_our_own_link_can_be_withdrawn_and_nothing_else(
    project: Path, generations: list[str]
) -> None:
    switch(project, generations[0], now=NOW)
    assert withdraw(project)
    assert not (project / ".venv").is_symlink()
    assert not withdraw(project)
    (project / ".venv").mkdir()
    assert not withdraw(project)
    assert (project / ".venv").is_dir()


def test_exchange_swaps_whatever_it_is_given(tmp_path: Path) -> None:
    folder, link = tmp_path / "folder", tmp_path / "link"
    folder.mkdir()
    (folder / "inside").touch()
    link.symlink_to("target")
    exchange(folder, link)
    assert (link / "inside").exists()
    assert folder.readlink() == Path("target")
    with pytest.raises(FileNotFoundError):
        exchange(folder, tmp_path / "missing")


def test_stale_folders_go_and_those_in_use_stay(project: Path) -> None:
    envs = project / ".ppm" / "envs"
    (envs / ".tmp-dead" / "bin").mkdir(parents=True)
    (envs / ".tmp-dead" / "bin" / "python").symlink_to("/nowhere")
    with staging(envs) as mine:
        assert remove_stale(project) == (".tmp-dead",)
        assert mine.is_dir()
    assert not mine.exists()
    assert remove_stale(project) == ()
    assert list(envs.iterdir()) == []


def test_there_is_nothing_stale_in_a_new_project(project: Path) -> None:
    assert remove_stale(project) == ()
