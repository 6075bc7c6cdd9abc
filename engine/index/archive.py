"""METADATA out of a wheel, PKG-INFO out of a source distribution, bounded in time and memory.

Only these two members are read; whether the archive as a whole may be unpacked is the store's to
judge. A wheel is read through any seekable file, so that one which lies half on a server will do.
"""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Callable
from gzip import BadGzipFile
from pathlib import Path
from typing import IO
from zipfile import BadZipFile, ZipFile

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from ppm.engine.index.failures import invalid_metadata, needs_build, unreadable
from ppm.engine.index.filenames import FileName, parse_filename
from ppm.engine.index.metadata import (
    MAX_METADATA_SIZE,
    parse_metadata,
    parse_static_metadata,
)
from ppm.engine.index.model import CoreMetadata

_MAX_SDIST_SIZE = 4 << 30
_DIST_INFO = ".dist-info"
_BROKEN = (
    BadZipFile,
    BadGzipFile,
    tarfile.TarError,
    zlib.error,
    EOFError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


def file_metadata(path: Path, filename: str, *, kind: str) -> CoreMetadata:
    """The core metadata of a complete file on this machine, without building anything.

    Raises:
        IndexFailure: ``INVALID_METADATA``; ``NEEDS_BUILD`` for a source distribution whose
            metadata is not static; ``INDEX_UNREACHABLE`` for a file that cannot be read.
    """
    try:
        if kind == "wheel":
            with path.open("rb") as wheel:
                data = wheel_metadata(wheel, filename)
            return parse_metadata(data, filename=filename, origin="wheel")
        pkg_info = sdist_metadata(path, filename)
    except OSError as error:
        raise unreadable(path, error) from error
    static = None if pkg_info is None else parse_static_metadata(pkg_info, filename=filename)
    if static is None:
        raise needs_build(filename)
    return static


def wheel_metadata(wheel: IO[bytes], filename: str) -> bytes:
    """The bytes of METADATA in the wheel's only ``dist-info`` folder.

    Raises:
        IndexFailure: ``INVALID_METADATA``.
    """
    try:
        with ZipFile(wheel) as archive:
            return _read_member(archive, _metadata_member(archive, filename), filename)
    except _BROKEN as error:
        raise invalid_metadata(filename, "is not a readable wheel") from error


def sdist_metadata(path: Path, filename: str) -> bytes | None:
    """The bytes of PKG-INFO in the archive's top folder, or ``None`` if it has none.

    Raises:
        IndexFailure: ``INVALID_METADATA``: the archive cannot be read.
    """
    try:
        if filename.endswith(".zip"):
            with ZipFile(path) as archive:
                names = [name for name in archive.namelist() if _is_pkg_info(name)]
                return _read_member(archive, names[0], filename) if names else None
        return _tar_pkg_info(path, filename)
    except _BROKEN as error:
        raise invalid_metadata(filename, "is not a readable source distribution") from error


def _metadata_member(archive: ZipFile, filename: str) -> str:
    folders = {
        top
        for name in archive.namelist()
        if (top := name.partition("/")[0]).endswith(_DIST_INFO) and "/" in name
    }
    if len(folders) != 1:
        raise invalid_metadata(filename, f"has {len(folders)} dist-info folders, not one")
    folder = folders.pop()
    if not _names_same(folder, filename):
        raise invalid_metadata(filename, f"holds the metadata of {folder[:100]}")
    return f"{folder}/METADATA"


def _names_same(folder: str, filename: str) -> bool:
    found = parse_filename(filename)
    name, _, version = folder.removesuffix(_DIST_INFO).rpartition("-")
    try:
        return (
            isinstance(found, FileName)
            and canonicalize_name(name) == found.name
            and Version(version) == Version(found.version)
        )
    except InvalidVersion:
        return False


def _read_member(archive: ZipFile, name: str, filename: str) -> bytes:
    with archive.open(name) as member:
        data = member.read(MAX_METADATA_SIZE + 1)
    if len(data) > MAX_METADATA_SIZE:
        raise invalid_metadata(filename, "its metadata is too large")
    return data


def _tar_pkg_info(path: Path, filename: str) -> bytes | None:
    with gzip.open(path) as plain:
        bounded = _Bounded(plain.read, _MAX_SDIST_SIZE)
        with tarfile.open(fileobj=bounded, mode="r|") as archive:  # type: ignore[call-overload]
            for member in archive:
                if not (member.isfile() and _is_pkg_info(member.name)):
                    continue
                if member.size > MAX_METADATA_SIZE:
                    raise invalid_metadata(filename, "its metadata is too large")
                content = archive.extractfile(member)
                return content.read() if content is not None else None
    return None


def _is_pkg_info(name: str) -> bool:
    parts = name.removeprefix("./").split("/")
    return len(parts) == 2 and parts[1] == "PKG-INFO"  # noqa: PLR2004 - the top folder and the file


class _Bounded:
    """What ``tarfile`` needs of a stream, ending with an error after ``limit`` bytes."""

    def __init__(self, read: Callable[[int], bytes], limit: int) -> None:
        self._read = read
        self._left = limit

    def read(self, size: int) -> bytes:
        data = self._read(size)
        self._left -= len(data)
        if self._left < 0:
            raise EOFError
        return data
