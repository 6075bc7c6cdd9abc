"""Random small universes: the resolver against trying everything."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement
from support.universe import LINUX, Universe, problem

from ppm.engine.errors import ResolutionError
from ppm.engine.resolve.problem import Problem, Resolution
from ppm.engine.resolve.requirement import parse_requirement
from ppm.engine.resolve.satisfied import LockedPin, lock_satisfies
from ppm.engine.resolve.solve import resolve

NAMES = ("a", "b", "c", "d")
VERSIONS = ("1.0", "2.0", "3.0")
EXTRA = "x"

VALID_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")

specifiers = st.one_of(
    st.just(""),
    st.tuples(st.sampled_from((">=", "<", "==", "!=", "<=")), st.sampled_from(VERSIONS)).map(
        "".join
    ),
)
requirements = st.builds(
    lambda name, extra, specifier: f"{name}{extra}{specifier}",
    st.sampled_from(NAMES),
    st.sampled_from(("", "", f"[{EXTRA}]")),
    specifiers,
)
releases = st.fixed_dictionaries(
    {
        "requires": st.lists(requirements, max_size=2),
        "extra": st.lists(requirements, max_size=1),
        "usable": st.sampled_from((True, True, True, False)),
    }
)
universes = st.dictionaries(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(VERSIONS)), releases, max_size=12
)
roots = st.lists(requirements, min_size=1, max_size=3)
constraints = st.lists(st.builds("{}{}".format, st.sampled_from(NAMES), specifiers), max_size=1)

Releases = Mapping[tuple[str, str], Mapping[str, object]]
slow = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def published(described: Releases) -> Universe:
    universe = Universe()
    for (name, version), release in described.items():
        universe.add(
            name,
            version,
            release["requires"],  # type: ignore[arg-type]
            extras={EXTRA: release["extra"]},  # type: ignore[dict-item]
            requires_python="" if release["usable"] else ">=4",
        )
    return universe


def assignments(described: Releases) -> Iterator[dict[str, str]]:
    """Every way to give each name one of its usable versions or none."""
    options = [
        [None, *(v for (n, v), release in described.items() if n == name and release["usable"])]
        for name in NAMES
    ]
    for versions in itertools.product(*options):
        yield {name: v for name, v in zip(NAMES, versions, strict=True) if v is not None}


def holds(assignment: Mapping[str, str], described: Releases, asked: Problem) -> bool:
    """Whether everything that the roots reach is given, within its limits."""
    waiting = [root.requirement for root in asked.roots]
    limits = [Requirement(text) for text in asked.constraints]
    seen: set[str] = set()
    while waiting:
        text = waiting.pop()
        if text in seen:
            continue
        seen.add(text)
        requirement = Requirement(text)
        version = assignment.get(requirement.name)
        on_name = [requirement, *(one for one in limits if one.name == requirement.name)]
        if version is None or not all(one.specifier.contains(version) for one in on_name):
            return False
        release = described[requirement.name, version]
        waiting.extend(release["requires"])  # type: ignore[arg-type]
        if requirement.extras:
            waiting.extend(release["extra"])  # type: ignore[arg-type]
    return True


def attempt(asked: Problem, universe: Universe) -> Resolution | None:
    try:
        return resolve(asked, universe)
    except ResolutionError as error:
        if error.code == "RESOLVER_INCONSISTENT":
            raise
        return None


@slow
@given(universes, roots, constraints)
def test_an_answer_is_found_exactly_if_there_is_one(
    described: Releases, texts: list[str], limits: list[str]
) -> None:
    asked = problem(*texts, constraints=limits)
    resolution = attempt(asked, published(described))
    if resolution is None:
        assert not any(holds(one, described, asked) for one in assignments(described))
    else:
        answer = {package.name: package.version for package in resolution.packages}
        assert holds(answer, described, asked)


@slow
@given(universes, roots)
def test_an_answer_stays_when_it_is_locked_and_satisfies_the_lock_check(
    described: Releases, texts: list[str]
) -> None:
    universe = published(described)
    resolution = attempt(problem(*texts), universe)
    if resolution is None:
        return
    locked = {package.name: package.version for package in resolution.packages}
    assert resolve(problem(*texts, locked=locked), universe).packages == resolution.packages
    pins = {
        package.name: LockedPin(
            version=package.version, extras=package.extras, dependencies=package.dependencies
        )
        for package in resolution.packages
    }
    assert lock_satisfies(problem(*texts).roots, pins, LINUX) == []


@slow
@given(universes, roots, st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VERSIONS)))
def test_a_lock_changes_what_is_chosen_never_whether_there_is_an_answer(
    described: Releases, texts: list[str], locked: dict[str, str]
) -> None:
    universe = published(described)
    free = attempt(problem(*texts), universe)
    kept = attempt(problem(*texts, locked=locked), universe)
    assert (free is None) == (kept is None)
    lowest = attempt(problem(*texts, resolution="lowest"), universe)
    assert (free is None) == (lowest is None)


@given(st.text(alphabet="abzAZ09._- []()<>=!~,*", max_size=24).map(lambda text: f"a{text}"))
def test_the_quick_parser_agrees_with_the_full_one(text: str) -> None:
    try:
        full = Requirement(text)
    except ValueError:
        full = None
    else:
        if not all(VALID_NAME.fullmatch(name) for name in (full.name, *full.extras)):
            full = None
    try:
        quick = parse_requirement(text)
    except ValueError:
        assert full is None
    else:
        assert full is not None
        assert Requirement(quick.text) == full
