from __future__ import annotations

import pytest

from ppm.engine.errors import ArtifactError
from ppm.engine.store.paths import check_paths, judge

DECENT = [
    "a",
    "m/b.py",
    ".hidden/x",
    "..x/y..z",
    "console/auxiliary.py",
    "com10.txt",
    "lpt.txt",
    "nulled",
    "a b/c d.txt",
    "\u00fcber/\u6f22.py",
    "a-1.0.dist-info/METADATA",
    "x" * 255,
]


def code_of(files: list[str], directories: list[str] | None = None) -> str:
    with pytest.raises(ArtifactError) as caught:
        check_paths(files, directories or [])
    return caught.value.code


def test_decent_names_pass_together_and_alone() -> None:
    check_paths(DECENT)
    for name in DECENT:
        check_paths([name])
        check_paths([], [name])
        judge(name)


def test_no_names_are_fine() -> None:
    check_paths([])


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "PATH_EMPTY"),
        ("/", "PATH_ABSOLUTE"),
        ("a/", "PATH_EMPTY"),
        ("a//b", "PATH_EMPTY"),
        ("a/../b", "PATH_PARENT"),
        (".", "PATH_DOT"),
        ("a/./b", "PATH_DOT"),
        ("a\\b", "PATH_BACKSLASH"),
        ("c:", "PATH_DRIVE"),
        ("a\nb", "PATH_CONTROL"),
        ("a\0b", "PATH_NUL"),
        ("a.", "PATH_TRAILING"),
        ("a /b", "PATH_TRAILING"),
        ("CON", "PATH_RESERVED"),
        ("a/Nul.tar.gz", "PATH_RESERVED"),
        ("conIN$/x", "PATH_RESERVED"),
        ("com\u00b2", "PATH_RESERVED"),
        ("y" * 256, "PATH_LONG"),
    ],
)
def test_a_bad_name_is_found_among_decent_ones(name: str, code: str) -> None:
    assert code_of([*DECENT, name]) == code
    assert code_of([name, *DECENT]) == code
    assert code_of([*DECENT[:9], *DECENT[10:11], name]) == code
    assert code_of(["a/b.py"], [name]) == code


@pytest.mark.parametrize(
    ("files", "directories", "code"),
    [
        (["README", "readme"], [], "PATH_COLLISION"),
        (["A/x", "a/y"], [], "PATH_COLLISION"),
        (["x/A/1", "x/a/2"], [], "PATH_COLLISION"),
        (["a/x"], ["A"], "PATH_COLLISION"),
        (["stra\u00dfe", "STRASSE"], [], "PATH_COLLISION"),
        (["\u00e9", "e\u0301"], [], "PATH_COLLISION"),
        (["\u212b", "\u00e5"], [], "PATH_COLLISION"),
        (["a", "a/b"], [], "PATH_FILE_DIRECTORY"),
        (["a/b/c", "A/B"], [], "PATH_FILE_DIRECTORY"),
        (["a"], ["a"], "PATH_FILE_DIRECTORY"),
        (["a"], ["a/b"], "PATH_FILE_DIRECTORY"),
    ],
)
def test_names_that_fall_together(files: list[str], directories: list[str], code: str) -> None:
    assert code_of(files, directories) == code
    assert code_of(files[::-1], directories) == code


def test_a_folder_may_be_named_and_implied() -> None:
    check_paths(["a/b/c", "a/d"], ["a", "a/b", "e"])


def test_the_message_shows_no_raw_control_characters() -> None:
    with pytest.raises(ArtifactError) as caught:
        check_paths(["a\x1b[2J\u202e"])
    assert caught.value.message.isprintable()
    assert caught.value.message.isascii()
