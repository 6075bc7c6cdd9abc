"""``ppm version``: which program this is."""

from __future__ import annotations

import platform

import typer

from ppm.commands.options import JsonOption
from ppm.commands.output import Console
from ppm.engine.version import VERSION


def register(app: typer.Typer) -> None:
    """Add the verb to the program."""
    app.command("version")(version)


def version(*, json_output: JsonOption = False) -> None:
    """Print the version of PPM; with --json also of Python, and the platform."""
    console = Console(json_output=json_output, verbose=False, quiet=False)
    console.say(f"ppm {VERSION}")
    console.answer(
        {
            "ppm": VERSION,
            "python": platform.python_version(),
            "implementation": platform.python_implementation(),
            "platform": f"{platform.system().lower()}-{platform.machine()}",
        }
    )
