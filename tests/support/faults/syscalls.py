"""The system calls that change a file system (x86-64), and the errors each may honestly return."""

from __future__ import annotations

import errno
import os

NUMBERS = {
    "write": 1,
    "open": 2,
    "pwrite64": 18,
    "writev": 20,
    "sendfile": 40,
    "flock": 73,
    "fsync": 74,
    "fdatasync": 75,
    "truncate": 76,
    "ftruncate": 77,
    "rename": 82,
    "mkdir": 83,
    "rmdir": 84,
    "creat": 85,
    "link": 86,
    "unlink": 87,
    "symlink": 88,
    "chmod": 90,
    "fchmod": 91,
    "sync": 162,
    "openat": 257,
    "mkdirat": 258,
    "unlinkat": 263,
    "renameat": 264,
    "linkat": 265,
    "symlinkat": 266,
    "fchmodat": 268,
    "utimensat": 280,
    "fallocate": 285,
    "pwritev": 296,
    "syncfs": 306,
    "renameat2": 316,
    "copy_file_range": 326,
    "pwritev2": 328,
    "openat2": 437,
    "fchmodat2": 452,
}
NAMES = {number: name for name, number in NUMBERS.items()}

OPENS = frozenset({"open", "openat"})
WRITES = frozenset({"write", "pwrite64", "writev", "pwritev", "pwritev2"})
SYNCS = frozenset({"fsync", "fdatasync", "syncfs", "sync"})
RENAMES = frozenset({"rename", "renameat", "renameat2"})
LINKS = frozenset({"link", "linkat"})
SYMLINKS = frozenset({"symlink", "symlinkat"})
UNLINKS = frozenset({"unlink", "unlinkat", "rmdir"})
MKDIRS = frozenset({"mkdir", "mkdirat"})
MODES = frozenset({"chmod", "fchmod", "fchmodat", "fchmodat2", "utimensat"})
TRUNCATES = frozenset({"truncate", "ftruncate"})

UNMODELLED = frozenset(
    {"sendfile", "creat", "fallocate", "copy_file_range", "openat2", "writev", "pwritev"}
)
"""The program does not use them on its files; the model of the disk does not know them."""

MUTATING_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
WATCHED_FLAGS = MUTATING_FLAGS | os.O_DIRECTORY

_NAMING = OPENS | RENAMES | LINKS | SYMLINKS | MKDIRS
_CHANGING = _NAMING | UNLINKS | MODES | TRUNCATES

LEGAL: dict[str, frozenset[str]] = {
    "EIO": _CHANGING | WRITES | SYNCS,
    "ENOSPC": _NAMING | WRITES | frozenset({"fsync", "fdatasync", "syncfs"}),
    "EROFS": _CHANGING,
    "EMFILE": OPENS,
}
"""Each injected error and the calls that may return it (their manual pages)."""

ERRNO = {name: getattr(errno, name) for name in LEGAL}
