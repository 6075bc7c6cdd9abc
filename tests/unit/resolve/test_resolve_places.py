"""Packages that the project names a place for, among those of an index."""

from __future__ import annotations

import msgspec
import pytest
from support.universe import Universe, problem

from ppm.engine.errors import RequirementError, ResolutionError
from ppm.engine.index.model import CoreMetadata, DistributionFile
from ppm.engine.resolve.problem import Direct, Policy, Problem
from ppm.engine.resolve.solve import resolve

URL = "https://host.example/a-2.0rc1-py3-none-any.whl"


def placed(*roots: str, policy: Policy | None = None, needs: tuple[str, ...] = ()) -> Problem:
    """A problem in which ``a`` is at ``URL``, a pre-release of 2.0."""
    direct = Direct(
        name="a",
        source=URL,
        file=DistributionFile(
            filename="a-2.0rc1-py3-none-any.whl",
            url=URL,
            kind="wheel",
            version="2.0rc1",
            sha256="ab" * 32,
        ),
        metadata=CoreMetadata(
            name="a",
            version="2.0rc1",
            requires_python="",
            requires_dist=needs,
            provides_extra=("x",),
            origin="wheel",
            sha256="",
        ),
    )
    asked = problem(f"a @ {URL}", *roots)
    return msgspec.structs.replace(asked, directs=(direct,), policy=policy or Policy())


@pytest.fixture
def universe() -> Universe:
    return Universe().add("a", "9.0").add("b", "1.0", ["a>=1"]).add("c", "1.0", ["a>=3"])


def test_no_index_is_asked_about_its_name(universe: Universe) -> None:
    resolution = resolve(placed("b"), universe)
    found = {one.name: (one.version, one.source, one.index) for one in resolution.packages}
    assert found["a"] == ("2.0rc1", URL, "")
    assert found["b"][1] == ""
    assert universe.asked_pages == ["b"]


def test_policies_about_choosing_do_not_concern_it(universe: Universe) -> None:
    policy = Policy(prereleases="disallow", exclude_newer="2020-01-01", no_binary=("a",))
    resolution = resolve(placed(policy=policy), universe)
    assert [one.version for one in resolution.packages] == ["2.0rc1"]


def test_what_does_not_fit_it_is_told(universe: Universe) -> None:
    with pytest.raises(ResolutionError) as caught:
        resolve(placed("c"), universe)
    assert "a>=3" in caught.value.message


def test_its_own_needs_and_extras_count(universe: Universe) -> None:
    needs = ('b ; extra == "x"',)
    plain = resolve(placed(needs=needs), universe)
    assert [one.name for one in plain.packages] == ["a"]
    extra = resolve(placed("a[x]", needs=needs), universe)
    assert [one.name for one in extra.packages] == ["a", "b"]


def test_a_dependency_may_name_the_very_same_place_only(universe: Universe) -> None:
    universe.add("same", "1.0", [f"a @ {URL}"]).add("other", "1.0", ["a @ https://h.example/a.whl"])
    names = [one.name for one in resolve(placed("same"), universe).packages]
    assert names == ["a", "same"]
    with pytest.raises(ResolutionError) as caught:
        resolve(placed("other"), universe)
    assert "only your project may name a URL" in caught.value.message


@pytest.mark.parametrize("text", ["a @ https://other.example/a-1.whl", "z @ file:./z"])
def test_a_place_that_was_not_looked_at_is_no_version_of_an_index(
    universe: Universe, text: str
) -> None:
    with pytest.raises(RequirementError) as caught:
        resolve(placed(text), universe)
    assert caught.value.code == "UNSUPPORTED_REQUIREMENT"


def test_constraints_name_no_places(universe: Universe) -> None:
    asked = msgspec.structs.replace(placed(), constraints=(f"a @ {URL}",))
    with pytest.raises(RequirementError):
        resolve(asked, universe)
