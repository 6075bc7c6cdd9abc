"""Advisory locks between processes, released by the operating system when their holder dies."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ppm.engine.errors import LedgerError
from ppm.engine.files import storage_errors
from ppm.engine.folders import remove_file, remove_tree

_FIRST_PAUSE_S = 0.001
_LONGEST_PAUSE_S = 0.05
_SAY_AFTER_S = 1.0


def _try_lock(descriptor: int, *, shared: bool = False) -> bool:
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in {errno.EWOULDBLOCK, errno.EACCES}:
            return False
        raise
    return True


Busy = Callable[[Path, int], LedgerError]
"""The error for a lock that somebody else kept for so many seconds."""


def _project_busy(path: Path, waited_s: int) -> LedgerError:
    return LedgerError(
        f"another ppm has been working on this project for {waited_s} s ({path})",
        code="PROJECT_BUSY",
        hint="wait for it to finish, or end it, and run the command again",
    )


@contextmanager
def exclusive(
    path: Path,
    *,
    timeout_s: float,
    on_wait: Callable[[], None] | None = None,
    busy: Busy = _project_busy,
) -> Iterator[None]:
    """Hold the exclusive lock on ``path`` (created if missing, never removed) for the block.

    Args:
        path: The lock file; its folder must exist.
        timeout_s: How long to wait for another holder, in seconds.
        on_wait: Called once if the wait becomes noticeable (after a second).
        busy: Makes the error.

    Raises:
        LedgerError: ``code="PROJECT_BUSY"``, or what ``busy`` makes, when the wait is over.
        StorageError: The lock file cannot be created.
    """
    descriptor = _opened(path)
    try:
        _wait(descriptor, path, timeout_s, on_wait, busy)
        yield
    finally:
        os.close(descriptor)


def share(
    path: Path, *, timeout_s: float, on_wait: Callable[[], None] | None = None, busy: Busy
) -> int:
    """Take the lock on ``path`` beside others who share it; nobody has it exclusively meanwhile.

    Args: as :func:`exclusive`. Raises as that does.

    Returns:
        The descriptor that keeps the lock until it is closed.
    """
    descriptor = _opened(path, os.O_RDONLY)
    try:
        _wait(descriptor, path, timeout_s, on_wait, busy, shared=True)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _opened(path: Path, access: int = os.O_RDWR) -> int:
    with storage_errors(path):
        return os.open(path, access | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)


def make_locked_folder(parent: Path, prefix: str, *, mode: int = 0o777) -> tuple[Path, int]:
    """Make a folder in ``parent`` that is told from an abandoned one as long as its maker lives.

    Returns:
        The folder, and the descriptor that keeps the lock until it is closed.

    Raises:
        OSError: The disk refused.
    """
    while True:
        path = parent / f"{prefix}{os.urandom(8).hex()}"
        path.mkdir(mode)
        lock = _lock_folder(path, wait=True)
        if lock is not None:
            # Again, if somebody took it for abandoned before it was locked.
            with suppress(FileNotFoundError):
                if path.stat().st_ino == os.fstat(lock).st_ino:
                    return path, lock
            os.close(lock)


def remove_abandoned(parent: Path, prefix: str) -> tuple[str, ...]:
    """Delete the folders of :func:`make_locked_folder` whose makers are gone; their names.

    A link or file of such a name, which nobody can hold, goes too; what a link leads to stays.

    Raises:
        StorageError: Something cannot be deleted.
    """
    with storage_errors(parent):
        found = sorted(parent.glob(f"{prefix}*"))
        return tuple(path.name for path in found if _removed(path))


def _removed(path: Path) -> bool:
    if path.is_symlink() or not path.is_dir():
        remove_file(str(path))
        return True
    lock = _lock_folder(path, wait=False)
    if lock is None:
        return False
    try:
        remove_tree(path)
    finally:
        os.close(lock)
    return True


def _lock_folder(path: Path, *, wait: bool) -> int | None:
    """A descriptor that holds the lock; ``None`` if the folder is gone or, without wait, in use."""
    import fcntl

    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _wait(
    descriptor: int,
    path: Path,
    timeout_s: float,
    on_wait: Callable[[], None] | None,
    busy: Busy,
    *,
    shared: bool = False,
) -> None:
    started = time.monotonic()
    pause = _FIRST_PAUSE_S
    while not _try_lock(descriptor, shared=shared):
        waited = time.monotonic() - started
        if waited > timeout_s:
            raise busy(path, int(waited))
        if on_wait is not None and waited > _SAY_AFTER_S:
            on_wait()
            on_wait = None
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_S)
