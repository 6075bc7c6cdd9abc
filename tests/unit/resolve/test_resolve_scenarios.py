"""Resolutions of small universes: what is chosen, and what is said about it."""

from __future__ import annotations

import msgspec
import pytest
from support.universe import INDEX, LINUX, Universe, problem

from ppm.engine.errors import IndexFailure, RequirementError, ResolutionError
from ppm.engine.index.model import CoreMetadata, DistributionFile
from ppm.engine.ports import NotCached
from ppm.engine.resolve.problem import Problem, Resolution
from ppm.engine.resolve.solve import resolve


@pytest.fixture
def universe() -> Universe:
    return Universe()


def versions(resolution: Resolution) -> dict[str, str]:
    return {package.name: package.version for package in resolution.packages}


def chosen(universe: Universe, asked: Problem) -> dict[str, str]:
    return versions(resolve(asked, universe))


def test_nothing_asked_gives_nothing(universe: Universe) -> None:
    resolution = resolve(problem(), universe)
    assert resolution.packages == ()
    assert universe.asked_pages == []


def test_the_newest_version_and_its_dependencies(universe: Universe) -> None:
    universe.add("a", "1.0").add("a", "2.0", ["b>=1"]).add("b", "1.0").add("b", "1.1")
    assert chosen(universe, problem("a")) == {"a": "2.0", "b": "1.1"}


def test_versions_are_compared_as_versions(universe: Universe) -> None:
    universe.add("a", "1.9").add("a", "1.10")
    assert chosen(universe, problem("a")) == {"a": "1.10"}


def test_names_are_compared_normalised(universe: Universe) -> None:
    universe.add("ruamel-yaml", "1.0", ["My.Dep"]).add("my-dep", "1.0")
    assert chosen(universe, problem("Ruamel_YAML")) == {"my-dep": "1.0", "ruamel-yaml": "1.0"}


def test_a_newer_version_that_does_not_fit_gives_way(universe: Universe) -> None:
    universe.add("a", "2.0", ["c>=2"]).add("a", "1.0", ["c"])
    universe.add("b", "1.0", ["c<2"]).add("c", "1.0").add("c", "2.0")
    assert chosen(universe, problem("a", "b")) == {"a": "1.0", "b": "1.0", "c": "1.0"}


def test_backtracking_goes_through_two_levels(universe: Universe) -> None:
    universe.add("a", "2.0", ["b>=2"]).add("a", "1.0", ["b"])
    universe.add("b", "2.0", ["c>=2"]).add("b", "1.0", ["c"])
    universe.add("c", "2.0", ["d<2"]).add("c", "1.0", ["d"])
    universe.add("d", "1.0").add("d", "2.0").add("e", "1.0", ["d>=2"])
    assert chosen(universe, problem("a", "e")) == {
        "a": "1.0",
        "b": "1.0",
        "c": "1.0",
        "d": "2.0",
        "e": "1.0",
    }


def test_several_requirements_on_one_name_all_hold(universe: Universe) -> None:
    for version in ("1.0", "1.5", "2.0", "3.0"):
        universe.add("a", version)
    assert chosen(universe, problem("a>=1.5", ("dev", "a<3"), ("docs", "a!=2.0"))) == {"a": "1.5"}


def test_markers_decide_on_the_target(universe: Universe) -> None:
    universe.add("a", "1.0", ["w; sys_platform == 'win32'", "l; sys_platform == 'linux'"])
    universe.add("w", "1.0").add("l", "1.0")
    asked = problem("a", "old; python_version < '3'")
    assert chosen(universe, asked) == {"a": "1.0", "l": "1.0"}
    markers = {**LINUX.markers, "sys_platform": "win32", "os_name": "nt"}
    windows = msgspec.structs.replace(LINUX, name="windows", markers=markers)
    assert chosen(universe, problem("a", target=windows)) == {"a": "1.0", "w": "1.0"}


