"""What of the ledger has been checked already: ``ledger.seen`` beside it, a cache.

Digesting every line at every command costs seconds in a long history. So whoever has found the
ledger whole to its end leaves here what the file then looked like from outside: device, inode,
size, both times. While it looks the same, its lines are the same. Our own appends carry this on.
Anything else that happens to the file shows in one of the five, and then everything is checked.

Two changes within one tick of the kernel's clock could leave the same times. So after an append the
time of modification is set a microsecond back, to one that no later write can set; and a file that
others wrote is not noted until it has been left alone for longer than any file system's tick.

After the machine went down everything is checked, too: what was appended without a sync may have
come back as something else of the same size, with the times it had.

Not synced. Deleting or spoiling it costs one full check. Forging it hides a change from ordinary
commands, as writing the whole ledger anew does: against somebody who can write here there are
checkpoints kept elsewhere, and ``ppm ledger verify``, which reads every line and not this file.
"""

import os
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

import msgspec

from ppm.engine.errors import StorageError
from ppm.engine.files import write_atomic

_FORMAT = "ppm-seen/1"
_LARGEST_FILE = 4096
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_MICROSECOND_NS = 1_000
_SETTLED_NS = 2_100_000_000  # The coarsest times in use (FAT) have two seconds.


class Stamp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file from outside. ``identity`` is the boot, device and inode; times in nanoseconds.

    In the cache file: a ledger that looks like this has whole lines to its end.
    """

    identity: str
    size: int
    mtime_ns: int
    ctime_ns: int
    format: str = _FORMAT


def stamp_of(descriptor: int) -> Stamp:
    """The open file as it is now."""
    status = os.fstat(descriptor)
    identity = f"{_boot()}:{status.st_dev}:{status.st_ino}"
    return Stamp(identity, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


@cache
def _boot() -> str:
    """Which run of the machine this is, ``""`` where the system has no name for it."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def mark(descriptor: int, path: Path) -> Stamp | None:
    """Give the file that was just written to a time that no other write can give it.

    Returns:
        The file as it is afterwards; None where its times cannot be set so finely, or not by us.
    """
    status = os.fstat(descriptor)
    unique = status.st_mtime_ns - _MICROSECOND_NS
    try:
        file = descriptor if os.utime in os.supports_fd else path
        os.utime(file, ns=(status.st_atime_ns, unique))
    except OSError:
        return None
    stamp = stamp_of(descriptor)
    return stamp if stamp.mtime_ns == unique else None


def settled(stamp: Stamp) -> bool:
    """Whether a change from now on would show in the file's times."""
    return time.time_ns() - max(stamp.mtime_ns, stamp.ctime_ns) > _SETTLED_NS


def recall(path: Path) -> Stamp | None:
    """What the cache file says; None for anything that is not one."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags)
        try:
            data = os.read(descriptor, _LARGEST_FILE)
        finally:
            os.close(descriptor)
        return msgspec.json.decode(data, type=Stamp)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None  # A cache: whatever is wrong with it, everything is checked.


def remember(path: Path, stamp: Stamp) -> None:
    """Write the cache file; where that is not possible there is none."""
    with suppress(StorageError):
        write_atomic(path, msgspec.json.encode(stamp) + b"\n", durable=False)
