from __future__ import annotations

import pytest

from ppm.engine.errors import ArtifactError
from ppm.engine.store.entry_points import read_entry_points
from ppm.engine.store.model import EntryPoint


def test_console_and_gui_scripts_in_the_order_of_the_file() -> None:
    text = b"""\xef\xbb\xbf# made by hand
[console_scripts]
tool = pkg.cli:main
tool-3.11 = pkg.cli:main.run [fast, slow]

[gui_scripts]\r
Window = pkg:Window.show
; another comment
[pkg.plugins]
anything goes here
key: value
"""
    assert read_entry_points(text) == (
        EntryPoint("console", "tool", "pkg.cli", "main"),
        EntryPoint("console", "tool-3.11", "pkg.cli", "main.run"),
        EntryPoint("gui", "Window", "pkg", "Window.show"),
    )


def test_no_file_no_launchers() -> None:
    assert read_entry_points(b"") == ()


def test_names_and_modules_beyond_ascii() -> None:
    (point,) = read_entry_points("[console_scripts]\ncafé = caffè.più:è\n".encode())
    assert point == EntryPoint("console", "café", "caffè.più", "è")


@pytest.mark.parametrize(
    "line",
    [
        "run",
        "run =",
        "run = pkg",
        "run = pkg:",
        "run = :main",
        "run = pkg:main:more",
        "run: pkg:main",
        "run = pkg:main [fast",
        "run = pkg:main # comment",
        "run = pkg.1:main",
        "run = pkg:class",
        "run = pkg:main.",
        "r/un = pkg:main",
        "r\\un = pkg:main",
        "r$(id) = pkg:main",
        "run = pkg-x:main",
    ],
)
def test_anything_else_is_refused(line: str) -> None:
    with pytest.raises(ArtifactError) as caught:
        read_entry_points(f"[console_scripts]\n{line}\n".encode())
    assert caught.value.code == "ENTRY_POINTS"
