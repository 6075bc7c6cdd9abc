"""What a distribution's file name says (binary distribution format; source distribution format)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from packaging.utils import canonicalize_name

_WHEEL = (
    r"([A-Za-z0-9](?:[A-Za-z0-9._]*[A-Za-z0-9])?)-([A-Za-z0-9_.!+]+)(?:-\d[A-Za-z0-9_.]*)?"
    r"-[A-Za-z0-9_.]+-[A-Za-z0-9_.]+-[A-Za-z0-9_.]+\.whl"
)
_SDIST = r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)-([A-Za-z0-9_.!+]+)(?:\.tar\.gz|\.zip)"


class FileName(NamedTuple):
    """``kind`` is ``wheel`` or ``sdist``, ``name`` normalised, ``version`` as it is spelled."""

    kind: str
    name: str
    version: str


def parse_filename(filename: str) -> FileName | str:
    """Name and version of a wheel or source distribution, or why the file is neither.

    Deliberately without the wheel's tags: a page has thousands of files, and only those whose
    version is looked at need theirs.
    """
    if filename.endswith(".whl"):
        match = re.fullmatch(_WHEEL, filename)
        if match is None or "__" in match[1]:
            return "not a valid wheel file name"
        return FileName("wheel", _normalised(match[1]), match[2])
    if filename.endswith((".tar.gz", ".zip")):
        match = re.fullmatch(_SDIST, filename)
        if match is None:
            return "not a valid source distribution file name"
        return FileName("sdist", _normalised(match[1]), match[2])
    return "neither a wheel nor a source distribution"


# A page repeats one name thousands of times.
_normalised = lru_cache(maxsize=1024)(canonicalize_name)
