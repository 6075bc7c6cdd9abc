from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from ppm.engine.errors import ProjectError, RequirementError
from ppm.engine.manifest.edit import add_requirements, remove_requirements, render_new_manifest
from ppm.engine.manifest.read import parse_manifest

PROJECT = """\
# top
[project]
name = "tin-can"  # the name
version = "1"
dependencies = [
  # web
  "Flask_Login>=1",  # why this
  "b" # why b
]

[project.scripts]
run = "tin_can:main"

[tool.other]
z = 1
"""


def add(text: str, *requirements: str, group: str = "", file_name: str = "pyproject.toml") -> str:
    return add_requirements(
        text.encode(),
        file_name=file_name,
        project="tin-can",
        group=group,
        requirements=requirements,
    ).decode()


def remove(text: str, *names: str, group: str = "", file_name: str = "pyproject.toml") -> str:
    return remove_requirements(
        text.encode(), file_name=file_name, group=group, names=names
    ).decode()


def test_a_new_requirement_goes_to_the_end_and_everything_else_stays() -> None:
    assert add(PROJECT, "new>=1") == PROJECT.replace(
        '  "b" # why b\n', '  "b", # why b\n  "new>=1"\n'
    )


def test_a_requirement_of_the_same_name_is_replaced_in_its_place_with_its_comment() -> None:
    given = "flask.login[x]==2; os_name == 'nt'"
    assert add(PROJECT, given) == PROJECT.replace('"Flask_Login>=1",', f'"{given}",')


def test_several_of_one_name_given_together_replace_all_that_was_said_of_it() -> None:
    text = add(PROJECT, "b<2; os_name == 'nt'", "b>=2; os_name != 'nt'", "c")
    assert tomllib.loads(text)["project"]["dependencies"] == [
        "Flask_Login>=1",
        "b<2; os_name == 'nt'",
        "b>=2; os_name != 'nt'",
        "c",
    ]
    assert tomllib.loads(add(text, "b"))["project"]["dependencies"] == ["Flask_Login>=1", "b", "c"]


def test_adding_what_is_there_and_removing_what_is_not_change_no_byte() -> None:
    assert add(PROJECT, "b") == PROJECT
    assert remove(PROJECT, "nothing") == PROJECT
    assert remove(PROJECT, "b", group="dev") == PROJECT


def test_removing_takes_the_requirement_and_its_own_comment_only() -> None:
    assert remove(PROJECT, "flask-LOGIN") == PROJECT.replace(
        '  "Flask_Login>=1",  # why this\n', ""
    )


@pytest.mark.parametrize("group", ["", "dev", "extra:web"])
@pytest.mark.parametrize("file_name", ["pyproject.toml", "pypm.toml"])
@pytest.mark.parametrize("before", ["", "# only a comment\n", "[tool.other]\na = 1\n"])
def test_missing_tables_are_made(group: str, file_name: str, before: str) -> None:
    text = add(before, "a>=1", "b", group=group, file_name=file_name)
    assert text.startswith(before)
    manifest = parse_manifest(text.encode(), file_name=file_name, directory=Path("/folder"))
    assert [(one.group, one.requirement) for one in manifest.requirements] == [
        (group, "a>=1"),
        (group, "b"),
    ]
    assert manifest.warnings == ()


def test_a_new_extra_stands_apart_from_the_table_after_it() -> None:
    text = add(PROJECT, "flask", group="extra:web")
    assert '[project.optional-dependencies]\nweb = [\n    "flask",\n]\n\n[tool.other]' in text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[dependency-groups]\nDev_Tools = ['a']\n", "Dev_Tools = ['a', \"b\"]\n"),
        ("dependency-groups = {dev-tools = ['a']}\n", "['a', \"b\"]"),
        ("dependency-groups.dev-tools = []\n", 'dependency-groups.dev-tools = [\n    "b",\n]\n'),
        (
            "[dependency-groups]\ndev-tools = [\n\t{include-group = 'x'},\n]\nx = []\n",
            "[\n\t{include-group = 'x'},\n\t\"b\",\n]\nx = []\n",
        ),
    ],
)
def test_a_group_is_found_however_it_is_written(before: str, after: str) -> None:
    assert after in add(before, "b", group="dev-tools")


def test_tables_in_any_order_are_edited() -> None:
    text = "[project.urls]\nx = 'y'\n[tool.z]\na = 1\n[project]\nname = 'q'\nversion = '1'\n"
    edited = add(text, "a")
    assert tomllib.loads(edited)["project"]["dependencies"] == ["a"]
    assert tomllib.loads(edited)["project"]["urls"] == {"x": "y"}


def test_windows_line_ends_stay() -> None:
    text = PROJECT.replace("\n", "\r\n")
    edited = add(text, "new")
    assert edited.count("\n") == edited.count("\r\n")
    assert edited.replace("\r\n", "\n") == add(PROJECT, "new")
    assert remove(edited, "new").count("\n") == text.count("\n")


def test_an_emptied_array_is_closed_and_its_comments_are_kept() -> None:
    assert (
        remove("[project]\ndependencies = [\n  'a',\n]\n", "a") == "[project]\ndependencies = []\n"
    )
    kept = remove("[project]\ndependencies = [\n  # why\n  'a',\n]\n", "a")
    assert "# why" in kept
    assert tomllib.loads(kept) == {"project": {"dependencies": []}}


def test_a_requirement_that_does_not_parse_is_refused() -> None:
    with pytest.raises(RequirementError) as caught:
        add(PROJECT, "c>>1 @ https://user:hunter2@index.example/x")
    assert caught.value.code == "INVALID_REQUIREMENT"
    assert "hunter2" not in caught.value.message


def test_dynamic_dependencies_are_left_to_the_build_back_end() -> None:
    text = "[project]\nname = 'a'\nversion = '1'\ndynamic = ['dependencies']\n"
    with pytest.raises(ProjectError) as caught:
        add(text, "b")
    assert caught.value.code == "MANIFEST_DYNAMIC"
    assert "b" in add(text, "b", group="dev")


def test_what_cannot_be_edited_safely_is_left_alone() -> None:
    with pytest.raises(ProjectError) as caught:
        add("[project]\nname = 'a'\ndependencies = 'b'\n", "c")
    assert caught.value.code == "MANIFEST_EDIT"


def test_a_new_manifest_is_valid_and_takes_requirements() -> None:
    text = render_new_manifest("tin-can").decode()
    manifest = parse_manifest(text.encode(), file_name="pypm.toml", directory=Path("/other"))
    assert (manifest.name, manifest.requirements, manifest.warnings) == ("tin-can", (), ())
    edited = add(add(text, "a", file_name="pypm.toml"), "b", group="dev", file_name="pypm.toml")
    for line in text.splitlines():
        if line.startswith("#"):
            assert line in edited.splitlines()
    found = parse_manifest(edited.encode(), file_name="pypm.toml", directory=Path("/other"))
    assert [(one.group, one.name) for one in found.requirements] == [("", "a"), ("dev", "b")]
