"""Requirement texts and markers: what is read, what is refused."""

from __future__ import annotations

import msgspec
import pytest
from packaging.requirements import Requirement
from support.universe import LINUX

from ppm.engine.errors import RequirementError
from ppm.engine.resolve.environment import TargetMarkers
from ppm.engine.resolve.requirement import (
    needs_of,
    parse_asked,
    parse_requirement,
    source_of,
    split_marker,
)

TEXTS = (
    "flask",
    "Flask >= 2.0 , < 3",
    "zope.interface[Test_Extra, docs]~=5.4",
    "requests (>=2.1)",
    "a===1.0-weird",
    "pkg==1.*,!=1.5",
    "trailing>=1,",
)


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_means_what_packaging_says_it_means(text: str) -> None:
    parsed = parse_requirement(text)
    assert Requirement(parsed.text) == Requirement(text)


def test_names_and_extras_are_normalised() -> None:
    parsed = parse_requirement("Zope.Interface[Test_Extra,b,a]>=1")
    assert parsed.text == "zope-interface[a,b,test-extra]>=1"


@pytest.mark.parametrize("text", ["", "-x", "a>=1 b", "a[", "a >=", "a=>1", "a^1", "a>=1.*"])
def test_what_is_no_requirement_is_refused(text: str) -> None:
    with pytest.raises(RequirementError) as caught:
        parse_asked(text, origin="your project")
    assert caught.value.code == "INVALID_REQUIREMENT"
    assert caught.value.message.startswith("your project: ")


@pytest.mark.parametrize(
    ("text", "source"),
    [
        (
            "pkg @ https://user:secret@host.example/pkg-1.0-py3-none-any.whl",
            "https://host.example/pkg-1.0-py3-none-any.whl",
        ),
        (
            "pkg @ git+https://host.example/pkg@main ; python_version >= '3'",
            "git+https://host.example/pkg@main",
        ),
        ("pkg@file:///srv/pkg", "file:///srv/pkg"),
        ("pkg>=1", ""),
    ],
)
def test_direct_references_have_one_spelling_without_credentials(text: str, source: str) -> None:
    parsed, _ = parse_asked(text, origin="your project")
    assert source_of(parsed) == source
    assert "secret" not in parsed.text


def test_a_semicolon_inside_a_url_is_no_marker() -> None:
    head, marker = split_marker("pkg @ https://host.example/a;b/pkg.whl ; os_name == 'posix'")
    assert head == "pkg@ https://host.example/a;b/pkg.whl".replace("pkg@", "pkg @")
    assert marker == 'os_name == "posix"'


def test_a_requirement_with_extras_needs_the_project_and_each_extra() -> None:
    needs = needs_of(parse_requirement("a[x,y]>=2"))
    assert [need.identifier for need in needs] == ["a", "a[x]", "a[y]"]
    assert all(need.accepts("2.0") and not need.accepts("1.9") for need in needs)


@pytest.mark.parametrize(
    ("marker", "extra", "holds"),
    [
        ("", "", True),
        ("python_version >= '3.11'", "", True),
        ("python_version < '3.11'", "", False),
        ("sys_platform == 'win32'", "", False),
        ("extra == 'dev'", "", False),
        ("extra == 'dev'", "dev", True),
        ("extra == 'Dev_Tools'", "dev-tools", True),
        ("extra == 'dev' and python_version < '3'", "dev", False),
        ("extra == 'dev' or python_version > '3'", "", True),
        ("(os_name == 'nt' or os_name == 'posix') and extra == 'dev'", "dev", True),
        ("(os_name == 'nt' or os_name == 'posix') and extra == 'dev'", "web", False),
        ("'dev' == extra", "dev", True),
    ],
)
def test_markers_are_evaluated_on_the_target(marker: str, extra: str, holds: bool) -> None:
    assert TargetMarkers(LINUX).holds(marker, extra) is holds


def test_markers_speak_of_the_target_not_of_this_machine() -> None:
    windows = msgspec.structs.replace(LINUX, markers={**LINUX.markers, "sys_platform": "win32"})
    assert TargetMarkers(windows).holds("sys_platform == 'win32'")


@pytest.mark.parametrize("marker", ["nonsense == 'x'", "python_version", "os_name ~= 'posix'"])
def test_a_marker_that_cannot_be_evaluated_is_an_error(marker: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        TargetMarkers(LINUX).holds(marker)


def test_an_extra_adds_only_what_it_adds() -> None:
    texts = ("base", "always; python_version > '3'", "more; extra == 'x'", "other; extra == 'y'")
    markers = TargetMarkers(LINUX)
    assert [parsed.name for parsed in markers.applying(texts)] == ["base", "always"]
    assert [parsed.name for parsed in markers.applying(texts, "x")] == ["more"]
