"""Writing files so that a crash leaves the old bytes or the new ones.

Nothing else in PPM writes a file in place: temporary, write, fsync, rename, fsync the directory.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from ppm.engine.errors import StorageError


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable (no effect where the platform has no such thing)."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_regular(path: Path) -> bytes:
    """The bytes of a file; of a pipe or device that stands in its place, nobody waits for any.

    Raises:
        OSError: It cannot be read, or is no regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        return file.read()


def write_atomic(path: Path, data: bytes, *, mode: int = 0o644, durable: bool = True) -> None:
    """Replace ``path`` with ``data``: afterwards it holds all of the old bytes or all of the new.

    ``durable=False`` leaves out the syncs: for what can be rebuilt (caches, projections).

    Raises:
        StorageError: The disk refused; no temporary file is left.
    """
    temporary = path.with_name(f".{path.name}.{os.urandom(6).hex()}.tmp")
    with storage_errors(path):
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                temporary.unlink()
            raise
        if durable:
            sync_directory(path.parent)


def write_new(path: Path, data: bytes, *, mode: int = 0o644) -> bool:
    """Give ``path`` the content ``data``, wholly or not at all, unless something stands there.

    Returns:
        Whether it was written; False where something stood there, which is left as it is.

    Raises:
        StorageError: The disk refused; no temporary file is left.
    """
    temporary = path.with_name(f".{path.name}.{os.urandom(6).hex()}.tmp")
    write_atomic(temporary, data, mode=mode)
    with storage_errors(path):
        try:
            os.link(temporary, path)  # Unlike a rename, it never replaces.
        except FileExistsError:
            return False
        finally:
            temporary.unlink()
        sync_directory(path.parent)
    return True


_TEMPORARY = r"\.(.+)\.[0-9a-f]{12}\.tmp"


def remove_temporaries(folder: Path, names: Collection[str] = ()) -> None:
    """Delete what killed writers of files with these names, or all, left in ``folder``.

    Nobody may be writing one of them now. Nothing happens where there is no such folder.

    Raises:
        StorageError: The disk refused.
    """
    with storage_errors(folder), contextlib.suppress(FileNotFoundError):
        for name in os.listdir(folder):  # noqa: PTH208 - names, not paths
            match = re.fullmatch(_TEMPORARY, name)
            if match is not None and (not names or match[1] in names):
                (folder / name).unlink()


def sync_filesystem(path: Path) -> None:
    """Make everything written so far to the file system of ``path`` durable, in one call.

    On Linux this is ``syncfs(2)``: one wait for a whole tree in place of one per file. Elsewhere it
    is ``sync(2)``.

    Raises:
        StorageError: The kernel reports a write that failed.
    """
    if not sys.platform.startswith("linux"):
        if hasattr(os, "sync"):
            os.sync()
        return
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    with storage_errors(path):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            if libc.syncfs(descriptor) != 0:
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number), str(path))
        finally:
            os.close(descriptor)


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals about ``path`` into :class:`StorageError`."""
    try:
        yield
    except OSError as error:
        raise storage_error(error, path) from error


def storage_error(error: OSError, path: Path) -> StorageError:
    """The words and the hint for an ``OSError`` met while writing."""
    import errno

    where = str(error.filename or path)
    reason = error.strerror or str(error)
    known = {
        errno.ENOSPC: ("DISK_FULL", "free some space and run the command again"),
        errno.EDQUOT: ("DISK_FULL", "your quota is used up: free some space and try again"),
        errno.EROFS: ("READ_ONLY", "the file system is mounted read-only"),
        errno.EACCES: ("NOT_PERMITTED", "check who owns the folder and its mode"),
        errno.EPERM: ("NOT_PERMITTED", "check who owns the folder and its mode"),
        errno.ENOENT: ("NO_SUCH_FILE", "check the path"),
        errno.EISDIR: ("NOT_A_FILE", "a folder stands where a file has to be"),
        errno.ENOTDIR: ("NOT_A_FOLDER", "a file stands where a folder has to be: move it away"),
        errno.EMFILE: ("TOO_MANY_FILES", "raise the limit on open files (ulimit -n)"),
        errno.ENFILE: ("TOO_MANY_FILES", "the system has too many open files"),
    }
    code, hint = known.get(
        error.errno or 0, ("STORAGE", "check the disk and run the command again")
    )
    return StorageError(f"{where}: {reason}", code=code, hint=hint)
