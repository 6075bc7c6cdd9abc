"""Answers written to the file a user names: never over the project's own files."""

from __future__ import annotations

from pathlib import Path

from ppm.engine.errors import UsageError
from ppm.engine.files import storage_errors, write_atomic

_OWN_FOLDER = ".ppm"
_OWN_FILES = frozenset({"pylock.toml", "pypm.toml", "pyproject.toml"})


def write_output(path: Path, data: bytes) -> None:
    """Write an answer to ``path``: a regular file whole or not at all, a device or pipe as it is.

    A link is followed. What PPM itself keeps is refused: anything below ``.ppm``, manifests and
    locks.

    Raises:
        UsageError: ``path`` is a folder, is in none, or names a file of PPM's own.
        StorageError: The disk refused.
    """
    target = path.resolve()
    if _OWN_FOLDER in target.parts or target.name in _OWN_FILES:
        raise UsageError(f"{path} is a file of ppm's own; choose another name")
    if target.is_dir():
        raise UsageError(f"{path} is a folder; name a file in it")
    if not target.parent.is_dir():
        raise UsageError(f"there is no folder {target.parent}")
    if target.exists() and not target.is_file():
        with storage_errors(target), target.open("wb") as stream:
            stream.write(data)
    else:
        write_atomic(target, data)
