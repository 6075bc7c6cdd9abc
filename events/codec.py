"""Bytes of a line to an event and back, in exactly one way.

A line is accepted only if encoding what was read gives the same bytes again. That one rule refuses
whitespace, reordered, missing, unknown and duplicate keys, floats, and every second spelling of a
string or number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import msgspec

from ppm.events.base import Event, Upcaster
from ppm.events.catalog import EVENTS, AnyEvent
from ppm.events.envelope import Envelope
from ppm.events.retired import RETIRED

_TYPE = b'"type":"'


class CodecError(ValueError):
    """A line that is not an event in canonical form. The text says why."""


class UnknownEventError(CodecError):
    """A type or version that this program does not know: a newer one wrote it."""


class Codec:
    """Encodes current events; decodes current and retired ones.

    Args:
        current: Events by their type word.
        retired: Upcasters by the type word they read; applied until a current type results.
    """

    def __init__(
        self,
        current: Mapping[str, type[Event]] = EVENTS,
        retired: Mapping[str, Upcaster] = RETIRED,
    ) -> None:
        self._encoder = msgspec.json.Encoder()
        self._envelopes = msgspec.json.Decoder(Envelope)
        self._retired = dict(retired)
        self._shapes = {**current, **{word: shape for word, (shape, _) in self._retired.items()}}
        self._decoders: dict[bytes, msgspec.json.Decoder[Envelope]] = {}

    def raw(self, event: Event) -> msgspec.Raw:
        """The event's own canonical JSON, as it stands in ``data``."""
        return msgspec.Raw(self._encoder.encode(event))

    def encode(self, envelope: Envelope) -> bytes:
        """The line, without newline."""
        return self._encoder.encode(envelope)

    def decode(self, line: bytes) -> tuple[Envelope, AnyEvent]:
        """Read one line (without newline) strictly.

        Raises:
            UnknownEventError: The type or version is not known here.
            CodecError: Anything else that is not the canonical form of an event.
        """
        envelopes, events = self.decode_all([line])
        return envelopes[0], events[0]

    def decode_all(self, lines: Sequence[bytes]) -> tuple[list[Envelope], list[AnyEvent]]:
        """As :meth:`decode`, of many lines at once: encoded again together, and compared so.

        Raises:
            UnknownEventError, CodecError: About one of the lines, not always the first wrong one.
        """
        try:
            envelopes = [self._decoder(line).decode(line) for line in lines]
        except msgspec.MsgspecError as error:
            raise CodecError(str(error)) from error
        except (UnicodeDecodeError, RecursionError) as error:
            raise CodecError(f"not JSON in UTF-8: {error}") from error
        if self._encoder.encode_lines(envelopes) != b"\n".join([*lines, b""]):
            raise CodecError("not in canonical form")
        events = cast("list[Event]", [envelope.data for envelope in envelopes])
        if self._retired:
            upcast = zip(envelopes, events, strict=True)
            return envelopes, [self._upcast(envelope.type, event) for envelope, event in upcast]
        return envelopes, cast("list[AnyEvent]", events)

    def _decoder(self, line: bytes) -> msgspec.json.Decoder[Envelope]:
        """The decoder of whole lines of this one's type, made when the type is first met.

        In a canonical line, the first ``"type":"`` is the envelope's, because quotes inside strings
        are escaped. A line that is not canonical fails with whichever decoder it gets.
        """
        start = line.find(_TYPE) + len(_TYPE)
        decoder = self._decoders.get(line[start : line.find(b'"', start)])
        if decoder is None:
            word = self._envelopes.decode(line).type
            shape = self._shapes.get(word)
            if shape is None:
                raise UnknownEventError(f"event type {word!r} was written by a newer ppm")
            whole = msgspec.defstruct(
                "Line", [("data", shape)], bases=(Envelope,), frozen=True, kw_only=True, gc=False
            )
            decoder = self._decoders[word.encode()] = msgspec.json.Decoder(whole)
        return decoder

    def _upcast(self, word: str, event: Event) -> AnyEvent:
        while (step := self._retired.get(word)) is not None:
            event = step[1](event)
            word = event.type
        return cast("AnyEvent", event)
