"""Keys that the project begins or ceases to trust."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from ppm.engine.keys import find_verifier, parse_verifier
from ppm.engine.publickey import PublicKey
from ppm.engine.redact import as_text, redact_text
from ppm.engine.transaction import Transaction
from ppm.engine.trusting import distrust, trust


class Trusted(msgspec.Struct, frozen=True, kw_only=True):
    """A key by its id and the name it has or had here; ``changed`` where it was not so before."""

    key: str
    name: str
    changed: bool


def trust_key(run: Transaction, text: str, name: str = "") -> Trusted:
    """Trust the key that ``text`` is or names; called ``name``, else as it or its file is.

    Raises:
        KeyFailure: It is no public key.
        StorageError: It cannot be read.
    """
    key = PublicKey(find_verifier(text, "given").raw)
    events = trust(run.project.state, key, redact_text(as_text(name or _own_name(text))))
    run.record(events)
    known = run.project.state.keys[key.key_id]
    return Trusted(key=key.key_id, name=known.name, changed=bool(events))


def distrust_key(run: Transaction, text: str) -> Trusted:
    """End the trust in the key whose id ``text`` is, or which it is or names.

    Raises:
        KeyFailure: It is no public key.
        StorageError: It cannot be read.
    """
    key_id = text if _is_key_id(text) else PublicKey(find_verifier(text, "given").raw).key_id
    known = run.project.state.keys.get(key_id)
    events = distrust(run.project.state, key_id)
    run.record(events)
    return Trusted(key=key_id, name=known.name if known else "", changed=bool(events))


def _is_key_id(text: str) -> bool:
    return re.fullmatch("[0-9a-f]{64}", text) is not None


def _own_name(text: str) -> str:
    try:
        return parse_verifier(text).name
    except ValueError:
        return Path(text).name
