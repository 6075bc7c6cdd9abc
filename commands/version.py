"""``ppm version``: which program this is."""

from __future__ import annotations

from ppm.commands.options import JsonOption
from ppm.commands.output import Console
from ppm.engine.version import VERSION


def version(*, json_output: JsonOption = False) -> None:
    """Print the version of PPM; with --json also of Python, and the platform."""
    console = Console(json_output=json_output, verbose=False, quiet=False)
    console.say(f"ppm {VERSION}")
    if not json_output:
        return
    import platform

    console.answer(
        {
            "ppm": VERSION,
            "python": platform.python_version(),
            "implementation": platform.python_implementation(),
            "platform": f"{platform.system().lower()}-{platform.machine()}",
        }
    )
