"""Run the program and kill it just before one of its steps that change a disk.

    python step_killer.py STEP FILE ARGUMENTS…

runs ``ppm ARGUMENTS`` and sends itself SIGKILL before step number STEP, or never for 0. FILE then
has how many steps there were. A step is what Python's audit events tell of: a file opened for
writing, a rename, a link, a folder made or something removed.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from pathlib import Path
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
    step, file = int(sys.argv[1]), Path(sys.argv[2])
    sys.argv[:] = ["ppm", *sys.argv[3:]]
    from ppm.commands.app import main as run

    program, steps, last = os.getpid(), itertools.count(1), 0

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal last
        changes = event in CHANGES or (event == "open" and bool(arguments[2] & WRITES))
        if changes and os.getpid() == program:
            last = next(steps)
            if last == step:
                os.kill(program, signal.SIGKILL)

    sys.addaudithook(watch)
    try:
        run()
    finally:
        file.write_text(str(last))


if __name__ == "__main__":
    main()
