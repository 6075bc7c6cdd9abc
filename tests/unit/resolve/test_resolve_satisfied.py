"""Whether a lock still answers the requirements."""

from __future__ import annotations

import subprocess
import sys

import pytest
from support.universe import LINUX, Universe, problem

from ppm.engine.errors import RequirementError
from ppm.engine.resolve.problem import RootRequirement
from ppm.engine.resolve.satisfied import LockedPin, lock_satisfies
from ppm.engine.resolve.solve import resolve


def pin(version: str, *dependencies: str, extras: tuple[str, ...] = ()) -> LockedPin:
    return LockedPin(version=version, extras=extras, dependencies=dependencies)


def against(locked: dict[str, LockedPin], *requirements: str) -> list[str]:
    roots = [RootRequirement(group="", requirement=text) for text in requirements]
    return lock_satisfies(roots, locked, LINUX)


def test_what_was_just_resolved_is_satisfied() -> None:
    universe = Universe().add("a", "1.0", ["b[y]>=1"], extras={"all": ["a[x]"], "x": ["c"]})
    universe.add("b", "1.0", extras={"y": ["c>=1"]}).add("c", "1.0", ["a"])
    asked = problem("a[all,unknown]", "win; sys_platform == 'win32'")
    locked = {
        package.name: LockedPin(
            version=package.version, extras=package.extras, dependencies=package.dependencies
        )
        for package in resolve(asked, universe).packages
    }
    assert lock_satisfies(asked.roots, locked, LINUX) == []


def test_an_empty_lock_answers_an_empty_project() -> None:
    assert against({}) == []


@pytest.mark.parametrize(
    ("locked", "requirement", "reason"),
    [
        ({}, "a", "your project needs a, which is not locked"),
        ({"a": pin("1.0")}, "a>=2", "your project needs a>=2, locked is 1.0"),
        ({"a": pin("1.0")}, "a[x]", "your project needs a[x], locked without x"),
        ({"a": pin("1.0", "b")}, "a", "a 1.0 needs b, which is not locked"),
        ({"a": pin("1.0", "b>1"), "b": pin("1.0")}, "a", "a 1.0 needs b>1, locked is 1.0"),
        ({"a": pin("1.0", "b[x]"), "b": pin("1.0")}, "a", "a 1.0 needs b[x], locked without x"),
        ({"a": pin("1.0"), "b": pin("2.0")}, "a", "nothing needs b 2.0"),
        ({"a": pin("1.0", extras=("x",))}, "a", "nothing needs the extras x of a"),
        ({"a": pin("1.0", "not a requirement")}, "a", "a 1.0 needs not a requirement"),
    ],
)
def test_why_a_lock_does_not_answer(
    locked: dict[str, LockedPin], requirement: str, reason: str
) -> None:
    (found,) = against(locked, requirement)
    assert found.startswith(reason)


def test_every_reason_is_told() -> None:
    locked = {"a": pin("1.0", "b"), "z": pin("1.0")}
    assert against(locked, "a>1", "c") == [
        "your project needs a>1, locked is 1.0",
        "your project needs c, which is not locked",
        "a 1.0 needs b, which is not locked",
        "nothing needs z 1.0",
    ]


def test_roots_for_other_targets_ask_for_nothing() -> None:
    assert against({}, "a; sys_platform == 'win32'") == []
    assert against({"a": pin("1.0")}, "a; sys_platform == 'win32'") == ["nothing needs a 1.0"]


def test_a_locked_pre_release_satisfies() -> None:
    assert against({"a": pin("2.0rc1")}, "a>=1") == []


def test_an_unreadable_root_is_an_error() -> None:
    with pytest.raises(RequirementError):
        against({}, "a >>= 1")


def test_neither_the_resolver_nor_the_full_parser_is_imported() -> None:
    code = (
        "import sys\n"
        "from ppm.engine.resolve.satisfied import LockedPin, lock_satisfies\n"
        "from ppm.engine.resolve.problem import RootRequirement\n"
        "from ppm.engine.target import Target\n"
        "target = Target(name='t', python_full_version='3.11', markers={}, tags=())\n"
        "pins = {'a': LockedPin(version='1', extras=(), dependencies=())}\n"
        "assert not lock_satisfies([RootRequirement(group='', requirement='a>=1')], pins, target)\n"
        "heavy = {'resolvelib', 'anyio', 'asyncio'}\n"
        "heavy |= {'packaging.requirements', 'packaging.markers'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
