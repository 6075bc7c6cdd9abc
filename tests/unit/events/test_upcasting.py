"""An event whose shape changed: the old line is read as the new event, and stays as it is."""

from __future__ import annotations

from typing import ClassVar, cast

import pytest

from ppm.events.base import Event
from ppm.events.catalog import EVENTS
from ppm.events.codec import Codec, CodecError


class ParcelSent1(Event, frozen=True, kw_only=True):
    type: ClassVar[str] = "parcel.sent/1"
    weight_kg: int


class ParcelSent2(Event, frozen=True, kw_only=True):
    type: ClassVar[str] = "parcel.sent/2"
    weight_g: int


class ParcelSent(Event, frozen=True, kw_only=True):
    type: ClassVar[str] = "parcel.sent/3"
    weight_g: int
    carrier: str


CODEC = Codec(
    {**EVENTS, ParcelSent.type: ParcelSent},
    {
        ParcelSent1.type: (
            ParcelSent1,
            lambda old: ParcelSent2(weight_g=cast("ParcelSent1", old).weight_kg * 1000),
        ),
        ParcelSent2.type: (
            ParcelSent2,
            lambda old: ParcelSent(weight_g=cast("ParcelSent2", old).weight_g, carrier=""),
        ),
    },
)


def line(word: str, data: str) -> bytes:
    head = '{"seq":1,"id":"i","time":"t","type":"' + word + '","run":"r","actor":"a","prev":"p",'
    return (head + '"data":' + data + "}").encode()


def test_an_old_shape_is_read_through_every_step() -> None:
    _, event = CODEC.decode(line("parcel.sent/1", '{"weight_kg":3}'))
    assert event == ParcelSent(weight_g=3000, carrier="")


def test_the_envelope_keeps_the_type_that_was_written() -> None:
    envelope, _ = CODEC.decode(line("parcel.sent/1", '{"weight_kg":3}'))
    assert envelope.type == "parcel.sent/1"


def test_an_old_line_is_judged_by_its_old_shape() -> None:
    with pytest.raises(CodecError):
        CODEC.decode(line("parcel.sent/1", '{"weight_g":3}'))
    with pytest.raises(CodecError):
        CODEC.decode(line("parcel.sent/1", '{"weight_kg": 3}'))
