"""The program, run once under watch: every change it asks of the file system is recorded, and may
be answered by its death or by an error.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import msgspec
from support.faults import zygote
from support.faults.notify import Caller, Notice, let_go_on, receive, refuse
from support.faults.syscalls import (
    ERRNO,
    LEGAL,
    LINKS,
    MKDIRS,
    MODES,
    MUTATING_FLAGS,
    OPENS,
    RENAMES,
    SYMLINKS,
    SYNCS,
    UNLINKS,
    WRITES,
)

_PATIENCE_S = 60.0
_CURRENT_FOLDER = 0xFFFFFF9C  # AT_FDCWD

Kind = Literal["kill", "kill-one", "meet", "EIO", "ENOSPC", "EROFS", "EMFILE"]


class Call(msgspec.Struct, frozen=True):
    """A change that the program asked for.

    ``path`` and ``other`` are absolute, ``other`` the second name or a link's target. ``offset`` is
    -1 for the end of the file. ``number`` holds what the call has of flags, a mode or a length.
    """

    name: str
    thread: int
    path: str
    other: str = ""
    data: bytes = b""
    offset: int = -1
    number: int = 0
    mode: int = 0


class Fault(msgspec.Struct, frozen=True):
    """What befalls the program at its change number ``at`` (from 1), for errors maybe from then on.

    ``kill`` ends it with all its processes, ``kill-one`` only the process that asks. ``meet`` lets
    something else happen before the change.
    """

    kind: Kind
    at: int
    persistent: bool = False

    def __str__(self) -> str:
        return f"{self.kind}{' from' if self.persistent else ''} at {self.at}"


class Run(msgspec.Struct, frozen=True):
    """How it went. ``status`` is negative for a signal; ``struck`` whether the fault happened."""

    status: int
    out: str
    err: str
    calls: list[Call]
    struck: bool
    hung: bool


class Program:
    """The program in one folder, with its environment; see :mod:`support.faults.zygote`.

    Args:
        folder: Where it runs.
        roots: The folders below which changes count.
        scratch: Where its output goes.
        environ: Its environment variables.
        boot_id: The file in place of the kernel's.
        sources: A folder with a changed ``ppm`` package to run in place of the installed one.
    """

    def __init__(
        self,
        folder: Path,
        *,
        roots: Sequence[Path],
        scratch: Path,
        environ: Mapping[str, str],
        boot_id: Path,
        sources: Path | None = None,
    ) -> None:
        self._folder = folder
        self._roots = tuple(f"{root}/" for root in roots)
        self.output = scratch / "out"
        self._errors = scratch / "err"
        self._channel, other = socket.socketpair()
        tests = Path(zygote.__file__).parents[2]
        paths = [str(tests)] if sources is None else [str(sources), str(tests)]
        self._process = subprocess.Popen(
            [sys.executable, zygote.__file__, str(other.fileno()), str(boot_id)],
            env={**environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"},
            pass_fds=[other.fileno()],
            stdin=subprocess.DEVNULL,
        )
        other.close()
        try:
            self.engine = Path(self._answer()["engine"])
        except ChildProcessError:
            self.__exit__(None, None, None)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._channel.close()
        self._process.wait(10)

    def _answer(self) -> dict[str, str]:
        answer: dict[str, str] = json.loads(self._channel.recv(65536) or b"{}")
        if not answer:
            raise ChildProcessError("the process that forks the program has died")
        return answer

    def run(
        self,
        *arguments: str,
        fault: Fault | None = None,
        meanwhile: Callable[[], object] | None = None,
    ) -> Run:
        """Run one command to its end, whatever that is; ``meanwhile`` is what it meets."""
        request = {
            "arguments": arguments,
            "folder": str(self._folder),
            "out": str(self.output),
            "err": str(self._errors),
        }
        self._channel.sendall(json.dumps(request).encode())
        message, descriptors, _, _ = socket.recv_fds(self._channel, 4096, 1)
        if not descriptors:
            raise ChildProcessError(f"no listener: {message!r} {self._errors.read_text()}")
        process = json.loads(message)["process"]
        watch = _Watch(descriptors[0], process, self._roots, str(self.output), fault)
        watch.meanwhile = meanwhile
        try:
            hung = watch.until_all_have_ended()
        finally:
            os.close(descriptors[0])
        status = int(self._answer()["status"])
        out, err = (path.read_text("utf-8", "replace") for path in (self.output, self._errors))
        return Run(status, out, err, watch.calls, watch.struck, hung)

    def ok(self, *arguments: str) -> Run:
        """A run that has to succeed."""
        done = self.run(*arguments)
        if done.status != 0:
            raise AssertionError(f"{arguments}: {done.status}\n{done.out}\n{done.err}")
        return done


class _Watch:
    """Answers the questions of one run."""

    def __init__(
        self, listener: int, process: int, roots: tuple[str, ...], output: str, fault: Fault | None
    ) -> None:
        self.calls: list[Call] = []
        self.struck = False
        self.meanwhile: Callable[[], object] | None = None
        self._listener = listener
        self._process = process
        self._roots = roots
        self._output = output
        self._fault = fault

    def until_all_have_ended(self) -> bool:
        """Answer until no watched process is left; whether they had to be ended by us."""
        waiting = select.poll()
        waiting.register(self._listener, select.POLLIN)
        deadline = time.monotonic() + _PATIENCE_S
        hung = False
        while True:
            for _, event in waiting.poll(1000):
                if event & select.POLLIN:
                    notice = receive(self._listener)
                    if notice is not None:
                        self._decide(notice)
                elif event & select.POLLHUP:
                    return hung
            if time.monotonic() > deadline and not hung:
                hung = True
                self._kill_all()

    def _decide(self, notice: Notice) -> None:
        try:
            call = describe(notice)
        except (OSError, ValueError):
            call = None  # It has died, or passes what the kernel will refuse.
        if call is None or not self._counts(call):
            let_go_on(self._listener, notice)
            return
        self.calls.append(call)
        action = self._strikes(call)
        if action == "meet" and self.meanwhile is not None:
            self.meanwhile()
            action = None
        if action is None:
            let_go_on(self._listener, notice)
        elif action == "kill":
            self._kill_all()
        elif action == "kill-one":
            os.kill(_process_of(notice.thread), signal.SIGKILL)
        else:
            refuse(self._listener, notice, ERRNO[action])

    def _counts(self, call: Call) -> bool:
        return (
            call.path == self._output
            or f"{call.path}/".startswith(self._roots)
            or (call.name in RENAMES | LINKS and call.other.startswith(self._roots))
        )

    def _strikes(self, call: Call) -> str | None:
        fault = self._fault
        if fault is None or len(self.calls) < fault.at or call.path == self._output:
            return None
        if self.struck and not fault.persistent:
            return None
        if fault.kind in LEGAL and not may_fail(call, fault.kind):
            return None
        self.struck = True
        return fault.kind

    def _kill_all(self) -> None:
        os.killpg(self._process, signal.SIGKILL)


def may_fail(call: Call, error: str) -> bool:
    """Whether the system may answer ``call`` with ``error``."""
    reads = call.name in OPENS and not call.number & MUTATING_FLAGS
    if reads and error in ("ENOSPC", "EROFS"):
        return False
    return call.name in LEGAL[error]


def mutates(call: Call) -> bool:
    """Whether the disk may be another one after it: all but locks and folders opened to be read."""
    if call.name in OPENS:
        return bool(call.number & MUTATING_FLAGS)
    return True


def _process_of(thread: int) -> int:
    status = Path(f"/proc/{thread}/status").read_text()
    return int(status.partition("\nTgid:")[2].split()[0])


def describe(notice: Notice) -> Call | None:  # noqa: C901, PLR0911 - one line for each shape of call
    """The call with its names and bytes read out of its process."""
    caller, name = Caller(notice.thread), notice.name
    first, second, third, fourth, fifth, _ = notice.arguments

    def call(path: str, other: str = "", **more: object) -> Call:
        return Call(name, notice.thread, path, other, **more)  # type: ignore[arg-type]

    here = _CURRENT_FOLDER
    if name == "openat":
        return call(caller.path(first, second), number=third, mode=fourth)
    if name == "open":
        return call(caller.path(here, first), number=second, mode=third)
    if name in WRITES:
        at = fourth if name == "pwrite64" else caller.position(first)
        path = caller.opened(first)
        return call(path, data=caller.read(second, third), offset=at) if path[:1] == "/" else None
    if name in SYNCS or name in ("flock", "fchmod", "ftruncate"):
        return call(caller.opened(first), number=second)
    if name in ("mkdir", "chmod", "truncate", "rmdir", "unlink", "creat"):
        return call(caller.path(here, first), number=second)
    if name in MKDIRS | UNLINKS | MODES:
        return call(caller.path(first, second), number=third) if second else None
    if name in ("rename", "link"):
        return call(caller.path(here, first), caller.path(here, second))
    if name in RENAMES | LINKS:
        return call(caller.path(first, second), caller.path(third, fourth), number=fifth)
    if name == "symlink":
        return call(caller.path(here, second), caller.string(first))
    if name in SYMLINKS:
        return call(caller.path(second, third), caller.string(first))
    return call(caller.opened(first))
