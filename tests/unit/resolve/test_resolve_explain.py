"""Failures told in words, to the letter."""

from __future__ import annotations

import pytest
from support.universe import Universe, problem

from ppm.engine.errors import ResolutionError
from ppm.engine.index.model import CoreMetadata, DistributionFile
from ppm.engine.ports import NotCached
from ppm.engine.resolve.problem import Problem
from ppm.engine.resolve.solve import resolve


def told(asked: Problem, universe: Universe) -> tuple[str, list[str], str]:
    """Code, lines of the message, hint."""
    with pytest.raises(ResolutionError) as caught:
        resolve(asked, universe)
    return caught.value.code, caught.value.message.splitlines(), caught.value.hint


def test_two_requirements_of_the_project_that_contradict() -> None:
    universe = Universe().add("click", "7.0").add("click", "8.1")
    assert told(problem("click<8", ("dev", "click>=8")), universe) == (
        "RESOLUTION_IMPOSSIBLE",
        [
            "the requirements do not fit together on click:",
            "  your project needs click<8",
            "  your project (group dev) needs click>=8",
        ],
        "loosen click<8 and click>=8: without that limit everything fits, with click 8.1",
    )


def test_a_dependency_that_contradicts_the_project() -> None:
    universe = Universe().add("click", "7.0").add("click", "8.1")
    universe.add("black", "24.1", ["click>=8"]).add("black", "24.2", ["click>=8"])
    assert told(problem(("dev", "black>=24"), "click<8"), universe) == (
        "RESOLUTION_IMPOSSIBLE",
        [
            "the requirements do not fit together on click:",
            "  your project (group dev) needs black>=24",
            "  your project needs click<8",
            "  black 24.2, 24.1 need click>=8",
        ],
        "loosen click<8: without that limit everything fits, with click 8.1",
    )


def test_two_dependencies_that_contradict_each_other() -> None:
    universe = Universe().add("d", "1.0").add("d", "2.0")
    universe.add("a", "1.0", ["b"]).add("b", "1.0", ["d<2"]).add("c", "1.0", ["d>=2"])
    universe.add("c", "0.9", ["d"])
    assert told(problem("a", ("extra:web", "c>=1")), universe) == (
        "RESOLUTION_IMPOSSIBLE",
        [
            "the requirements do not fit together on d:",
            "  your project (extra web) needs c>=1",
            "  c 1.0 needs d>=2",
            "  your project needs a",
            "  a 1.0 needs b",
            "  b 1.0 needs d<2",
        ],
        "loosen c>=1: without that limit everything fits, with c 0.9",
    )


def test_no_version_within_the_limits() -> None:
    universe = Universe()
    for minor in range(6):
        universe.add("flask", f"3.{minor}")
    assert told(problem("flask>=9"), universe) == (
        "NO_MATCHING_VERSION",
        [
            "no usable version of flask:",
            "  your project needs flask>=9",
            "  flask 3.5, 3.4, 3.3 and 3 more: not within flask>=9",
        ],
        "loosen flask>=9: without that limit everything fits, with flask 3.5",
    )


def test_the_python_of_the_target_is_told_first() -> None:
    universe = Universe().add("numpy", "3.0", requires_python=">=3.12")
    universe.add("numpy", "2.9", yanked="bad build").add("numpy", "2.8rc1")
    universe.add("numpy", "1.0", wheels=["cp311-cp311-win_amd64"])
    assert told(problem("numpy", prereleases="disallow"), universe) == (
        "NO_MATCHING_VERSION",
        [
            "no usable version of numpy:",
            "  the target linux-x86_64-py3.11 has Python 3.11.7",
            "  your project needs numpy",
            "  numpy 3.0: needs Python >=3.12",
            "  numpy 2.9: yanked: bad build",
            "  numpy 2.8rc1: a pre-release",
            "  numpy 1.0: no wheel fits linux-x86_64-py3.11",
        ],
        "allow pre-releases (--prerelease allow): then everything fits, with numpy 2.8rc1",
    )


def test_a_name_that_no_index_has() -> None:
    assert told(problem(("dev", "reqeusts")), Universe()) == (
        "UNKNOWN_PACKAGE",
        [
            "no index has a project named reqeusts:",
            "  your project (group dev) needs reqeusts",
        ],
        "check the spelling",
    )


