"""Run the program and kill it just before one of its steps that change a disk.

    python step_killer.py STEP ARGUMENTS…

runs ``ppm ARGUMENTS`` and sends itself SIGKILL before step number STEP, if it has so many. A step
is what Python's audit events tell of: a file opened for writing, a rename, a link, a folder made or
something removed.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from typing import Any

CHANGES = frozenset(
    {
        "os.link",
        "os.mkdir",
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.symlink",
        "os.truncate",
    }
)
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def main() -> None:
    """See the module."""
    deadly = int(sys.argv[1])
    sys.argv[:] = ["ppm", *sys.argv[2:]]
    from ppm.commands.app import main as run

    program, steps = os.getpid(), itertools.count(1)

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        changes = event in CHANGES or (event == "open" and bool(arguments[2] & WRITES))
        if changes and os.getpid() == program and next(steps) == deadly:
            os.kill(program, signal.SIGKILL)

    sys.addaudithook(watch)
    run()


if __name__ == "__main__":
    main()
