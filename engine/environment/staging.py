"""Folders in the making: unfinished, locked while their maker lives, cleared away after its death.

The lock is on the folder itself and ends with the process that holds it, so a folder of a killed
command is told from one that another command is just filling, in any container and after a reboot.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ppm.engine.folders import remove_tree
from ppm.engine.locks import make_locked_folder, remove_abandoned
from ppm.engine.paths import ProjectPaths

STAGING = ".tmp-"


@contextmanager
def staging(parent: Path) -> Iterator[Path]:
    """A fresh folder in ``parent``, gone at the end unless it was renamed away.

    Raises:
        OSError: The disk refused.
    """
    parent.mkdir(parents=True, exist_ok=True)
    path, lock = make_locked_folder(parent, STAGING)
    try:
        yield path
    finally:
        # What cannot be removed now is removed as stale by a later command.
        with suppress(OSError):
            remove_tree(path)
        os.close(lock)


def remove_stale(project: Path) -> tuple[str, ...]:
    """Delete what killed commands left in the making; their names.

    Raises:
        StorageError: Something cannot be deleted.
    """
    return remove_stale_in(ProjectPaths(project).environments)


def remove_stale_in(parent: Path) -> tuple[str, ...]:
    """As :func:`remove_stale`, for any folder that :func:`staging` was used on."""
    return remove_abandoned(parent, STAGING)
