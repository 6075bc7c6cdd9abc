from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pip._internal.req import req_file

from ppm.engine.manifest.requirements_lines import decode, logical_lines

PIECES = ["a", "b==1", " ", "\t", "#", " # c", "\\", "\\\n", "\n", "\r\n", "\x0c", "\u2028"]
TEXT = st.lists(st.sampled_from([*PIECES, "${SET}", "${EMPTY}", "${set}"]), max_size=14).map(
    "".join
)


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SET", "value")
    monkeypatch.setenv("EMPTY", "")


@pytest.mark.usefixtures("variables")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXT)
def test_logical_lines_are_those_of_pip(text: str) -> None:
    ours = [(line.number, line.text) for line in logical_lines(text, os.environ)]
    assert ours == list(req_file.preprocess(text))


@given(TEXT, st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]))
def test_text_is_decoded_as_pip_decodes_it(text: str, encoding: str) -> None:
    data = text.encode(encoding)
    assert decode(data) == req_file._decode_req_file(data, "requirements.txt")
