"""Two names that trade places."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_NOT_POSSIBLE = frozenset({errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP})


def exchange(first: Path, second: Path) -> None:
    """Swap two existing names in one step (``renameat2(2)``), whatever they are.

    Where the system or file system has no such step it takes three renames.

    Raises:
        OSError: The system refused; both names are as they were.
    """
    if not sys.platform.startswith("linux") or not _exchanged(first, second):
        aside = first.with_name(f"{first.name}.{os.urandom(6).hex()}")
        second.rename(aside)
        first.rename(second)
        aside.rename(first)


def _exchanged(first: Path, second: Path) -> bool:
    import ctypes

    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:
        return False
    names = os.fsencode(first), os.fsencode(second)
    if call(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _NOT_POSSIBLE:
        return False
    raise OSError(number, os.strerror(number), str(second))
