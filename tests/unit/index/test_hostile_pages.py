"""Pages made to cost time or memory. The bounds are wide: what is shown is that time is linear."""

from __future__ import annotations

import contextlib
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppm.engine.errors import IndexFailure
from ppm.engine.index import json_page
from ppm.engine.index.html_page import start_tags
from ppm.engine.index.simple_api import parse_page

_SIZE = 4_000_000
_SECONDS = 20.0


def parse(body: bytes, content_type: str = "text/html") -> None:
    parse_page(
        body,
        content_type=content_type,
        name="x",
        index="https://i.example/",
        url="https://i.example/x/",
    )


@pytest.mark.parametrize(
    "unit",
    [
        "<div>",
        "<a ",
        "<!--",
        "<!-- -->",
        "<a href='",
        '<a b="',
        "<a b='\"",
        "<script>",
        "<a =",
        "<a  =  ",
        "<a x<!--",
        "<p><b><i>",
        "<title></title>",
        "&amp;",
        "<",
        '<a href="x"><script></script>',
        "=\n'",
    ],
)
def test_repetition_costs_linear_time(unit: str) -> None:
    body = (unit * (_SIZE // len(unit))).encode()
    start = time.perf_counter()
    with contextlib.suppress(IndexFailure):
        parse(body)
    assert time.perf_counter() - start < _SECONDS


def test_tag_of_megabytes_is_looked_over() -> None:
    start = time.perf_counter()
    parse(b"<a " + b"x=1 " * 1_000_000 + b' href="x-1.0-py3-none-any.whl">')
    assert time.perf_counter() - start < _SECONDS


def test_more_files_than_any_project_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ppm.engine.index.html_page.MAX_FILES", 10)
    monkeypatch.setattr(json_page, "_MAX_COMMAS", 10)
    with pytest.raises(IndexFailure, match="more than"):
        parse(b'<a href="x-1.0-py3-none-any.whl">' * 11)
    with pytest.raises(IndexFailure, match="more than"):
        parse(b'{"files":[' + b"0," * 11 + b"0]}", "application/vnd.pypi.simple.v1+json")


def test_deep_json_in_an_unknown_key_is_refused() -> None:
    body = b'{"_x":' + b"[" * 100_000 + b"]" * 100_000 + b',"meta":{},"name":"x","files":[]}'
    with pytest.raises(IndexFailure):
        parse(body, "application/vnd.pypi.simple.v1+json")


class Reference(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        first: dict[str, str] = {}
        for name, value in attrs:
            first.setdefault(name, value or "")
        self.found.append((tag, first))


_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="<>&\r\0"), max_size=8)
_NAME = st.sampled_from(["href", "data-yanked", "data-requires-python", "CLASS", "x"])
_VALUE = st.text(st.sampled_from(" ab>=<'/&;#1.é"), max_size=8)


@st.composite
def _tags(draw: st.DrawFn) -> str:
    attributes = draw(st.lists(st.tuples(_NAME, st.none() | _VALUE), max_size=4))
    written = [
        name if value is None else f'{name}="{value.replace("&", "&amp;")}"'
        for name, value in attributes
    ]
    kind = draw(st.sampled_from(["a", "A", "base", "meta", "abbr", "p"]))
    return f"<{kind} {' '.join(written)}>"


@given(st.lists(_tags() | _TEXT | st.sampled_from(["</a>", "<!-- <a href=x> -->", "<br/>"])))
def test_well_formed_tags_are_found_as_a_full_parser_finds_them(parts: list[str]) -> None:
    source = "".join(parts)
    reference = Reference()
    reference.feed(source)
    reference.close()
    expected = [pair for pair in reference.found if pair[0] in {"a", "base", "meta"}]
    assert list(start_tags(source)) == expected