def test_an_extra_brings_its_dependencies(universe: Universe) -> None:
    universe.add("a", "1.0", ["b"], extras={"x": ["c>=1"]}).add("b", "1").add("c", "1")
    plain = resolve(problem("a"), universe)
    assert versions(plain) == {"a": "1.0", "b": "1"}
    full = resolve(problem("a[x]"), universe)
    assert versions(full) == {"a": "1.0", "b": "1", "c": "1"}
    assert full.packages[0].extras == ("x",)
    assert full.packages[0].dependencies == ("b", "c>=1")


def test_extras_of_extras_and_of_dependencies(universe: Universe) -> None:
    universe.add("a", "1.0", extras={"all": ["a[x,y]"], "x": ["b[z]"], "y": ["c"]})
    universe.add("b", "1.0", extras={"z": ["d"]}).add("c", "1.0").add("d", "1.0")
    resolution = resolve(problem("a[all]"), universe)
    assert versions(resolution) == {"a": "1.0", "b": "1.0", "c": "1.0", "d": "1.0"}
    first = resolution.packages[0]
    assert first.extras == ("all", "x", "y")
    assert first.dependencies == ("a[x,y]", "b[z]", "c")


def test_an_extra_and_its_base_have_the_same_version(universe: Universe) -> None:
    universe.add("a", "2.0", extras={"x": ["c>=2"]}).add("a", "1.0", extras={"x": ["c"]})
    universe.add("c", "1.0").add("c", "2.0").add("b", "1.0", ["c<2"])
    assert chosen(universe, problem("a[x]", "b")) == {"a": "1.0", "b": "1.0", "c": "1.0"}


def test_a_limit_met_later_holds_for_the_extra_too(universe: Universe) -> None:
    for version in ("3.0", "2.0", "1.0"):
        universe.add("a", version, extras={"x": ["c"]})
    universe.add("b", "1.0", ["a<2"]).add("c", "1.0")
    expected = {"a": "1.0", "b": "1.0", "c": "1.0"}
    assert chosen(universe, problem("a[x]", "b")) == expected
    universe.asked_metadata.clear()
    assert chosen(universe, problem("b", "a[x]")) == expected
    assert len(universe.asked_metadata) == 3


def test_extra_names_are_compared_normalised(universe: Universe) -> None:
    universe.add("a", "1.0", extras={"Foo_Bar": ["b"]}).add("b", "1.0")
    resolution = resolve(problem("a[foo.bar]"), universe)
    assert versions(resolution) == {"a": "1.0", "b": "1.0"}
    assert resolution.warnings == ()


def test_an_unknown_extra_is_a_warning(universe: Universe) -> None:
    universe.add("a", "1.0")
    resolution = resolve(problem("a[nope]"), universe)
    assert versions(resolution) == {"a": "1.0"}
    assert resolution.warnings == ("a 1.0 has no extra 'nope'",)


def test_cycles_are_fine(universe: Universe) -> None:
    universe.add("a", "1.0", ["b"]).add("b", "1.0", ["c"]).add("c", "1.0", ["a>=1", "c"])
    assert chosen(universe, problem("a")) == {"a": "1.0", "b": "1.0", "c": "1.0"}


def test_a_cycle_can_rule_a_version_out(universe: Universe) -> None:
    universe.add("a", "2.0", ["b"]).add("a", "1.0", ["b"]).add("b", "1.0", ["a<2"])
    assert chosen(universe, problem("a")) == {"a": "1.0", "b": "1.0"}


def test_final_versions_come_before_pre_releases(universe: Universe) -> None:
    universe.add("a", "1.0").add("a", "2.0rc1").add("a", "2.0.dev1")
    assert chosen(universe, problem("a")) == {"a": "1.0"}


def test_a_pre_release_is_taken_where_nothing_else_satisfies(universe: Universe) -> None:
    universe.add("a", "1.0").add("a", "2.0b1").add("a", "2.0rc1")
    assert chosen(universe, problem("a>1.0")) == {"a": "2.0rc1"}


def test_a_requirement_that_names_a_pre_release_lets_them_in(universe: Universe) -> None:
    universe.add("a", "1.0").add("a", "2.0rc1").add("b", "1.0", ["a>=0.1b1"])
    assert chosen(universe, problem("b", "a"))["a"] == "2.0rc1"


