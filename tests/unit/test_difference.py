"""What differs between two states."""

from __future__ import annotations

from ppm.engine.difference import Pin, package_differences, requirement_differences


def pins(**versions: str) -> dict[str, Pin]:
    return {name: Pin(version=version) for name, version in versions.items()}


def test_each_kind_of_change_has_its_name() -> None:
    before = pins(ash="1.0", birch="1.9", cedar="2.0", elm="1.0")
    after = pins(birch="1.10", cedar="1.0", elm="1.0", fir="3.0")
    found = package_differences(before, after)
    assert [(one.name, one.from_, one.to, one.action) for one in found] == [
        ("ash", "1.0", "", "removed"),
        ("birch", "1.9", "1.10", "upgraded"),
        ("cedar", "2.0", "1.0", "downgraded"),
        ("fir", "", "3.0", "added"),
    ]


def test_the_same_version_from_other_files_is_told() -> None:
    def pin(*digests: str) -> dict[str, Pin]:
        return {"ash": Pin(version="1.0", digests=frozenset(digests))}

    assert package_differences(pin("a", "b"), pin("b", "c")) == ()
    assert package_differences(pin("a"), pin()) == ()
    assert [one.action for one in package_differences(pin("a"), pin("b"))] == ["replaced"]


def test_requirements_are_compared_by_group_and_name() -> None:
    before = {"": {"ash<2": "ash", "elm": "elm"}, "dev": {"fir": "fir"}}
    after = {"": {"ash": "ash"}, "dev": {"fir": "fir"}, "docs": {"elm": "elm"}}
    found = requirement_differences(before, after)
    assert [(one.group, one.name, one.from_, one.to) for one in found] == [
        ("", "ash", ("ash<2",), ("ash",)),
        ("", "elm", ("elm",), ()),
        ("docs", "elm", (), ("elm",)),
    ]
