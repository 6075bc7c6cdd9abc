"""Folders in the making: unfinished, locked while their maker lives, cleared away after its death.

The lock is on the folder itself and ends with the process that holds it, so a folder of a killed
command is told from one that another command is just filling, in any container and after a reboot.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ppm.engine.files import storage_errors
from ppm.engine.paths import ProjectPaths

_PREFIX = ".tmp-"


@contextmanager
def staging(parent: Path) -> Iterator[Path]:
    """A fresh folder in ``parent``, gone at the end unless it was renamed away.

    Raises:
        OSError: The disk refused.
    """
    parent.mkdir(parents=True, exist_ok=True)
    path, lock = _make(parent)
    try:
        yield path
    finally:
        import shutil

        # What cannot be removed now is removed as stale by a later command.
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def remove_stale(project: Path) -> tuple[str, ...]:
    """Delete what killed commands left in the making; their names.

    Raises:
        StorageError: Something cannot be deleted.
    """
    return remove_stale_in(ProjectPaths(project).environments)


def remove_stale_in(parent: Path) -> tuple[str, ...]:
    """As :func:`remove_stale`, for any folder that :func:`staging` was used on."""
    with storage_errors(parent):
        found = sorted(parent.glob(f"{_PREFIX}*"))
        return tuple(path.name for path in found if _removed(path))


def _removed(path: Path) -> bool:
    lock = _lock(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    if lock is None:
        return False
    import shutil

    try:
        shutil.rmtree(path)
    finally:
        os.close(lock)
    return True


def _make(parent: Path) -> tuple[Path, int]:
    """Make and lock a folder; again, if somebody took it for stale between the two."""
    while True:
        path = parent / f"{_PREFIX}{os.urandom(8).hex()}"
        path.mkdir()
        lock = _lock(path, fcntl.LOCK_EX)
        if lock is not None:
            with suppress(FileNotFoundError):
                if path.stat().st_ino == os.fstat(lock).st_ino:
                    return path, lock
            os.close(lock)


def _lock(path: Path, operation: int) -> int | None:
    """A descriptor that holds the lock; ``None`` if the folder is in use or gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, operation)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