@pytest.mark.parametrize(
    ("mode", "requirement", "version"),
    [
        ("allow", "a", "2.0rc1"),
        ("disallow", "a", "1.0"),
        ("explicit", "a", "1.0"),
        ("explicit", "a>=2.0rc1", "2.0rc1"),
        ("if-necessary-or-explicit", "a", "1.0"),
        ("if-necessary-or-explicit", "a>=1.5", "2.0rc1"),
    ],
)
def test_the_policy_on_pre_releases(
    universe: Universe, mode: str, requirement: str, version: str
) -> None:
    universe.add("a", "1.0").add("a", "2.0rc1")
    assert chosen(universe, problem(requirement, prereleases=mode)) == {"a": version}


@pytest.mark.parametrize(
    ("mode", "requirement"), [("disallow", "a==2.0rc1"), ("explicit", "a>=1.5")]
)
def test_pre_releases_that_the_policy_keeps_out(
    universe: Universe, mode: str, requirement: str
) -> None:
    universe.add("a", "1.0").add("a", "2.0rc1")
    with pytest.raises(ResolutionError) as caught:
        resolve(problem(requirement, prereleases=mode), universe)
    assert caught.value.code == "NO_MATCHING_VERSION"
    assert "2.0rc1: a pre-release" in caught.value.message


def test_a_locked_pre_release_stays(universe: Universe) -> None:
    universe.add("a", "1.0").add("a", "2.0rc1")
    assert chosen(universe, problem("a", locked={"a": "2.0rc1"})) == {"a": "2.0rc1"}


def test_yanked_versions_are_passed_over(universe: Universe) -> None:
    universe.add("a", "1.0").add("a", "2.0", yanked="lost data")
    resolution = resolve(problem("a>=1"), universe)
    assert versions(resolution) == {"a": "1.0"}
    assert [(item.version, item.reason) for item in resolution.rejections] == [
        ("2.0", "yanked: lost data")
    ]


@pytest.mark.parametrize("requirement", ["a==2.0", "a===2.0"])
def test_a_pin_may_name_a_yanked_version(universe: Universe, requirement: str) -> None:
    universe.add("a", "1.0").add("a", "2.0", yanked="lost data")
    resolution = resolve(problem(requirement), universe)
    assert versions(resolution) == {"a": "2.0"}
    assert resolution.warnings == ("a 2.0 is yanked: lost data",)


def test_a_wildcard_is_no_pin(universe: Universe) -> None:
    universe.add("a", "2.0", yanked="")
    with pytest.raises(ResolutionError, match=r"a 2\.0: yanked"):
        resolve(problem("a==2.*"), universe)


def test_the_lock_may_name_a_yanked_version(universe: Universe) -> None:
    universe.add("a", "1.0").add("a", "2.0", yanked="")
    assert chosen(universe, problem("a", locked={"a": "2.0"})) == {"a": "2.0"}


def test_a_version_for_another_python_is_passed_over(universe: Universe) -> None:
    universe.add("a", "2.0", requires_python=">=3.12").add("a", "1.0", requires_python=">=3.8")
    resolution = resolve(problem("a"), universe)
    assert versions(resolution) == {"a": "1.0"}
    assert resolution.packages[0].requires_python == ">=3.8"
    assert resolution.rejections[0].reason == "needs Python >=3.12"
    assert universe.asked_metadata == ["a-1.0-py3-none-any.whl"]


def test_the_python_that_only_the_metadata_tells_counts(universe: Universe) -> None:
    universe.add("a", "2.0", requires_python=">=3.12", page_requires_python="").add("a", "1.0")
    resolution = resolve(problem("a"), universe)
    assert versions(resolution) == {"a": "1.0"}
    assert resolution.rejections[0].reason == "needs Python >=3.12"


