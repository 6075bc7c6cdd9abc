"""Which keys the project trusts: pure decisions over its state."""

from __future__ import annotations

from ppm.engine.errors import LedgerError
from ppm.engine.publickey import PublicKey, parse_spki
from ppm.events.trust import KeyDistrusted, KeyTrusted
from ppm.projections.state import State


def trust(state: State, key: PublicKey, name: str) -> tuple[KeyTrusted, ...]:
    """The event that makes ``key`` a trusted one; none where it is one, whatever its name."""
    if key.key_id in state.keys:
        return ()
    return (KeyTrusted(key=key.key_id, public_key=key.spki, name=name),)


def distrust(state: State, key_id: str) -> tuple[KeyDistrusted, ...]:
    """The event that ends the trust in the key of this id; none where there is none."""
    return (KeyDistrusted(key=key_id),) if key_id in state.keys else ()


def trusted_keys(state: State) -> frozenset[PublicKey]:
    """The keys themselves.

    Raises:
        LedgerError: The ledger holds something else under a key's name, which ppm never writes.
    """
    keys = set()
    for key_id, one in state.keys.items():
        try:
            key = parse_spki(one.public_key)
        except ValueError as error:
            raise LedgerError(f"the trusted key {key_id} is none: {error}") from error
        if key.key_id != key_id:
            raise LedgerError(f"the trusted key {key_id} is another one: {key.key_id}")
        keys.add(key)
    return frozenset(keys)
