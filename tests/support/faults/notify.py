"""The kernel asks us before each system call that changes a file system: seccomp notifications.

``install`` puts a filter on the calling process and all it starts, and gives the descriptor on
which the kernel then asks (seccomp_unotify(2)). Whoever holds it lets a call go on, or has it
return an error, or kills the caller while it waits.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import platform
import struct
import sys
from pathlib import Path

import msgspec
from support.faults.syscalls import NAMES, NUMBERS, OPENS, WATCHED_FLAGS

_NO_NEW_PRIVILEGES = 38
_SECCOMP = 317
_SET_MODE_FILTER = 1
_NEW_LISTENER = 8
_RECEIVE = 0xC0502100
_SEND = 0xC0182101
_CONTINUE = 1
_ASK, _ALLOW = 0x7FC00000, 0x7FFF0000
_X86_64 = 0xC000003E

_LOAD, _EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16


class Notice(msgspec.Struct, frozen=True):
    """A call that waits for our answer; ``thread`` is who makes it."""

    key: int
    thread: int
    name: str
    arguments: tuple[int, ...]


def unavailable() -> str:
    """Why this machine cannot do it, ``""`` if it can."""
    if not sys.platform.startswith("linux") or platform.machine() != "x86_64":
        return "system calls are watched on Linux, x86-64 only"
    actions = Path("/proc/sys/kernel/seccomp/actions_avail")
    if not actions.exists() or "user_notif" not in actions.read_text().split():
        return "this kernel gives no seccomp notifications"
    return ""


def install() -> int:
    """Watch this process from now on; the descriptor that :func:`receive` reads.

    Raises:
        OSError: The system does not let us.
    """
    program = _filter()
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(program, len(program))
    count = len(program) // 8
    argument = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", count, ctypes.addressof(buffer)))
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    listener = libc.syscall(_SECCOMP, _SET_MODE_FILTER, _NEW_LISTENER, ctypes.byref(argument))
    if listener < 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    return int(listener)


def _filter() -> bytes:
    """Ask about the calls of the table, of opening only where it writes or opens a folder."""
    steps: list[tuple[int, int, int, int]] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, _X86_64),
        (_RETURN, 0, 0, _ALLOW),
        (_LOAD, 0, 0, _NUMBER),
    ]
    for name, number in NUMBERS.items():
        if name in OPENS:
            flags = _ARGUMENTS + 8 * (2 if name == "openat" else 1)
            steps += [
                (_EQUAL, 0, 4, number),
                (_LOAD, 0, 0, flags),
                (_ANY_BIT, 0, 1, WATCHED_FLAGS),
                (_RETURN, 0, 0, _ASK),
                (_RETURN, 0, 0, _ALLOW),
            ]
        else:
            steps += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ASK)]
    steps.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("HBBI", *step) for step in steps)


def receive(listener: int) -> Notice | None:
    """The next call that waits; ``None`` if its caller died meanwhile."""
    buffer = bytearray(80)
    try:
        fcntl.ioctl(listener, _RECEIVE, buffer)
    except (FileNotFoundError, InterruptedError):
        return None
    key, thread, _flags, number, _arch, _ip, *arguments = struct.unpack("QIIiIQ6Q", buffer)
    return Notice(key, thread, NAMES[number], tuple(arguments))


def let_go_on(listener: int, notice: Notice) -> None:
    """The kernel carries the call out as if nobody had been asked."""
    _answer(listener, struct.pack("QqiI", notice.key, 0, 0, _CONTINUE))


def refuse(listener: int, notice: Notice, number: int) -> None:
    """The call does nothing and returns the error ``number``."""
    _answer(listener, struct.pack("QqiI", notice.key, 0, -number, 0))


def _answer(listener: int, response: bytes) -> None:
    try:
        fcntl.ioctl(listener, _SEND, bytearray(response))
    except FileNotFoundError:
        return  # The caller is dead.


class Caller:
    """What a waiting call's numbers mean in its process: paths, bytes, descriptors."""

    def __init__(self, thread: int) -> None:
        self._proc = Path(f"/proc/{thread}")

    def read(self, address: int, size: int) -> bytes:
        """Bytes of its memory."""
        with (self._proc / "mem").open("rb", buffering=0) as memory:
            memory.seek(address)
            return memory.read(size)

    def string(self, address: int) -> str:
        """A C string of its memory."""
        found = b""
        while b"\0" not in found:
            at = address + len(found)
            found += self.read(at, 4096 - at % 4096)
        return os.fsdecode(found.partition(b"\0")[0])

    def path(self, descriptor: int, address: int) -> str:
        """A path argument beside a folder's descriptor, absolute."""
        name = self.string(address)
        if name.startswith("/"):
            return os.path.normpath(name)
        descriptor = ctypes.c_int32(descriptor & 0xFFFFFFFF).value
        folder = str((self._proc / "cwd").readlink()) if descriptor < 0 else self.opened(descriptor)
        return os.path.normpath(f"{folder}/{name}")

    def opened(self, descriptor: int) -> str:
        """The path of what a descriptor is open on, as the kernel tells it now."""
        try:
            return str((self._proc / "fd" / str(descriptor & 0xFFFFFFFF)).readlink())
        except OSError:
            return ""  # The call will fail by itself.

    def position(self, descriptor: int) -> int:
        """Where the next write goes; -1 for the end of the file."""
        text = (self._proc / "fdinfo" / str(descriptor)).read_text()
        fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
        return -1 if int(fields["flags"], 8) & os.O_APPEND else int(fields["pos"])