def test_an_older_wheel_comes_before_nothing_and_a_newer_sdist_before_it(
    universe: Universe,
) -> None:
    universe.add("a", "2.0", wheels=["cp311-cp311-win_amd64"], sdist=True).add("a", "1.0")
    resolution = resolve(problem("a"), universe)
    assert resolution.packages[0].is_sdist
    assert resolution.packages[0].file.filename == "a-2.0.tar.gz"
    no_build = resolve(problem("a", no_build=True), universe)
    assert versions(no_build) == {"a": "1.0"}
    assert no_build.rejections[0].reason == "no wheel fits linux-x86_64-py3.11"


def test_lowest_takes_the_oldest_of_everything(universe: Universe) -> None:
    for version in ("1.0", "2.0"):
        universe.add("a", version, ["b"]).add("b", version)
    assert chosen(universe, problem("a", resolution="lowest")) == {"a": "1.0", "b": "1.0"}


def test_lowest_direct_takes_the_oldest_of_what_the_project_names(universe: Universe) -> None:
    for version in ("1.0", "2.0"):
        universe.add("a", version, ["b"]).add("b", version)
    assert chosen(universe, problem("a", resolution="lowest-direct")) == {"a": "1.0", "b": "2.0"}


def test_constraints_limit_what_is_needed_and_bring_nothing(universe: Universe) -> None:
    universe.add("a", "1.0", ["b"]).add("b", "1.0").add("b", "2.0").add("c", "1.0")
    asked = problem("a", constraints=["b<2", "c==1.0", "b<1; sys_platform == 'win32'"])
    resolution = resolve(asked, universe)
    assert versions(resolution) == {"a": "1.0", "b": "1.0"}
    assert resolution.rejections[0].reason == "constraint b<2"


def test_constraints_have_no_extras(universe: Universe) -> None:
    with pytest.raises(RequirementError, match="cannot have extras"):
        resolve(problem("a", constraints=["b[x]<2"]), universe)


def test_what_the_lock_pins_stays(universe: Universe) -> None:
    for version in ("1.0", "2.0", "3.0"):
        universe.add("a", version, ["b"]).add("b", version)
    resolution = resolve(problem("a", locked={"a": "1.0", "b": "2.0"}), universe)
    assert versions(resolution) == {"a": "1.0", "b": "2.0"}
    assert resolution.rejections == ()


def test_only_what_no_longer_satisfies_moves(universe: Universe) -> None:
    for version in ("1.0", "2.0", "3.0"):
        universe.add("a", version, ["b"]).add("b", version)
    asked = problem("a>=2", locked={"a": "1.0", "b": "2.0", "gone": "1.0"})
    assert chosen(universe, asked) == {"a": "3.0", "b": "2.0"}


def test_a_locked_version_that_the_index_lost_is_replaced(universe: Universe) -> None:
    universe.add("a", "2.0")
    assert chosen(universe, problem("a", locked={"a": "1.5"})) == {"a": "2.0"}


def test_upgrade_forgets_the_lock(universe: Universe) -> None:
    for version in ("1.0", "2.0"):
        universe.add("a", version, ["b"]).add("b", version)
    locked = {"a": "1.0", "b": "1.0"}
    assert chosen(universe, problem("a", locked=locked, upgrade=True)) == {"a": "2.0", "b": "2.0"}
    asked = problem("a", locked=locked, upgrade_packages=("B",))
    assert chosen(universe, asked) == {"a": "1.0", "b": "2.0"}


def test_a_cutoff_hides_what_was_uploaded_later(universe: Universe) -> None:
    universe.add("a", "1.0", uploaded="2026-01-01T00:00:00Z")
    universe.add("a", "2.0", uploaded="2026-06-01T00:00:00Z")
    assert chosen(universe, problem("a", exclude_newer="2026-03-01")) == {"a": "1.0"}


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        ({"name": "other"}, "its metadata says it is other 2.0"),
        ({"version": "3.0"}, "its metadata says it is a 3.0"),
        ({"version": "no version"}, "its metadata says it is 'a no version'"),
        ({"requires_dist": ("b @ https://u:p@host.example/b.whl",)}, "only your project"),
        ({"requires_dist": ("b >= what",)}, "an invalid requirement"),
        ({"requires_dist": ("b; nonsense == 'x'",)}, "an invalid requirement"),
        ({"requires_python": ">=three"}, "is no specifier"),
    ],
)
def test_a_version_with_bad_metadata_is_left_out(
    universe: Universe, overrides: dict[str, object], reason: str
) -> None:
    universe.add("a", "2.0", metadata=overrides).add("a", "1.0")
    resolution = resolve(problem("a"), universe)
    assert versions(resolution) == {"a": "1.0"}
    assert reason in resolution.rejections[0].reason
    assert "u:p@" not in resolution.rejections[0].reason


