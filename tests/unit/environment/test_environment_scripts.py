from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ppm.engine.environment.scripts import (
    is_for_python,
    launcher,
    refuse_shadows,
    rewritten,
    shebang,
)
from ppm.engine.errors import EnvironmentFailure
from ppm.engine.store.model import EntryPoint

AWKWARD = [
    "with space",
    "tab\there",
    "d" * 130,
    'quo\'te and "double"',
    "back\\slash \\x41 \\N",
    "$HOME `id` $(id)",
    "''' triple",
    "new\nline",
    "näme ✓",
]


@pytest.mark.parametrize("folder", ["plain", *AWKWARD])
def test_a_launcher_starts_its_interpreter_wherever_it_lies(
    tmp_path: Path, run: Callable[..., str], folder: str
) -> None:
    python = tmp_path / folder / "python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    script = tmp_path / "script"
    entry = EntryPoint("console", "script", "platform", "python_version.__call__")
    text = launcher(entry, str(python)).replace(b"sys.exit(", b"print(*sys.argv[1:], ")
    script.write_bytes(text)
    script.chmod(0o755)
    assert run(script, "one", "two three") == f"one two three {sys.version.split()[0]}\n"


def test_a_plain_path_stands_in_the_first_line() -> None:
    assert shebang("/p/.venv/bin/python") == b"#!/p/.venv/bin/python\n"


def test_the_first_line_has_at_most_127_bytes_with_its_newline() -> None:
    longest = "/" + "p" * 123
    assert shebang(longest) == f"#!{longest}\n".encode()
    assert len(shebang(longest)) == 127
    assert shebang(longest + "p").startswith(b"#!/bin/sh\n")
    assert shebang("/" + "é" * 62).startswith(b"#!/bin/sh\n")


def test_spaces_take_the_form_for_the_shell() -> None:
    assert shebang("/a b/python") == b"#!/bin/sh\n'''exec' '/a b/python' \"$0\" \"$@\"\n' '''\n"


@pytest.mark.parametrize(
    ("head", "wanted"),
    [
        (b"#!python\nx", True),
        (b"#!pythonw\r\nx", True),
        (b"#!python\r\nx", True),
        (b"#!python", True),
        (b"#!python3 -O\nx", False),
        (b"#!pythonfoo\nx", False),
        (b"#!python -u\nx", False),
        (b"#!/usr/bin/env python\n", False),
        (b"\x7fELF\x02\x01\x01", False),
        (b"", False),
    ],
)
def test_exactly_the_marked_first_lines_are_rewritten(head: bytes, wanted: bool) -> None:
    assert is_for_python(head) is wanted


def test_a_rewritten_script_keeps_the_rest() -> None:
    assert rewritten(b"#!python\r\nprint(1)\n", "/e/python") == b"#!/e/python\nprint(1)\n"
    assert rewritten(b"#!python", "/e/python") == b"#!/e/python\n"


@pytest.mark.parametrize(
    "entry",
    [
        EntryPoint("console", "tool", "os; import sys", "main"),
        EntryPoint("console", "tool", "os", "main()"),
        EntryPoint("console", "tool", "os", ""),
        EntryPoint("console", "tool", "os", "a..b"),
        EntryPoint("console", "../tool", "os", "main"),
        EntryPoint("console", "a\\b", "os", "main"),
        EntryPoint("console", "", "os", "main"),
        EntryPoint("console", " tool", "os", "main"),
        EntryPoint("console", "..", "os", "main"),
    ],
)
def test_an_entry_point_that_is_more_than_names_is_refused(entry: EntryPoint) -> None:
    with pytest.raises(EnvironmentFailure) as caught:
        launcher(entry, "/e/python")
    assert caught.value.code == "INVALID_ENTRY_POINT"


@pytest.mark.parametrize(
    "name",
    ["python", "python3", "python3.12", "python3.13t", "Python", "pythonw", "pypy3", "ppm", "pypm"],
)
def test_scripts_may_not_stand_in_for_the_interpreter_or_ppm(name: str) -> None:
    with pytest.raises(EnvironmentFailure, match="squatter") as caught:
        refuse_shadows([name], "squatter")
    assert caught.value.code == "SCRIPT_SHADOWS"


def test_other_programs_may_be_brought_along() -> None:
    refuse_shadows(["pip", "pip3.11", "ipython", "python-argcomplete", "bpython3", "py"], "x")
