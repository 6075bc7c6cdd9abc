"""The program ``ppm`` (and ``pypm``): finds the verb, imports that verb alone, runs it.

``main`` turns failures into ``error[CODE]: …`` and ``hint: …`` on stderr and an exit status; see
docs/cli.md, "Exit status".
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

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
"""Each verb and the module of this room that defines it."""


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


def _run(arguments: list[str]) -> None:
    import typer

    verb = next((word for word in arguments if not word.startswith("-")), "")
    if verb in {"version", ""} and "--version" in arguments:
        arguments[:] = ["version", *(word for word in arguments if word != "--version")]
        verb = "version"
    app = typer.Typer(
        help="A package manager for Python projects with a flight recorder.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_global_options)
    for name in [verb] if verb in VERBS else VERBS:
        module = importlib.import_module(f"ppm.commands.{VERBS[name]}")
        module.register(app)
    app(arguments, prog_name="ppm")


def _global_options() -> None:
    """A package manager for Python projects with a flight recorder."""