def test_what_is_wrong_only_for_an_extra_nobody_asks_for_does_not_matter(
    universe: Universe,
) -> None:
    universe.add("a", "2.0", extras={"x": ["b @ https://host.example/b.whl"]})
    assert chosen(universe, problem("a")) == {"a": "2.0"}


def test_metadata_that_the_index_calls_invalid_is_left_out(universe: Universe) -> None:
    universe.add("a", "2.0").add("a", "1.0").break_metadata("a-2.0-py3-none-any.whl")
    resolution = resolve(problem("a"), universe)
    assert versions(resolution) == {"a": "1.0"}
    assert resolution.rejections[0].reason.startswith("its metadata is invalid")


def test_other_trouble_with_an_index_is_an_error(universe: Universe) -> None:
    universe.add("a", "2.0").add("a", "1.0").break_metadata("a-2.0-py3-none-any.whl", "INDEX_DOWN")
    with pytest.raises(IndexFailure) as caught:
        resolve(problem("a"), universe)
    assert caught.value.code == "INDEX_DOWN"


def test_a_dependency_that_no_index_has_rules_the_version_out(universe: Universe) -> None:
    universe.add("a", "2.0", ["missing"]).add("a", "1.0")
    resolution = resolve(problem("a"), universe)
    assert versions(resolution) == {"a": "1.0"}
    assert resolution.rejections[0].reason == "needs missing, and no such version is usable"


def test_a_project_in_quarantine_is_refused(universe: Universe) -> None:
    universe.add("a", "1.0").mark("a", "quarantined")
    with pytest.raises(ResolutionError, match="quarantine"):
        resolve(problem("a"), universe)


def test_an_archived_project_is_a_warning(universe: Universe) -> None:
    universe.add("a", "1.0").mark("a", "archived")
    resolution = resolve(problem("a"), universe)
    assert resolution.warnings == ("a: its index marks the project as archived",)


def test_groups_are_those_that_reach_a_package(universe: Universe) -> None:
    universe.add("a", "1.0", ["shared"], extras={"x": ["only-x"]}).add("b", "1.0", ["shared"])
    universe.add("shared", "1.0").add("only-x", "1.0")
    resolution = resolve(problem("a", ("dev", "b"), ("extra:more", "a[x]")), universe)
    groups = {package.name: package.groups for package in resolution.packages}
    assert groups == {
        "a": ("", "extra:more"),
        "b": ("dev",),
        "only-x": ("extra:more",),
        "shared": ("", "dev", "extra:more"),
    }


def test_a_package_is_told_with_its_file_and_index(universe: Universe) -> None:
    universe.add("a", "1.0", ["b>1 ; python_version > '3'", "b>1", "b<9"]).add("b", "2.0")
    package = resolve(problem("a"), universe).packages[0]
    assert package.index == INDEX
    assert package.file.url == "https://files.example/a-1.0-py3-none-any.whl"
    assert package.dependencies == ("b<9", "b>1")
    assert (package.metadata_origin, len(package.metadata_sha256)) == ("sibling", 64)


def test_why_a_newer_version_was_passed_over(universe: Universe) -> None:
    universe.add("x", "3.0rc1").add("x", "2.5").add("x", "2.1").add("x", "1.0")
    universe.add("y", "1.0", ["x<2"])
    resolution = resolve(problem("y", ("dev", "x<2.5")), universe)
    assert [(item.name, item.version, item.reason) for item in resolution.rejections] == [
        ("x", "3.0rc1", "your project (group dev) needs x<2.5"),
        ("x", "2.1", "y 1.0 needs x<2"),
    ]


