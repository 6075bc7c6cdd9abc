from __future__ import annotations

import pytest

from ppm.engine.errors import RequirementError
from ppm.engine.manifest.script import (
    ScriptMetadata,
    has_broken_block,
    read_script_metadata,
    script_text,
)

BLOCK = """\
# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "requests<3",
#
#   "rich",
# ]
# [tool.ppm]
# default_gpu = "cpu"
# ///
"""


def read(source: str | bytes) -> ScriptMetadata | None:
    data = source.encode() if isinstance(source, str) else source
    return read_script_metadata(script_text(data, "s.py"), "s.py")


def test_a_script_block_is_read() -> None:
    metadata = read(f"#!/usr/bin/env python\n{BLOCK}import requests\n")
    assert metadata is not None
    assert metadata.dependencies == ("requests<3", "rich")
    assert metadata.requires_python == ">=3.11"
    assert metadata.settings.default_gpu == "cpu"


@pytest.mark.parametrize(
    "data",
    [
        BLOCK.replace("\n", "\r\n").encode(),
        BLOCK.replace("\n", "\r").encode(),
        b"\xef\xbb\xbf" + BLOCK.encode(),
        BLOCK.rstrip("\n").encode(),
        f'"""\n{BLOCK}"""\n'.encode(),
    ],
)
def test_line_ends_marks_and_missing_newlines_do_not_hide_a_block(data: bytes) -> None:
    metadata = read(data)
    assert metadata is not None
    assert metadata.dependencies == ("requests<3", "rich")


@pytest.mark.parametrize(
    "source",
    [
        "import requests\n",
        BLOCK.replace("# ///\n", ""),
        BLOCK.replace('#   "rich"', '#"rich"'),
        "# /// script\n# ///\n",
        BLOCK.replace("/// script", "/// other-type"),
    ],
)
def test_what_the_specification_ignores_is_ignored(source: str) -> None:
    assert read(source) is None


def test_a_block_that_is_not_well_formed_can_be_told() -> None:
    assert has_broken_block(BLOCK.replace('#   "rich"', '#"rich"'))
    assert not has_broken_block("import requests\n")
    assert not has_broken_block(BLOCK.replace("/// script", "/// other-type"))


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (f"{BLOCK}\n{BLOCK}", "has 2 'script' blocks"),
        (f"{BLOCK}{BLOCK}", "not TOML"),
        ("# /// script\n# dependencies = [\n# ///\n", "not TOML"),
        ('# /// script\n# dependencies = "requests"\n# ///\n', "dependencies: must be an array"),
        ("# /// script\n# dependencies = [1]\n# ///\n", r"dependencies\[0\]: must be text"),
        ("# /// script\n# dependencies = ['>1']\n# ///\n", "does not begin with the name"),
        ("# /// script\n# requires-python = '^3'\n# ///\n", "not a version specifier"),
        ("# /// script\n# requires = []\n# ///\n", "requires: means nothing"),
    ],
)
def test_bad_blocks_are_refused(source: str, words: str) -> None:
    with pytest.raises(RequirementError, match=words) as caught:
        read(source)
    assert caught.value.code == "INVALID_SCRIPT"


def test_a_script_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(RequirementError, match="not UTF-8 at byte 1"):
        script_text(b"#\xff\n", "s.py")
