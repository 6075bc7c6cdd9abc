"""A generation on the disk held against the root that the ledger recorded when it was built.

The recorded root is the only witness. The generation's own list of files says which file it is that
differs, and is believed only if it has that root itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ppm.engine.environment.files import LINK, SPECIAL, TreeEntry
from ppm.engine.environment.generation import HEADER_NAME, INVENTORY_NAME, read_inventory
from ppm.engine.environment.tree import root_of
from ppm.engine.errors import EnvironmentFailure
from ppm.engine.files import storage_errors
from ppm.engine.folders import FILE, LINKED, Found, walk
from ppm.engine.hashing.files import FileReader

_BYTE_CODE = "__pycache__"
_OWN_RECORDS = frozenset({HEADER_NAME, INVENTORY_NAME})


class Deviation(NamedTuple):
    """A path that is not as it was: ``changed``, ``missing`` or ``extra``."""

    problem: str
    path: str


def entries_on_disk(directory: Path, reader: FileReader) -> list[TreeEntry]:
    """Every file and link of the generation now, all bytes read.

    Raises:
        StorageError: Something cannot be read.
    """
    with storage_errors(directory):
        found = [
            one
            for one in walk(str(directory), leave_out=_BYTE_CODE)
            if one.path not in _OWN_RECORDS
        ]
        links = [_link(directory, one) for one in found if one.kind != FILE]
    files = [one for one in found if one.kind == FILE]
    digests = reader.digests(str(directory), files)
    return [
        *links,
        *(
            TreeEntry(one.path, "755" if one.executable else "644", digest)
            for one, digest in zip(files, digests, strict=True)
            if digest is not None
        ),
    ]


def _link(directory: Path, found: Found) -> TreeEntry:
    if found.kind == LINKED:
        return TreeEntry(found.path, LINK, str((directory / found.path).readlink()))
    return TreeEntry(found.path, SPECIAL, "")


def recorded_entries(directory: Path, root: str) -> list[TreeEntry] | None:
    """The generation's own list of files, if it has the recorded ``root``."""
    try:
        entries = read_inventory(directory)
    except EnvironmentFailure:
        return None
    return entries if root_of(entries) == root else None


def deviations(expected: Iterable[TreeEntry], seen: Iterable[TreeEntry]) -> Iterator[Deviation]:
    """What differs, in order of path."""
    before = {one.path: one for one in expected}
    now = {one.path: one for one in seen}
    for path in sorted(before.keys() | now.keys()):
        if path not in now:
            yield Deviation("missing", path)
        elif path not in before:
            yield Deviation("extra", path)
        elif before[path] != now[path]:
            yield Deviation("changed", path)


class Owners:
    """Whose file a path is: a package that put it there, or whose folder it lies in.

    Args:
        files: Path to package, of every file that packages brought.
        shared: Folders that belong to nobody alone, such as site-packages, without slash.
    """

    def __init__(self, files: Mapping[str, str], shared: Sequence[str]) -> None:
        self._files = files
        self._shared = {"", *shared}
        self._folders: dict[str, set[str]] = {}
        for path, package in files.items():
            folder = path.rpartition("/")[0]
            while folder not in self._shared:
                self._folders.setdefault(folder, set()).add(package)
                folder = folder.rpartition("/")[0]

    def of(self, path: str) -> str:
        """The package, ``""`` if it is nobody's or several packages share the folder."""
        if path in self._files:
            return self._files[path]
        folder = path.rpartition("/")[0]
        while folder not in self._shared:
            owners = self._folders.get(folder)
            if owners:
                return next(iter(owners)) if len(owners) == 1 else ""
            folder = folder.rpartition("/")[0]
        return ""


def recorded_owners(directory: Path, site_packages: str) -> dict[str, str]:
    """Path to package as the RECORD files on the disk say: for what the store cannot tell.

    A RECORD that cannot be read speaks for nobody.
    """
    import csv
    import posixpath
    import re

    owners: dict[str, str] = {}
    for record in sorted((directory / site_packages).glob("*.dist-info/RECORD")):
        stem = record.parent.name.removesuffix(".dist-info").rpartition("-")[0]
        name = re.sub(r"[-_.]+", "-", stem).lower()
        try:
            rows = list(csv.reader(record.read_text("utf-8").splitlines()))
        except (OSError, ValueError, csv.Error):
            continue
        for row in rows:
            if row:
                path = posixpath.normpath(f"{site_packages}/{row[0]}")
                owners.setdefault(path, name)
    return owners