def test_a_dependency_that_no_index_has() -> None:
    universe = Universe().add("a", "2.0", ["lost>=1"]).add("a", "1.0", ["lost"])
    assert told(problem("a"), universe) == (
        "RESOLUTION_IMPOSSIBLE",
        [
            "the requirements do not fit together on lost:",
            "  your project needs a",
            "  a 2.0 needs lost>=1",
            "  a 1.0 needs lost",
            "  no index has a project named lost",
        ],
        "check the spelling",
    )


def test_a_constraint_in_the_way() -> None:
    universe = Universe().add("a", "1.0", ["b>=2"]).add("b", "1.0").add("b", "2.0")
    assert told(problem("a", constraints=["b<2"]), universe) == (
        "RESOLUTION_IMPOSSIBLE",
        [
            "the requirements do not fit together on b:",
            "  your project needs a",
            "  a 1.0 needs b>=2",
            "  a constraint says b<2",
            "  b 2.0: not within the constraint b<2",
            "  b 1.0: not within b>=2",
        ],
        "drop the constraint b<2: without it everything fits, with b 2.0",
    )


def test_a_cutoff_in_the_way() -> None:
    universe = Universe().add("a", "1.0", uploaded="2026-06-01T00:00:00Z")
    assert told(problem("a", exclude_newer="2026-01-01"), universe) == (
        "NO_MATCHING_VERSION",
        [
            "no usable version of a:",
            "  your project needs a",
            "  a 1.0: uploaded 2026-06-01T00:00:00Z, after the cutoff",
        ],
        "look past 2026-01-01 (--exclude-newer): then everything fits, with a 1.0",
    )


def test_building_that_is_off_in_the_way() -> None:
    universe = Universe().add("a", "1.0", wheels=(), sdist=True)
    code, lines, hint = told(problem("a", no_build=True), universe)
    assert code == "NO_MATCHING_VERSION"
    assert lines[-1] == "  a 1.0: it has no wheel and building is off"
    assert hint == "allow building from source (no --no-build): then everything fits, with a 1.0"


def test_the_way_from_the_project_is_told() -> None:
    universe = Universe().add("a", "1.0", ["b[x]"]).add("b", "1.0", extras={"x": ["c"]})
    universe.add("c", "1.0", ["d>=2"]).add("d", "1.0").add("d", "2.0").add("e", "1.0", ["d<2"])
    _, lines, hint = told(problem("a", "e"), universe)
    assert lines == [
        "the requirements do not fit together on d:",
        "  your project needs e",
        "  e 1.0 needs d<2",
        "  your project needs a",
        "  a 1.0 needs b[x]",
        "  b[x] 1.0 needs c",
        "  c 1.0 needs d>=2",
    ]
    assert hint == ""


def test_many_versions_that_are_unusable_are_told_briefly() -> None:
    universe = Universe()
    for minor in range(20):
        universe.add("a", f"1.{minor}", metadata={"name": f"other{minor}"})
    code, lines, _ = told(problem("a"), universe)
    assert code == "NO_MATCHING_VERSION"
    assert lines[:3] == [
        "no usable version of a:",
        "  your project needs a",
        "  a 1.19: its metadata says it is other19 1.19",
    ]
    assert lines[-1] == "  a: 14 more versions for other reasons"
    assert len(lines) == 9


def test_a_suggestion_is_only_made_if_it_works() -> None:
    universe = Universe().add("a", "1.0", ["c<2"]).add("b", "1.0", ["c>=2"])
    universe.add("c", "1.0").add("c", "2.0")
    _, _, hint = told(problem("a>=1", "b>=1"), universe)
    assert hint == ""


def test_a_suggestion_drops_the_limit_that_is_in_the_way() -> None:
    universe = Universe().add("a", "2.0", ["c>=2"]).add("a", "1.0", ["c"])
    universe.add("b", "1.0", ["c<2"]).add("c", "1.0").add("c", "2.0")
    _, _, hint = told(problem("a>=2", "b>=1"), universe)
    assert hint == "loosen a>=2: without that limit everything fits, with a 1.0"


def test_a_suggestion_that_the_source_may_not_check_sends_the_caller_to_the_index() -> None:
    universe = Universe().add("a", "2.0", ["c>=2"]).add("a", "1.0").add("c", "1.0")

    class Warm:
        page = universe.page

        def metadata(self, file: DistributionFile) -> CoreMetadata:
            if file.version == "1.0":
                raise NotCached(file.filename)
            return universe.metadata(file)

    with pytest.raises(NotCached):
        resolve(problem("a>=2"), Warm())
