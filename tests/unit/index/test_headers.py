"""The reader of METADATA headers against the standard library's e-mail parser."""

from __future__ import annotations

from email.parser import BytesParser
from email.policy import compat32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppm.engine.index.headers import read_headers

NAMES = st.sampled_from(["Name", "Requires-Dist", "provides-extra", "X-Y"])
WORDS = st.text("abc>=1;[]. :'\"é", max_size=20).map(str.strip)
LINES = st.tuples(NAMES, WORDS, st.lists(WORDS.filter(bool), max_size=2))


@given(st.lists(LINES, max_size=8), st.sampled_from(["\n", "\r\n"]), st.text(max_size=20))
def test_it_reads_what_the_email_parser_reads(
    lines: list[tuple[str, str, list[str]]], newline: str, body: str
) -> None:
    block = "".join(
        f"{name}: {value}{newline}" + "".join(f"    {more}{newline}" for more in folded)
        for name, value, folded in lines
    )
    data = (block + newline + body).encode()
    message = BytesParser(policy=compat32).parsebytes(data)
    expected: dict[str, list[str]] = {}
    for name, raw in message.raw_items():
        text = str(raw).encode("ascii", "surrogateescape").decode()
        words = [part.strip() for part in text.replace("\r\n", "\n").split("\n")]
        expected.setdefault(name.lower(), []).append("\n".join(words))
    assert read_headers(data) == expected


def test_reading_ends_at_the_empty_line() -> None:
    assert read_headers(b"Name: a\n\nVersion: 1\n") == {"name": ["a"]}


def test_headers_that_are_not_utf8_are_refused_and_bodies_are_not_looked_at() -> None:
    with pytest.raises(UnicodeDecodeError):
        read_headers(b"Name: \xff\n")
    assert read_headers(b"Name: a\n\n\xff") == {"name": ["a"]}
