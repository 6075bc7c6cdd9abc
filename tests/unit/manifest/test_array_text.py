from __future__ import annotations

import tomllib

import pytest

from ppm.engine.manifest.array_text import ArrayText, quoted


def become(source: str, *after: object) -> str:
    before = tomllib.loads(f"a = {source}")["a"]
    array = ArrayText(source)
    assert str(array) == source
    array.become(before, after)
    assert tomllib.loads(f"a = {array}")["a"] == list(after)
    return str(array)


def test_lines_stay_lines_and_one_line_stays_one() -> None:
    assert become('["x", "y"]', "x", "y", "z") == '["x", "y", "z"]'
    assert become('[ "x" ]', "x", "y") == '[ "x", "y" ]'
    assert become('[\n\t"x",\n]', "x", "y") == '[\n\t"x",\n\t"y",\n]'
    assert become('[\n\t"x"\n]', "x", "y") == '[\n\t"x",\n\t"y"\n]'
    assert become("[]", "x") == '[\n    "x",\n]'


def test_a_missing_comma_before_a_comment_is_put_where_it_belongs() -> None:
    source = '[\n  "x" # why x\n  # at the end\n]'
    assert become(source, "x", "y") == '[\n  "x", # why x\n  "y"\n  # at the end\n]'


def test_comments_above_a_gone_item_stay_and_the_one_beside_it_goes() -> None:
    source = '[ # head\n  # above x\n  "x", # beside x\n  # above y\n  "y", # beside y\n]'
    assert become(source, "y") == '[ # head\n  # above x\n  # above y\n  "y", # beside y\n]'
    assert become(source, "x") == '[ # head\n  # above x\n  "x", # beside x\n  # above y\n]'
    assert become(source) == "[ # head\n  # above x\n  # above y\n]"


def test_values_of_any_form_are_found() -> None:
    source = (
        """['''a' # "no comment\"''', \"\"\"b\\\"\"", \"\"\"\", {c = [1, "}"]}, """
        """[\n  # deep ]\n  "d"\n], 'e,']"""
    )
    items = tomllib.loads(f"a = {source}")["a"]
    assert become(source, *items, "new") == source[:-1] + ', "new"]'
    assert become(source, *items[:2], *items[3:]) == source.replace(' {c = [1, "}"]},', "")


def test_text_is_quoted_so_that_markers_stay_readable() -> None:
    assert quoted("a>=1") == '"a>=1"'
    assert quoted('a; os_name == "nt"') == "'a; os_name == \"nt\"'"
    assert quoted("a; os_name == 'n\"t'") == '"a; os_name == \'n\\"t\'"'
    assert tomllib.loads(f"a = {quoted(chr(127) + chr(9) + chr(34))}") == {"a": '\x7f\t"'}


@pytest.mark.parametrize("source", ["", "{}", '["a" "b"]', '["a"] # x ]'])
def test_what_is_no_array_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        ArrayText(source)


def test_items_that_are_not_there_are_refused() -> None:
    with pytest.raises(ValueError, match="not the items"):
        ArrayText('["a"]').become(["a", "b"], ["a"])
