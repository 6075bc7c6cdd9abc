"""Unpacking in other processes, for as long as one command runs.

Enter the pool before any thread or event loop starts: on Linux its processes are forked, which is
only safe while the program has one thread (with more, and elsewhere, they are spawned).
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self

import anyio
import anyio.to_thread
import msgspec

from ppm.engine.errors import PpmError
from ppm.engine.store.archive import Limits
from ppm.engine.store.model import WheelTree
from ppm.engine.store.unpack import unpack_wheel, unpacked
from ppm.engine.store.wheel import Identity, wheel_identity
from ppm.engine.store.wheels import WheelStore
from ppm.engine.store.worker_process import (
    CHECK,
    Answer,
    Begin,
    Discard,
    Finish,
    Job,
    Part,
    Request,
    Whole,
    serve,
)

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

# A wheel of this many bytes is worth planning apart and unpacking by several.
_LARGE = 8 * 2**20
_PATIENCE = 5.0

_answers = msgspec.msgpack.Decoder(Answer)


class _Worker:
    """One process, the pipe to it, and how many of its answers nobody waits for any more."""

    def __init__(self, process: BaseProcess, connection: Connection) -> None:
        self.process = process
        self.connection = connection
        self.sent = 0
        self.answered = 0

    async def call(self, job: Job) -> Answer:
        """Send a job and wait for its answer, past those of calls that were cancelled.

        Raises:
            PpmError: What the job raised, or ``WORKER_DIED``.
        """
        self.sent += 1
        try:
            # Far below what a pipe holds: neither end ever waits for the other to read.
            self.connection.send_bytes(msgspec.msgpack.encode(Request(self.sent, job)))
            while self.answered < self.sent:
                await anyio.wait_readable(self.connection.fileno())
                answer = _answers.decode(self.connection.recv_bytes())
                self.answered = answer.number
        except (EOFError, OSError) as error:
            raise _died() from error
        answer.raise_error()
        return answer

    def stop(self) -> None:
        """End the process: by the end of its pipe if it is idle, else by a signal."""
        self.connection.close()
        if self.answered < self.sent:
            self.process.terminate()
        self.process.join(_PATIENCE)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.process.close()


class UnpackPool:
    """Unpacks wheels of one store in other processes, one per processor unless said otherwise.

    No processes, ``processes=0``, means a thread of this one: enough for a few small wheels.
    """

    def __init__(
        self, store: WheelStore, *, processes: int | None = None, limits: Limits | None = None
    ) -> None:
        self._store = store
        self._processes = processes if processes is not None else os.cpu_count() or 1
        self._limits = limits or Limits()
        self._owner = secrets.token_hex(8)
        self._workers: list[_Worker] = []
        self._idle: deque[_Worker] = deque()
        self._waiting: deque[anyio.Event] = deque()

    def __enter__(self) -> Self:
        for _ in range(self._processes):
            self._workers.append(self._start())
        self._idle.extend(self._workers)
        return self

    def _start(self) -> _Worker:
        import multiprocessing

        ours, theirs = multiprocessing.Pipe()
        inherited = (ours, *(worker.connection for worker in self._workers))
        process: BaseProcess
        if sys.platform == "linux" and threading.active_count() == 1:
            process = multiprocessing.get_context("fork").Process(
                target=serve, args=(theirs, self._store.root, self._owner, inherited), daemon=True
            )
        else:
            process = multiprocessing.get_context("spawn").Process(
                target=serve, args=(theirs, self._store.root, self._owner, ()), daemon=True
            )
        with _without_interrupts():
            process.start()
        theirs.close()
        return _Worker(process, ours)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in self._workers:
            worker.stop()
        self._workers.clear()
        self._idle.clear()
        # What a cancelled or killed worker was building.
        self._store.discard_staging(self._owner)

    async def unpack(self, sha256: str, filename: str, name: str, version: str) -> WheelTree:
        """As :func:`ppm.engine.store.unpack.unpack_wheel`, without blocking the event loop.

        Cancelling lets the worker end its job unheeded.

        Raises:
            ArtifactError: As there.
            StorageError: As there.
            PpmError: ``WORKER_DIED``.
        """
        if not self._processes:
            return await anyio.to_thread.run_sync(
                lambda: unpack_wheel(
                    self._store, sha256, filename, name, version, limits=self._limits
                )
            )
        identity = wheel_identity(filename, name, version)
        tree, size = await anyio.to_thread.run_sync(self._look_up, sha256, identity)
        if tree is None:
            if size >= _LARGE and self._processes > 1:
                await self._split(sha256, identity)
            else:
                await self._call(Whole(sha256, identity, self._limits))
            tree, _ = await anyio.to_thread.run_sync(self._look_up, sha256, identity)
        if tree is None:
            raise PpmError(f"{filename} vanished from the store", code="STORE_CHANGED")
        return tree

    def _look_up(self, sha256: str, identity: Identity) -> tuple[WheelTree | None, int]:
        tree = unpacked(self._store, sha256, identity)
        return tree, 0 if tree else self._store.blobs.size(sha256)

    async def _split(self, sha256: str, identity: Identity) -> None:
        begun = await self._call(Begin(sha256, identity, self._limits))
        failures: list[PpmError] = []

        async def part(number: int) -> None:
            if failures:
                return
            try:
                await self._call(Part(sha256, begun.staging, number))
            except PpmError as error:
                failures.append(error)

        async with anyio.create_task_group() as tasks:
            for number in range(CHECK, begun.parts):
                tasks.start_soon(part, number)
        if not failures:
            await self._call(Finish(sha256, begun.staging))
            return
        with contextlib.suppress(PpmError):  # leaving the pool deletes it, too
            await self._call(Discard(begun.staging))
        raise failures[0]

    async def _call(self, job: Job) -> Answer:
        worker = await self._acquire()
        try:
            return await worker.call(job)
        except PpmError as error:
            if error.code == _DIED:
                self._workers.remove(worker)
                await anyio.to_thread.run_sync(worker.stop)
            raise
        finally:
            self._release(worker)

    async def _acquire(self) -> _Worker:
        while not self._idle:
            if not self._workers:
                raise _died()
            event = anyio.Event()
            self._waiting.append(event)
            try:
                await event.wait()
            except BaseException:
                # A cancelled waiter passes on the turn that it may have got already.
                if event.is_set():
                    self._wake(1)
                else:
                    self._waiting.remove(event)
                raise
        return self._idle.popleft()

    def _release(self, worker: _Worker) -> None:
        if worker in self._workers:
            self._idle.append(worker)
            self._wake(1)
        else:
            # One worker less; if it was the last, all who wait must hear of it.
            self._wake(len(self._waiting))

    def _wake(self, count: int) -> None:
        for _ in range(min(count, len(self._waiting))):
            self._waiting.popleft().set()


_DIED = "WORKER_DIED"


def _died() -> PpmError:
    return PpmError(
        "a process that unpacks wheels ended unexpectedly",
        code=_DIED,
        hint="it may have been killed for want of memory; run the command again",
    )


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """No Ctrl-C until a new process has learned to leave it to its parent."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
