"""Asks a person for the passphrase of a private key, on the terminal, without showing it."""

from __future__ import annotations

import os
from pathlib import Path

from ppm.engine.errors import KeyFailure
from ppm.engine.plain import clean_line

_TERMINAL = "/dev/tty"


def ask_passphrase(path: Path) -> bytes:
    """The passphrase of the key in ``path``.

    Raises:
        KeyFailure: ``code="KEY_PASSPHRASE"``: there is no terminal, or nothing was typed.
    """
    return _asked(f"passphrase of {path}: ")


def ask_new_passphrase(path: Path) -> bytes:
    """A passphrase for the new key in ``path``, typed twice.

    Raises:
        KeyFailure: As above, and where the two differ.
    """
    first = _asked(f"passphrase for {path}: ")
    if _asked("the same again: ") != first:
        raise _failure("the two passphrases differ")
    return first


def _asked(words: str) -> bytes:
    import getpass

    _require_terminal()
    try:
        typed = getpass.getpass(clean_line(words))
    except EOFError as error:
        raise _failure("no passphrase was typed") from error
    if not typed:
        raise _failure("no passphrase was typed")
    return typed.encode("utf-8", "surrogateescape")


def _require_terminal() -> None:
    """Without one a passphrase would be read from standard input, and shown."""
    if os.name != "posix":
        return
    try:
        os.close(os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY))
    except OSError as error:
        raise _failure("a passphrase is needed and there is no terminal to ask on") from error


def _failure(what: str) -> KeyFailure:
    return KeyFailure(what, code="KEY_PASSPHRASE")
