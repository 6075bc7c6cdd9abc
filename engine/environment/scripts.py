"""What stands in ``bin``: launchers for entry points, and the scripts a wheel brings.

Both begin with the project's stable ``.venv/bin/python``, never with a generation's own path, so
that a switch moves scripts and interpreter together.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ppm.engine.errors import EnvironmentFailure
from ppm.engine.store.model import EntryPoint

# Linux before 5.1 cuts the first line at 127 bytes; the newline and "#!" count.
_LONGEST_PATH = 127 - 3
_REWRITTEN = (b"#!python", b"#!pythonw")
_LONGEST_HEAD = len(b"#!pythonw\r\n")
_INTERPRETERS = r"(?i)(python|pythonw|pypy)\d*(\.\d+)*t?(\.exe)?\Z"
_OWN = frozenset({"ppm", "pypm", "ppm.exe", "pypm.exe"})
_NAME = r"(?!\.\.?\Z)[\w.-]+(?: [\w.-]+)*\Z"

_LAUNCHER = """\
import sys
from {module} import {first}
if __name__ == "__main__":
    for suffix in ("-script.pyw", ".exe"):
        if sys.argv[0].endswith(suffix):
            sys.argv[0] = sys.argv[0][: -len(suffix)]
    sys.exit({attribute}())
"""


def shebang(python: str) -> bytes:
    """The lines that start ``python``, with a newline at the end.

    A path that a first line cannot hold (white space, too long) goes through ``/bin/sh``: to the
    shell the second line is an ``exec``, to Python the second and third are one string.
    """
    path = python.encode()
    if len(path) <= _LONGEST_PATH and not re.search(rb"\s", path):
        return b"#!" + path + b"\n"
    return b"#!/bin/sh\n'''exec' " + _quoted(python).encode() + b' "$0" "$@"\n' + b"' '''\n"


def launcher(entry: EntryPoint, python: str) -> bytes:
    """The script that calls an entry point.

    Raises:
        EnvironmentFailure: ``code="INVALID_ENTRY_POINT"``: its parts are not plain names.
    """
    words = [*entry.module.split("."), *entry.attribute.split(".")]
    if not re.match(_NAME, entry.name) or not all(word.isidentifier() for word in words):
        raise EnvironmentFailure(
            f"entry point {entry.name!r} = {entry.module!r}:{entry.attribute!r} is not valid",
            code="INVALID_ENTRY_POINT",
        )
    body = _LAUNCHER.format(
        module=entry.module,
        first=entry.attribute.partition(".")[0],
        attribute=entry.attribute,
    )
    return shebang(python) + body.encode()


def is_for_python(head: bytes) -> bool:
    """Whether a wheel's script wants its first line replaced.

    Only ``#!python`` and ``#!pythonw`` alone do; ``#!python3 -O`` is somebody's own choice.

    Args:
        head: At least the first :data:`HEAD` bytes of the script.
    """
    return head.partition(b"\n")[0].rstrip(b"\r") in _REWRITTEN


HEAD = _LONGEST_HEAD
"""How many bytes of a script :func:`is_for_python` needs."""


def rewritten(script: bytes, python: str) -> bytes:
    """A wheel's script with its first line replaced by :func:`shebang`."""
    return shebang(python) + script.partition(b"\n")[2]


def refuse_shadows(names: Sequence[str], owner: str) -> None:
    """Refuse scripts that would stand for the interpreter or for PPM itself.

    Raises:
        EnvironmentFailure: ``code="SCRIPT_SHADOWS"``.
    """
    for name in names:
        if re.match(_INTERPRETERS, name) or name.lower() in _OWN:
            raise EnvironmentFailure(
                f"{owner} brings a script {name!r}, which stands in for that program",
                code="SCRIPT_SHADOWS",
                hint=f"remove {owner}, or ask its authors to rename the script",
            )


def _quoted(path: str) -> str:
    """``path`` as one word for the shell that is also harmless inside a Python string.

    Single quotes and backslashes get a pair of double quotes of their own; the backslash is
    doubled in them, which both languages read as one.
    """
    special = {"'": "'\"'\"'", "\\": "'\"\\\\\"'"}
    return "'" + "".join(special.get(letter, letter) for letter in path) + "'"
