"""A piece of work in a forked copy of this process, while this one goes on.

The system does the work of thousands of links, and Python holds its lock around each: a thread
would only take turns with the others. Where forking is not safe (other threads run) or not there,
the work is done at once, in this process.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import msgspec

from ppm.engine.errors import EnvironmentFailure


class _Outcome(msgspec.Struct, frozen=True, array_like=True):
    """What came of it: an answer, the system's error, or a failure in words."""

    answer: str = ""
    error: int = 0
    path: str = ""
    message: str = ""
    code: str = ""
    hint: str = ""


@contextmanager
def begun(work: Callable[[], str]) -> Iterator[Callable[[], str]]:
    """Begin ``work`` beside the block; the function it gets waits for the answer.

    Work that is still going on when the block ends is ended with it.

    Raises:
        EnvironmentFailure, OSError: From that function (or at once): what ``work`` raised, or
            ``code="WORKER_DIED"``.
    """
    if sys.platform != "linux" or threading.active_count() > 1:
        answer = work()
        yield lambda: answer
        return
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        _work(work, writing)
    os.close(writing)
    running = True

    def wait() -> str:
        nonlocal running
        with open(reading, "rb", closefd=False) as answers:
            told = answers.read()
        os.waitpid(process, 0)
        running = False
        return _answer(told)

    try:
        yield wait
    finally:
        os.close(reading)
        if running:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)


def _work(work: Callable[[], str], writing: int) -> NoReturn:
    """The life of the copy. It ends without a word to anybody but its parent."""
    status = 1
    try:
        # Ctrl-C is for the parent, which ends this process with its block.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.write(writing, msgspec.msgpack.encode(_outcome(work)))
        status = 0
    finally:
        os._exit(status)


def _outcome(work: Callable[[], str]) -> _Outcome:
    try:
        return _Outcome(answer=work())
    except EnvironmentFailure as failure:
        return _Outcome(message=failure.message, code=failure.code, hint=failure.hint)
    except OSError as error:
        path = error.filename2 or error.filename or ""
        return _Outcome(error=error.errno or -1, path=os.fsdecode(path))


def _answer(told: bytes) -> str:
    if not told:
        raise EnvironmentFailure(
            "a process that puts files into the environment ended unexpectedly",
            code="WORKER_DIED",
            hint="it may have been killed for want of memory; run the command again",
        )
    outcome = msgspec.msgpack.decode(told, type=_Outcome)
    if outcome.code:
        raise EnvironmentFailure(outcome.message, code=outcome.code, hint=outcome.hint)
    if outcome.error:
        raise OSError(outcome.error, os.strerror(outcome.error), outcome.path)
    return outcome.answer
