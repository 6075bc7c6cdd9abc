"""Which file of a release is taken on a target."""

from __future__ import annotations

import msgspec
import pytest
from support.universe import LINUX, Universe

from ppm.engine.errors import RequirementError
from ppm.engine.index.model import Release
from ppm.engine.resolve.problem import Policy
from ppm.engine.resolve.selection import Choice, FileRules, parse_cutoff, python_release


def choose(release: Release, **policy: object) -> Choice:
    return FileRules(LINUX, Policy(**policy)).choose("pkg", release)  # type: ignore[arg-type]


def release(*wheels: str, sdist: bool = False, uploaded: str = "") -> Release:
    universe = Universe().add("pkg", "1.0", wheels=wheels, sdist=sdist, uploaded=uploaded)
    return universe.page("pkg").releases[0]


def taken(choice: Choice) -> str:
    assert choice.file is not None, choice.reason
    return choice.file.filename


def test_the_best_tag_wins() -> None:
    found = choose(release("py3-none-any", "cp311-cp311-manylinux_2_17_x86_64", sdist=True))
    assert taken(found) == "pkg-1.0-cp311-cp311-manylinux_2_17_x86_64.whl"


def test_a_compressed_tag_counts_as_its_best() -> None:
    compressed = "cp311-cp311-manylinux_2_17_x86_64.manylinux_2_28_x86_64"
    found = choose(release("cp311-cp311-manylinux_2_17_x86_64", compressed))
    assert taken(found) == f"pkg-1.0-{compressed}.whl"


def test_the_higher_build_tag_breaks_a_tie_by_number() -> None:
    found = choose(release("9-py3-none-any", "10-py3-none-any", "py3-none-any"))
    assert taken(found) == "pkg-1.0-10-py3-none-any.whl"


def test_any_wheel_comes_before_the_source_distribution() -> None:
    assert taken(choose(release("py3-none-any", sdist=True))).endswith(".whl")


def test_the_source_distribution_is_taken_where_no_wheel_fits() -> None:
    assert taken(choose(release("cp311-cp311-win_amd64", sdist=True))) == "pkg-1.0.tar.gz"


def test_a_wheel_for_elsewhere_is_told() -> None:
    assert choose(release("cp311-cp311-win_amd64")).reason == "no wheel fits linux-x86_64-py3.11"


@pytest.mark.parametrize("policy", [{"no_build": True}, {"only_binary": ("PKG",)}])
def test_source_distributions_can_be_left_out(policy: dict[str, object]) -> None:
    assert choose(release(sdist=True), **policy).reason == "it has no wheel and building is off"


@pytest.mark.parametrize("names", [("pkg",), (":all:",)])
def test_wheels_can_be_left_out(names: tuple[str, ...]) -> None:
    both = release("py3-none-any", sdist=True)
    assert taken(choose(both, no_binary=names)) == "pkg-1.0.tar.gz"
    assert choose(release("py3-none-any"), no_binary=names).reason == "wheels are off"


def test_the_python_of_a_file_is_told_before_its_tags() -> None:
    universe = Universe().add(
        "pkg", "1.0", wheels=["cp313-cp313-win_amd64"], requires_python=">=3.13"
    )
    assert choose(universe.page("pkg").releases[0]).reason == "needs Python >=3.13"


def test_a_broken_requires_python_leaves_the_file_out() -> None:
    universe = Universe().add("pkg", "1.0", requires_python=">=3.x")
    assert "no specifier" in choose(universe.page("pkg").releases[0]).reason


def test_files_from_the_cutoff_on_do_not_exist() -> None:
    found = release("py3-none-any", uploaded="2026-05-01T09:00:00Z")
    assert choose(found, exclude_newer="2026-05-01T09:00:00.5Z").file is not None
    assert "after the cutoff" in choose(found, exclude_newer="2026-05-01T09:00:00Z").reason
    assert choose(found, exclude_newer="2026-05-01").file is not None
    assert "after the cutoff" in choose(found, exclude_newer="2026-04-30").reason


def test_a_cutoff_leaves_out_files_without_a_time() -> None:
    assert "does not say" in choose(release("py3-none-any"), exclude_newer="2026-05-01").reason


def test_a_cutoff_must_be_a_time() -> None:
    with pytest.raises(RequirementError) as caught:
        parse_cutoff("yesterday")
    assert caught.value.code == "INVALID_TIME"


@pytest.mark.parametrize("python", ["3.14.0rc1", "3.14.0+", "3.14.0"])
def test_a_python_before_its_release_counts_as_released(python: str) -> None:
    target = msgspec.structs.replace(LINUX, python_full_version=python)
    assert str(python_release(target)) == "3.14.0"
    assert FileRules(target, Policy()).allows_python(">=3.14")


def test_a_file_that_is_not_yanked_comes_before_a_better_one_that_is() -> None:
    universe = Universe()
    universe.add("pkg", "1.0", wheels=["cp311-cp311-manylinux_2_17_x86_64"], yanked="broken")
    universe.add("pkg", "1.0", wheels=["py3-none-any"])
    assert taken(choose(universe.page("pkg").releases[0])) == "pkg-1.0-py3-none-any.whl"