def test_why_a_version_was_given_up_while_searching(universe: Universe) -> None:
    universe.add("a", "2.0", ["c>=2"]).add("a", "1.0", ["c"])
    universe.add("b", "1.0", ["c<2"]).add("c", "1.0").add("c", "2.0")
    reasons = {item.name: item.reason for item in resolve(problem("a", "b"), universe).rejections}
    assert reasons["a"] == "needs c>=2, but b 1.0 needs c<2"


def test_no_more_than_a_few_rejections_are_told(universe: Universe) -> None:
    for minor in range(30):
        universe.add("a", f"2.{minor}", requires_python=f">=3.{12 + minor}")
    universe.add("a", "1.0")
    assert len(resolve(problem("a"), universe).rejections) == 5


def test_metadata_is_asked_only_of_what_is_tried(universe: Universe) -> None:
    for minor in range(50):
        universe.add("a", f"1.{minor}", ["b<1.20"]).add("b", f"1.{minor}")
    resolution = resolve(problem("a<1.30"), universe)
    assert universe.asked_metadata == ["a-1.29-py3-none-any.whl", "b-1.19-py3-none-any.whl"]
    assert universe.asked_pages == ["a", "b"]
    assert resolution.metadata_count == 2


def test_a_source_that_may_not_ask_says_so(universe: Universe) -> None:
    class Offline:
        page = universe.page

        def metadata(self, file: DistributionFile) -> CoreMetadata:
            raise NotCached(file.filename)

    universe.add("a", "1.0")
    with pytest.raises(NotCached, match=r"a-1\.0"):
        resolve(problem("a"), Offline())


def test_the_same_problem_has_the_same_answer_to_the_byte(universe: Universe) -> None:
    for version in ("1.0", "2.0", "3.0"):
        universe.add("a", version, ["b", "c"]).add("b", version, ["c<3"]).add("c", version)
    asked = problem("a", "b", ("dev", "c"))
    encode = msgspec.json.encode
    assert encode(resolve(asked, universe)) == encode(resolve(asked, universe))


def test_a_contradiction_with_the_project_is_found_without_trying_everything(
    universe: Universe,
) -> None:
    for minor in range(200):
        universe.add("framework", f"3.{minor}")
    universe.add("framework", "4.0")
    for minor in range(5):
        universe.add("plugin", f"2.{minor}", ["framework>=4"])
    with pytest.raises(ResolutionError, match="plugin"):
        resolve(problem("framework<4", "plugin>=2"), universe)
    tried = [name for name in universe.asked_metadata if name.startswith("framework-3")]
    assert len(tried) == 1


def test_a_self_referring_extra_that_contradicts_itself_rules_the_version_out(
    universe: Universe,
) -> None:
    universe.add("a", "2.0", extras={"x": ["a<2"]}).add("a", "1.0", extras={"x": ["b"]})
    universe.add("b", "1.0")
    assert chosen(universe, problem("a[x]")) == {"a": "1.0", "b": "1.0"}
    assert chosen(universe, problem("a")) == {"a": "2.0"}


def test_a_version_that_its_own_dependencies_rule_out_gives_way(universe: Universe) -> None:
    universe.add("b", "3.0", ["d"]).add("a", "2.0", ["d<2.0"])
    universe.add("d", "3.0", ["a==2.0"]).add("d", "2.0").add("d", "1.0", ["c"])
    assert chosen(universe, problem("b")) == {"b": "3.0", "d": "2.0"}


def test_a_detour_through_a_circle_does_not_hide_the_answer(universe: Universe) -> None:
    universe.add("e", "1.0", ["a"]).add("a", "3.0", ["d"]).add("a", "2.0", ["b"])
    universe.add("b", "3.0").add("c", "1.0", ["b<=2"]).add("d", "1.0", ["c<2", "a<=2"])
    assert chosen(universe, problem("e")) == {"a": "2.0", "b": "3.0", "e": "1.0"}
