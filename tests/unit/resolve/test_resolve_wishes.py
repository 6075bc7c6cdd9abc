"""Preferences that are given up before anything fails, in small universes."""

from __future__ import annotations

import msgspec
import pytest
from support.universe import Universe, problem

from ppm.engine.errors import ResolutionError
from ppm.engine.resolve.problem import Policy, Problem, Resolution
from ppm.engine.resolve.solve import resolve
from ppm.engine.resolve.wishes import resolve_wishing


class Solver:
    """Solves, and counts how often."""

    def __init__(self, universe: Universe) -> None:
        self._universe = universe
        self.solved = 0

    def __call__(self, given: Problem) -> Resolution:
        self.solved += 1
        return resolve(given, self._universe)


def wishing(*requirements: str, wishes: tuple[str, ...]) -> Problem:
    plain: Problem = problem(*requirements)
    return msgspec.structs.replace(plain, policy=Policy(wishes=wishes))


def versions(found: Resolution) -> dict[str, str]:
    return {one.name: one.version for one in found.packages}


@pytest.fixture
def universe() -> Universe:
    """b needs the newest a; c goes with any."""
    universe = Universe()
    for version in ("1", "2", "3"):
        universe.add("a", version).add("c", version)
    return universe.add("b", "1", ["a>=2"]).add("b", "2", ["a>=3"])


def test_wishes_that_go_together_are_kept_with_one_resolution(universe: Universe) -> None:
    solver = Solver(universe)
    found = resolve_wishing(wishing("b", "c", wishes=("a==2", "c<3", "unused==9")), solver)
    assert versions(found) == {"a": "2", "b": "1", "c": "2"}
    assert (solver.solved, found.given_up, found.warnings) == (1, (), ())


def test_only_what_does_not_fit_is_given_up_and_told(universe: Universe) -> None:
    found = resolve_wishing(wishing("b==2", "c", wishes=("a==2", "c<3")), Solver(universe))
    assert versions(found) == {"a": "3", "b": "2", "c": "2"}
    (given_up,) = found.given_up
    assert given_up.wish == "a==2"
    assert found.warnings == (f"preference a==2 given up: {given_up.reason}",)


def test_the_earlier_of_two_that_exclude_each_other_is_kept(universe: Universe) -> None:
    found = resolve_wishing(wishing("b", wishes=("b==2", "a==2")), Solver(universe))
    assert versions(found) == {"a": "3", "b": "2"}
    assert [one.wish for one in found.given_up] == ["a==2"]


def test_a_failure_is_told_without_the_wishes(universe: Universe) -> None:
    with pytest.raises(ResolutionError) as raised:
        resolve_wishing(wishing("b", "a<2", wishes=("c==1",)), Solver(universe))
    assert "c==1" not in raised.value.message


def test_a_pin_is_kept_under_another_local_label() -> None:
    universe = Universe().add("a", "2.5+cpu").add("a", "2.4+cpu").add("a", "2.4.1+cpu")
    locked = problem("a", locked={"a": "2.4+cu121"})
    assert versions(resolve(locked, universe)) == {"a": "2.4+cpu"}
    assert versions(resolve(problem("a==2.4.*"), universe)) == {"a": "2.4.1+cpu"}
    gone = problem("a", locked={"a": "2.3+cu121"})
    assert versions(resolve(gone, universe)) == {"a": "2.5+cpu"}
