"""entry_points.txt: only what can be pasted into a launcher (entry points specification)."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator

from ppm.engine.errors import ArtifactError
from ppm.engine.store.model import EntryPoint
from ppm.engine.store.paths import judge

_KINDS = {"console_scripts": "console", "gui_scripts": "gui"}
_NAME = r"[\w.-]+"
# The list of extras behind the object is obsolete and says nothing to an installer.
_VALUE = r"([\w.]+)\s*:\s*([\w.]+)\s*(?:\[[\w\s.,-]*\])?"


def read_entry_points(data: bytes) -> tuple[EntryPoint, ...]:
    """The launchers that a wheel asks for, in the order of the file; other groups are left out.

    Raises:
        ArtifactError: ``ENTRY_POINTS``: no INI file in UTF-8, a name that is no file name, a value
            that is not ``module:attribute``, or the same name twice.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refusal("is not UTF-8") from error
    points: list[EntryPoint] = []
    seen: set[str] = set()
    for kind, line in _lines(text):
        point = _parse(kind, line)
        # A console and a gui launcher of one name would be one file.
        if point.name.lower() in seen:
            raise _refusal(f"names {point.name!a} twice")
        seen.add(point.name.lower())
        points.append(point)
    return tuple(points)


def _lines(text: str) -> Iterator[tuple[str, str]]:
    """Kind and text of each line in the groups of scripts."""
    group: str | None = None
    for raw in re.split(r"\r\n|\r|\n", text):
        line = raw.strip(" \t")
        if not line or line[0] in "#;":
            continue
        if line[0] == "[" and line[-1] == "]":
            group = line[1:-1].strip()
        elif group is None:
            raise _refusal(f"has a line before its first group: {line!a}")
        elif group in _KINDS:
            yield _KINDS[group], line


def _parse(kind: str, line: str) -> EntryPoint:
    name, separator, value = (part.strip(" \t") for part in line.partition("="))
    match = re.fullmatch(_VALUE, value)
    if not separator or match is None:
        raise _refusal(f"has a script that is no 'name = module:attribute': {line!a}")
    if not re.fullmatch(_NAME, name):
        raise _refusal(f"has a script whose name is no plain file name: {name!a}")
    judge(name)
    module, attribute = match[1], match[2]
    for part in (*module.split("."), *attribute.split(".")):
        if not part.isidentifier() or keyword.iskeyword(part):
            raise _refusal(f"has a script that points to no Python name: {line!a}")
    return EntryPoint(kind, name, module, attribute)


def _refusal(what: str) -> ArtifactError:
    return ArtifactError(f"entry_points.txt {what}", code="ENTRY_POINTS")
