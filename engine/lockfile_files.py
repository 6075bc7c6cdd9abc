"""The files of a package of a lock file, as PPM's structs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ppm.engine.lockfile_entries import ordered_files
from ppm.engine.redact import strip_credentials
from ppm.events.resolution import LockedFile

if TYPE_CHECKING:
    from packaging.pylock import Package, PackageArchive, PackageSdist, PackageWheel

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


def locked_files(found: Package, path: str, problems: list[str]) -> tuple[LockedFile, ...]:
    """All files ``found`` may be installed from; ``problems`` takes what is wrong with them.

    Args:
        found: A validated package that is neither a repository nor a folder.
        path: Where it stands in the document.
        problems: Each entry is ``dotted.path: words``.
    """
    files = [
        _file(wheel, wheel.filename, f"{path}.wheels[{place}]", problems)
        for place, wheel in enumerate(found.wheels or ())
    ]
    if found.sdist is not None:
        files.append(_file(found.sdist, found.sdist.filename, f"{path}.sdist", problems))
    if found.archive is not None:
        filename = _last_part(found.archive.path or found.archive.url or "")
        files.append(_file(found.archive, filename, f"{path}.archive", problems))
    return ordered_files(files)


def version_of(files: Sequence[LockedFile]) -> str:
    """The version in the name of the first file, ``""`` if there is none."""
    from packaging.utils import (
        InvalidSdistFilename,
        InvalidWheelFilename,
        parse_sdist_filename,
        parse_wheel_filename,
    )

    if not files:
        return ""
    try:
        if files[0].kind == "wheel":
            return str(parse_wheel_filename(files[0].filename)[1])
        return str(parse_sdist_filename(files[0].filename)[1])
    except (InvalidWheelFilename, InvalidSdistFilename):
        return ""


def is_digest(text: str) -> bool:
    """Whether ``text`` is a SHA-256 as locks hold it."""
    return _SHA256.match(text) is not None


def _file(
    file: PackageWheel | PackageSdist | PackageArchive,
    filename: str,
    path: str,
    problems: list[str],
) -> LockedFile:
    sha256 = file.hashes.get("sha256", "").lower()
    if not _SHA256.match(sha256):
        problems.append(f"{path}.hashes: has no SHA-256 of 64 hexadecimal digits")
    return LockedFile(
        filename=filename,
        url=file.path or strip_credentials(file.url or ""),
        sha256=sha256,
        size=file.size or 0,
        kind="wheel" if filename.endswith(".whl") else "sdist",
    )


def _last_part(place: str) -> str:
    """The file name at the end of a URL or of a path of either kind."""
    end = urlsplit(place).path if "://" in place else place.replace("\\", "/")
    name = end.rpartition("/")[2]
    return unquote(name) if "://" in place else name
