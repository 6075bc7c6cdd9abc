"""Which keys a project trusts, decided over its state."""

from __future__ import annotations

import msgspec
import pytest

from ppm.engine.errors import LedgerError
from ppm.engine.keys import generate
from ppm.engine.publickey import PublicKey, public_of
from ppm.engine.trusting import distrust, trust, trusted_keys
from ppm.events.catalog import AnyEvent
from ppm.events.envelope import Record
from ppm.projections.maps import Maps
from ppm.projections.state import State, TrustedKey, evolve


def after(state: State, *events: AnyEvent) -> State:
    for seq, event in enumerate(events, 1):
        record = Record(
            seq=seq, id="i", time="t", run="r", actor="a", prev="p", event=event, digest="d", end=0
        )
        state = evolve(state, record, Maps())
    return state


def key() -> PublicKey:
    return public_of(generate())


def test_a_key_is_trusted_once() -> None:
    one, other = key(), key()
    state = after(State(), *trust(State(), one, "release"))
    assert trust(state, one, "another name") == ()
    assert state.keys[one.key_id] == TrustedKey(
        seq=1, time="t", name="release", public_key=one.spki
    )
    both = after(state, *trust(state, other, "second"))
    assert trusted_keys(both) == {one, other}


def test_trust_ends_once_and_begins_anew() -> None:
    one = key()
    state = after(State(), *trust(State(), one, "release"))
    ended = after(state, *distrust(state, one.key_id))
    assert (ended.keys, trusted_keys(ended)) == ({}, frozenset())
    assert distrust(ended, one.key_id) == ()
    assert trusted_keys(after(ended, *trust(ended, one, "release"))) == {one}


def test_a_key_under_another_ones_id_is_not_trusted() -> None:
    one, other = key(), key()
    state = after(State(), *trust(State(), one, "release"))
    for forged in (other.spki, "no key"):
        keys = {one.key_id: msgspec.structs.replace(state.keys[one.key_id], public_key=forged)}
        with pytest.raises(LedgerError):
            trusted_keys(State(keys=keys))
