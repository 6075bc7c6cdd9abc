"""The program ``ppm`` (and ``pypm``): finds the verb, imports that verb alone, runs it.

``main`` turns failures into ``error[CODE]: …`` and ``hint: …`` on stderr and an exit status; see
docs/cli.md, "Exit status".
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
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
    "snapshot": "snapshot",
    "snapshots": "snapshots",
    "rollback": "rollback",
    "replay": "replay",
    "provenance": "provenance",
    "log": "log",
    "version": "version",
}
"""Each verb, and the name of the module of this room and of the function in it that define it."""

_STOP_AT_FIRST = frozenset({"run"})
"""Verbs that pass on what follows their first word."""


def main() -> NoReturn:
    """Run the program with ``sys.argv`` and exit."""
    signal.signal(signal.SIGTERM, _terminated)
    try:
        _run(sys.argv[1:])
    except PpmError as error:
        _exit_with(error)
    except KeyboardInterrupt:
        _exit_with(Interrupted("stopped"))
    except BrokenPipeError:
        # Whoever read our output has seen enough; Python must not complain while it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    sys.exit(0)


def _terminated(_signal: int, _frame: FrameType | None) -> None:
    # As Ctrl-C: the event loop cancels its tasks, and whoever waits is interrupted.
    signal.raise_signal(signal.SIGINT)


def _exit_with(error: PpmError) -> NoReturn:
    from ppm.commands.output import show_error

    show_error(error)
    sys.exit(error.exit_status)


def _run(words: list[str]) -> None:
    if words == ["--version"]:
        words = ["version"]
    name = words[0] if words else ""
    if name in VERBS:
        verb = _load(name)
        values = parse(verb, words[1:], stop_at_first=name in _STOP_AT_FIRST)
        if values is not None:
            verb(**values)
            return
    from ppm.commands.explain import explain

    verbs = {one: _load(one) for one in ([name] if name in VERBS else VERBS)}
    explain(verbs, words, stop_at_first=_STOP_AT_FIRST)


def _load(name: str) -> Callable[..., None]:
    module = importlib.import_module(f"ppm.commands.{VERBS[name]}")
    verb: Callable[..., None] = getattr(module, VERBS[name])
    return verb
