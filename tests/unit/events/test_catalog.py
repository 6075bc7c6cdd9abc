"""Golden lines: one for each event version, kept for ever. A line here is never edited."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppm.events.catalog import EVENTS
from ppm.events.chain import line_digest, link
from ppm.events.codec import Codec, CodecError, UnknownEventError
from ppm.events.envelope import Head

GOLDEN = Path(__file__).with_name("golden.jsonl")


def golden_lines() -> list[bytes]:
    return GOLDEN.read_bytes().splitlines()


def test_every_event_has_a_golden_line() -> None:
    codec = Codec()
    assert {codec.decode(line)[0].type for line in golden_lines()} == set(EVENTS)


def test_golden_lines_form_one_chain_with_the_recorded_head() -> None:
    head, codec = Head(), Codec()
    for line in golden_lines():
        record = link(head, line, codec)
        head = Head(record.seq, record.digest, record.end)
    assert head.seq == len(EVENTS)
    assert head.digest == line_digest(golden_lines()[-1])
    assert head.digest == GOLDEN.with_name("golden.head").read_text().strip()


@pytest.mark.parametrize("word", sorted(EVENTS))
def test_type_words_are_subject_dot_participle_slash_version(word: str) -> None:
    name, _, version = word.partition("/")
    subject, _, fact = name.partition(".")
    assert subject.isalpha()
    assert fact.replace("-", "").isalpha()
    assert version.isdigit()


def test_events_are_frozen() -> None:
    for event in EVENTS.values():
        assert event.__struct_config__.frozen
        assert event.__struct_config__.forbid_unknown_fields


def test_an_unknown_type_is_not_skipped() -> None:
    line = golden_lines()[0].replace(b"project.initialized/1", b"project.initialized/2")
    with pytest.raises(UnknownEventError):
        Codec().decode(line)


def test_data_of_the_wrong_shape_is_refused() -> None:
    line = golden_lines()[0].replace(b'"name":', b'"nom":')
    with pytest.raises(CodecError):
        Codec().decode(line)
