"""Several targets resolved together, in small universes."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from support.universe import Universe, problem

from ppm.engine.errors import IndexFailure, ResolutionError
from ppm.engine.index.model import CoreMetadata, DistributionFile
from ppm.engine.lockfile import alike
from ppm.engine.resolve.foreign import ForeignSource
from ppm.engine.resolve.problem import Problem, Resolution
from ppm.engine.resolve.several import resolve_together
from ppm.engine.resolve.solve import resolve
from ppm.engine.targets import parse_target

LINUX = parse_target("linux-x86_64-py3.12")
MUSL = parse_target("linux-musl-x86_64-py3.12")
WINDOWS = parse_target("windows-x86_64-py3.12")
OLDER = parse_target("linux-x86_64-py3.11")
ON_LINUX, ON_MUSL = "cp312-cp312-manylinux_2_28_x86_64", "cp312-cp312-musllinux_1_2_x86_64"
ON_WINDOWS = "cp312-cp312-win_amd64"


class Asked:
    """Solves, and remembers for which target each time."""

    def __init__(self, universe: Universe) -> None:
        self._universe = universe
        self.targets: list[str] = []

    def __call__(self, given: Problem) -> Resolution:
        self.targets.append(given.target.name)
        return resolve(given, self._universe)


def together(universe: Universe, *problems: Problem) -> list[dict[str, str]]:
    found = resolve_together(problems, Asked(universe), alike)
    return [{one.name: one.version for one in resolution.packages} for resolution in found]


def for_all(*requirements: str, locked: Mapping[str, str] | None = None) -> list[Problem]:
    """The problem for Linux, with what it has locked, and for Windows."""
    return [
        problem(*requirements, target=LINUX, locked=locked),
        problem(*requirements, target=WINDOWS),
    ]


def test_targets_that_need_the_same_are_resolved_once_each() -> None:
    universe = Universe().add("a", "1").add("a", "2")
    solve = Asked(universe)
    found = resolve_together(for_all("a"), solve, alike)
    assert [one.packages[0].version for one in found] == ["2", "2"]
    assert solve.targets == [LINUX.name, WINDOWS.name]


def test_requirements_fork_on_markers() -> None:
    universe = Universe().add("a", "1").add("a", "2").add("b", "1")
    universe.add("top", "1", ["a<2; sys_platform == 'win32'", "a; python_version >= '3'"])
    universe.add("only", "1").add("other", "1", ["only; sys_platform == 'win32'"])
    found = together(universe, *for_all("top", "other", "a>1; sys_platform == 'linux'"))
    assert found == [
        {"a": "2", "other": "1", "top": "1"},
        {"a": "1", "only": "1", "other": "1", "top": "1"},
    ]


def test_a_version_without_a_wheel_for_one_target_is_given_up_by_the_other() -> None:
    universe = Universe().add("a", "2", wheels=[ON_LINUX])
    universe.add("a", "1", wheels=[ON_LINUX, ON_WINDOWS])
    assert together(universe, *for_all("a")) == [{"a": "1"}, {"a": "1"}]


def test_the_order_of_targets_does_not_matter_for_agreement() -> None:
    universe = Universe().add("a", "2", wheels=[ON_WINDOWS])
    universe.add("a", "1", wheels=[ON_LINUX, ON_WINDOWS])
    assert together(universe, *for_all("a")) == [{"a": "1"}, {"a": "1"}]


def test_what_the_lock_pins_stays_even_where_targets_then_differ() -> None:
    universe = Universe().add("a", "2", wheels=[ON_LINUX])
    universe.add("a", "1", wheels=[ON_LINUX, ON_WINDOWS])
    pinned = for_all("a", locked={"a": "2"})
    assert together(universe, *pinned) == [{"a": "2"}, {"a": "1"}]


def test_a_new_target_follows_what_the_first_has_locked() -> None:
    universe = Universe().add("a", "1").add("a", "2")
    assert together(universe, *for_all("a", locked={"a": "1"})) == [{"a": "1"}, {"a": "1"}]


def test_an_upgrade_forgets_the_lock_and_not_the_agreement() -> None:
    universe = Universe().add("a", "2", wheels=[ON_LINUX])
    universe.add("a", "1", wheels=[ON_LINUX, ON_WINDOWS]).add("b", "1").add("b", "2")
    linux = problem("a", "b", target=LINUX, locked={"a": "2", "b": "1"}, upgrade=True)
    windows = problem("a", "b", target=WINDOWS, locked={"b": "1"}, upgrade=True)
    assert together(universe, linux, windows) == [{"a": "1", "b": "2"}, {"a": "1", "b": "2"}]
    linux = problem("a", "b", target=LINUX, locked={"b": "1"}, upgrade_packages=("b",))
    windows = problem("a", "b", target=WINDOWS, locked={"b": "1"}, upgrade_packages=("b",))
    assert together(universe, linux, windows)[1] == {"a": "1", "b": "2"}


def test_no_wheel_is_given_up_for_a_source_distribution() -> None:
    universe = Universe().add("n", "2", wheels=[ON_LINUX], requires_python=">=3.12")
    universe.add("n", "1", wheels=["cp311-cp311-manylinux_2_28_x86_64"], sdist=True)
    newer, older = problem("n", target=LINUX), problem("n", target=OLDER)
    assert together(universe, newer, older) == [{"n": "2"}, {"n": "1"}]


def test_one_package_that_cannot_agree_keeps_no_other_from_it() -> None:
    universe = Universe().add("n", "2", wheels=[ON_LINUX])
    universe.add("n", "1", wheels=[ON_WINDOWS], sdist=True)
    universe.add("a", "2", wheels=[ON_LINUX]).add("a", "1", wheels=[ON_LINUX, ON_WINDOWS])
    assert together(universe, *for_all("a", "n")) == [{"a": "1", "n": "2"}, {"a": "1", "n": "1"}]


def test_targets_that_markers_do_not_tell_apart_have_to_agree_whatever_is_locked() -> None:
    universe = Universe().add("a", "2", wheels=[ON_LINUX])
    universe.add("a", "1", wheels=[ON_LINUX, ON_MUSL])
    glibc = problem("a", target=LINUX, locked={"a": "2"})
    assert together(universe, glibc, problem("a", target=MUSL)) == [{"a": "1"}, {"a": "1"}]
    universe = Universe().add("a", "2", wheels=[ON_LINUX]).add("a", "1", wheels=[ON_MUSL])
    with pytest.raises(ResolutionError) as caught:
        together(universe, problem("a", target=LINUX), problem("a", target=MUSL))
    assert caught.value.code == "TARGETS_ALIKE"
    assert f"{LINUX.name} and {MUSL.name} need different packages" in caught.value.message
    assert caught.value.hint


def test_a_failure_names_its_target() -> None:
    universe = Universe().add("a", "1", wheels=[ON_LINUX])
    with pytest.raises(ResolutionError) as caught:
        together(universe, *for_all("a"))
    assert caught.value.message.startswith(f"for {WINDOWS.name}: ")


class BuildsHere(Universe):
    """A universe whose source distributions were once built on this machine."""

    def metadata(self, file: DistributionFile) -> CoreMetadata:
        found = super().metadata(file)
        if file.kind == "wheel":
            return found
        if found.version == "3":
            raise IndexFailure("needs a build", code="NEEDS_BUILD")
        return CoreMetadata(
            name=found.name,
            version=found.version,
            requires_python="",
            requires_dist=("nowhere",),
            provides_extra=(),
            origin="build",
            sha256="0" * 64,
        )


def test_a_foreign_source_distribution_is_known_by_a_wheel_of_its_release() -> None:
    universe = BuildsHere().add("a", "1", ["b"], wheels=[ON_LINUX], sdist=True).add("b", "1")
    universe.add("a", "3", ["b"], wheels=[ON_LINUX], sdist=True)
    for constraint, version in (("a<3", "1"), ("a", "3")):
        found = resolve(problem(constraint, target=WINDOWS), ForeignSource(universe))
        packages = {one.name: (one.version, one.is_sdist) for one in found.packages}
        assert packages == {"a": (version, True), "b": ("1", False)}


def test_a_foreign_source_distribution_that_only_a_build_could_tell_is_passed_over() -> None:
    universe = BuildsHere().add("a", "1").add("a", "2", wheels=[], sdist=True)
    universe.add("a", "3", wheels=[], sdist=True)
    found = resolve(problem("a", target=WINDOWS), ForeignSource(universe))
    assert [one.version for one in found.packages] == ["1"]
    reasons = {one.version: one.reason for one in found.rejections}
    assert set(reasons) == {"2", "3"}
    assert all("no static metadata" in reason for reason in reasons.values())


def test_other_trouble_with_a_foreign_file_is_told_as_it_is() -> None:
    universe = Universe().add("a", "1", wheels=[], sdist=True)
    universe.break_metadata("a-1.tar.gz", code="HASH_MISMATCH")
    with pytest.raises(IndexFailure) as caught:
        resolve(problem("a", target=WINDOWS), ForeignSource(universe))
    assert caught.value.code == "HASH_MISMATCH"
