"""One call of a build backend: a process group with a time limit and a memory of what it said."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

import anyio
import anyio.abc
import anyio.to_thread

from ppm.engine.build.model import HookLimits

_READ = 64 * 1024
_POLL = 0.1
_POLL_SILENT = 0.01
_DRAIN = 1.0


class HookFailed(Exception):  # noqa: N818 - named in the past tense, as what happened
    """The process ended with another status than 0; negative for a signal."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


class HookTimedOut(Exception):  # noqa: N818 - as above
    """The process took longer than it may."""


class HookProcess:
    """Runs one command; made for one call.

    The group is killed when the command ends, too, so that nothing it started in the background
    outlives it.
    """

    def __init__(self, environ: Mapping[str, str], limits: HookLimits) -> None:
        self._environ = environ
        self._limits = limits
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._killed = False
        self._tail = bytearray()

    @property
    def log(self) -> str:
        """The end of what the command and its children wrote to both outputs."""
        return self._tail.decode("utf-8", "replace")

    def run(
        self,
        cmd: Sequence[str],
        cwd: str | None = None,
        extra_environ: Mapping[str, str] | None = None,
    ) -> None:
        """A ``SubprocessRunner`` of pyproject_hooks. Blocks; called in a thread.

        Raises:
            HookFailed: Also after :meth:`kill`.
            HookTimedOut: The time is up; the group is dead.
        """
        output, theirs = os.pipe()
        try:
            try:
                process = self._start(cmd, cwd, {**self._environ, **(extra_environ or {})}, theirs)
            finally:
                os.close(theirs)
            try:
                in_time = self._listen(process, output)
            finally:
                status = self._end(process, output)
        finally:
            os.close(output)
        if not in_time:
            raise HookTimedOut
        if status or self._killed:
            raise HookFailed(status)

    def kill(self) -> None:
        """End the whole group at once, now or as soon as it starts."""
        with self._lock:
            self._killed = True
            if self._process is not None:
                _kill_group(self._process)

    async def kill_when_cancelled(self, *, task_status: anyio.abc.TaskStatus[None]) -> None:
        """Wait for ever, and kill when that is over."""
        try:
            task_status.started()
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(self.kill)

    def _start(
        self, cmd: Sequence[str], cwd: str | None, environ: Mapping[str, str], output: int
    ) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._killed:
                raise HookFailed(-signal.SIGKILL)
            self._process = subprocess.Popen(  # noqa: S603 - what builds is meant to run
                list(cmd),
                cwd=cwd,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                umask=0o022,
            )
            return self._process

    def _listen(self, process: subprocess.Popen[bytes], output: int) -> bool:
        """Remember what it says until it ends; whether that was in time."""
        deadline = time.monotonic() + self._limits.seconds
        with _selector(output) as selector:
            speaks = True
            while not _has_ended(process):
                if time.monotonic() > deadline:
                    return False
                if not speaks:
                    time.sleep(_POLL_SILENT)
                elif selector.select(_POLL):
                    speaks = self._take(output)
        return True

    def _end(self, process: subprocess.Popen[bytes], output: int) -> int:
        """Kill what is left of the group, reap it, take its last words; its status."""
        with self._lock:
            # Not reaped yet: the number cannot be that of another group.
            _kill_group(process)
            status = process.wait()
            self._process = None
        # A child that left the group may hold the pipe open for ever.
        deadline = time.monotonic() + _DRAIN
        with _selector(output) as selector:
            while time.monotonic() < deadline and selector.select(_POLL) and self._take(output):
                pass
        return status

    def _take(self, output: int) -> bool:
        data = os.read(output, _READ)
        self._tail += data
        del self._tail[: -self._limits.log_size]
        return bool(data)


@contextmanager
def _selector(output: int) -> Iterator[selectors.BaseSelector]:
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        yield selector


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether it has ended, without reaping it."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
