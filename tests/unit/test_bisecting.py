"""The search for the first bad place, and the places it looks at."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.histories import MACHINE, Storyteller, installed, locked, resolved, switched

from ppm.engine.errors import ProjectError, UsageError
from ppm.engine.operations.bisecting import Verdict, first_bad, stands_between


@given(count=st.integers(2, 400), data=st.data())
def test_the_first_bad_place_is_found_in_few_looks(count: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, count - 1))
    looks: list[int] = []

    def judge(place: int) -> Verdict:
        looks.append(place)
        return "bad" if place >= first else "good"

    found = first_bad(count, judge)
    assert (found.good, found.bad) == (first - 1, first)
    assert len(looks) <= math.ceil(math.log2(count))


@given(count=st.integers(2, 60), data=st.data())
def test_places_that_cannot_be_judged_are_left_between(count: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, count - 1))
    unclear = data.draw(st.sets(st.integers(1, max(1, count - 2))))
    looks: list[int] = []

    def judge(place: int) -> Verdict:
        looks.append(place)
        if place in unclear:
            return "skip"
        return "bad" if place >= first else "good"

    found = first_bad(count, judge)
    assert found.good < first <= found.bad
    assert set(range(found.good + 1, found.bad)) <= unclear
    assert len(looks) == len(set(looks))


@pytest.fixture
def history() -> Storyteller:
    told = Storyteller()
    told.run("lock", locked("ash", "1.0"), locked("ash", "2.0"), resolved())
    told.run("apply", installed("ash", "1.0"), switched("ash-1.0"))  # Events 8 to 11.
    told.run("apply", switched("ash-1.0-again"))
    told.run("apply", installed("ash", "2.0", "1.0"), switched("ash-2.0"))
    return told


def test_only_changes_of_packages_are_places(history: Storyteller) -> None:
    found = stands_between(history.records(), 4, history.seq, MACHINE).stands
    versions = [
        {name: one.version for name, one in stand.environment.packages.items()} for stand in found
    ]
    assert versions == [{}, {"ash": "1.0"}, {"ash": "2.0"}]


def test_a_wheel_leads_to_the_file_it_was(history: Storyteller) -> None:
    found = stands_between(history.records(), 4, history.seq, MACHINE)
    for stand in found.stands:
        for name, one in stand.environment.packages.items():
            package = found.origins.package(name, one)
            assert (package.version, package.files[0].sha256) == (one.version, one.sha256)


def test_points_in_the_wrong_order_or_without_a_change_are_refused(history: Storyteller) -> None:
    with pytest.raises(UsageError):
        stands_between(history.records(), 9, 9, MACHINE)
    with pytest.raises(ProjectError) as caught:
        stands_between(history.records(), 1, 4, MACHINE)
    assert caught.value.code == "NOTHING_TO_BISECT"
