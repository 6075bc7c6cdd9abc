"""The program ``ppm`` (and ``pypm``): finds the verb, imports that verb alone, runs it.

``main`` turns failures into ``error[CODE]: …`` and ``hint: …`` on stderr and an exit status; see
docs/cli.md, "Exit status".
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
from pathlib import Path
from types import FrameType, FunctionType
from typing import NoReturn

from ppm.commands.arguments import parse
from ppm.engine.errors import Interrupted, PpmError

VERBS = {
    "init": "init",
    "add": "add",
    "remove": "remove",
    "lock": "lock",
    "plan": "plan",
    "apply": "apply",
    "import": "import_",
    "ensure": "ensure",
    "run": "run",
    "tree": "tree",
    "diff": "diff",
    "why": "why",
    "bisect": "bisect",
    "snapshot": "snapshot",
    "snapshots": "snapshots",
    "rollback": "rollback",
    "undo": "undo",
    "redo": "redo",
    "replay": "replay",
    "provenance": "provenance",
    "log": "log",
    "ledger verify": "ledger_verify",
    "ledger checkpoint": "ledger_checkpoint",
    "ledger prove": "ledger_prove",
    "ledger export": "ledger_export",
    "ledger merge": "ledger_merge",
    "keygen": "keygen",
    "verify": "verify",
    "sign": "sign",
    "trust add": "trust_add",
    "trust list": "trust_list",
    "trust remove": "trust_remove",
    "gc": "gc",
    "version": "version",
}
"""Each verb, and the name of the module of this room and of the function in it that define it.

A verb is one word, or two where the first names a family.
"""

_STOP_AT_FIRST = frozenset({"run", "bisect"})
"""Verbs that pass on what follows their first word."""

_YOUNG = 20_000
"""New objects before the collector looks for cycles among them."""

_WITHOUT_EVENTS = frozenset({"version"})
"""Verbs that neither read nor write the ledger."""


def main() -> NoReturn:
    """Run the program with ``sys.argv`` and exit."""
    _open_closed_streams()
    signal.signal(signal.SIGTERM, _terminated)
    try:
        _run(sys.argv[1:])
    except PpmError as error:
        _exit_with(error)
    except KeyboardInterrupt:
        _exit_with(Interrupted("stopped", hint="run the command again to have it done"))
    except BrokenPipeError:
        # Whoever read our output has seen enough; Python must not complain while it exits.
        _forget_output()
    except OSError as error:
        from ppm.engine.files import storage_error

        _forget_output()
        _exit_with(storage_error(error, Path("standard output")))
    except Exception as bug:  # noqa: BLE001 - the last place where it can be told in words
        _exit_with(_internal(bug))
    _leave()


def _leave() -> NoReturn:
    """End the process, which takes Python longer when it first takes everything apart.

    Nothing is left to be done: files are closed, threads and processes of ours have ended, and what
    was printed is flushed.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _open_closed_streams() -> None:
    """Give what the caller closed (``>&-``) to nobody, before a file of ours gets its number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r"))  # noqa: PTH123, SIM115 - until the end


def _forget_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _internal(bug: Exception) -> PpmError:
    error = PpmError(
        f"{type(bug).__name__}: {bug}",
        code="INTERNAL",
        hint="this is a mistake in ppm: PYP_DEBUG=1 shows where, please report it",
    )
    error.__cause__ = bug
    return error


def _terminated(_signal: int, _frame: FrameType | None) -> None:
    # As Ctrl-C: the event loop cancels its tasks, and whoever waits is interrupted. A shell lets
    # its background jobs ignore Ctrl-C; that is no reason to ignore this signal, too.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.raise_signal(signal.SIGINT)


def _exit_with(error: PpmError) -> NoReturn:
    from ppm.commands.output import show_error

    show_error(error)
    sys.exit(error.exit_status)


def _run(words: list[str]) -> None:
    if words == ["--version"]:
        words = ["version"]
    name, rest = split_verb(words)
    if name:
        verb = _load(name)
        values = parse(verb, rest, stop_at_first=name in _STOP_AT_FIRST)
        if values is not None:
            verb(**values)
            return
    from ppm.commands.explain import explain

    verbs = {one: _load(one) for one in _meant(name, words)}
    explain(verbs, words, stop_at_first=_STOP_AT_FIRST)


def split_verb(words: list[str]) -> tuple[str, list[str]]:
    """The verb that a command line begins with, ``""`` for none, and the words that follow it."""
    for count in (2, 1):
        name = " ".join(words[:count])
        if name in VERBS and name.split(" ") == words[:count]:
            return name, words[count:]
    return "", words


def _meant(name: str, words: list[str]) -> list[str]:
    """The verbs that help has to know: the one, else its family, else all."""
    family = [one for one in VERBS if words and one.startswith(f"{words[0]} ")]
    return [name] if name else family or list(VERBS)


def _load(name: str) -> FunctionType:
    gc.disable()
    if name not in _WITHOUT_EVENTS:
        _load_msgspec()
    module = importlib.import_module(f"ppm.commands.{VERBS[name]}")
    verb: FunctionType = getattr(module, VERBS[name])
    # What was loaded stays until the end: the collector need not look at it again and again. What
    # comes is short-lived or stays, too: looking for cycles took a twentieth of a first `lock`.
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 20)
    gc.enable()
    return verb


def _load_msgspec() -> None:
    """Load msgspec without typing_extensions, which it does not need on our versions of Python.

    It takes from there what ``typing`` lacked in 3.8, and with it comes ``inspect``: together a
    tenth of the start of the program.
    """
    name = "typing_extensions"
    if name in sys.modules:
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        importlib.import_module("msgspec")
    finally:
        del sys.modules[name]
