"""What runs in an unpacking process: a job comes in over a pipe, one short answer goes out."""

from __future__ import annotations

import os
import signal
import traceback
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec

from ppm.engine.errors import ArtifactError, PpmError, StorageError
from ppm.engine.store import split
from ppm.engine.store.archive import Limits
from ppm.engine.store.unpack import unpack_wheel
from ppm.engine.store.wheel import Identity
from ppm.engine.store.wheels import WheelStore

_LONGEST_MESSAGE = 4000


class Whole(msgspec.Struct, frozen=True, tag=True):
    """Unpack a wheel."""

    sha256: str
    identity: Identity
    limits: Limits


class Begin(msgspec.Struct, frozen=True, tag=True):
    """Plan a wheel that several will unpack."""

    sha256: str
    identity: Identity
    limits: Limits


class Part(msgspec.Struct, frozen=True, tag=True):
    """Unpack a part of such a wheel; part -1 is to check the blob's digest."""

    sha256: str
    staging: str
    part: int


class Finish(msgspec.Struct, frozen=True, tag=True):
    """Put such a wheel into place."""

    sha256: str
    staging: str


class Discard(msgspec.Struct, frozen=True, tag=True):
    """Delete what there is of such a wheel."""

    staging: str


Job = Whole | Begin | Part | Finish | Discard

CHECK = -1


class Request(msgspec.Struct, frozen=True):
    """A job under a number that the answer repeats."""

    number: int
    job: Job


class Answer(msgspec.Struct, frozen=True):
    """How a job went: ``error`` names the exception's class and is empty where all is well.

    ``staging`` and ``parts`` answer :class:`Begin`.
    """

    number: int
    staging: str = ""
    parts: int = 0
    error: str = ""
    message: str = ""
    code: str = ""
    hint: str = ""

    def raise_error(self) -> None:
        """Raise what the job raised, if it did."""
        if self.error:
            kinds: dict[str, type[PpmError]] = {
                kind.__name__: kind for kind in (ArtifactError, StorageError)
            }
            kind = kinds.get(self.error, PpmError)
            raise kind(self.message, code=self.code, hint=self.hint)


def serve(
    connection: Connection, root: Path, owner: str, inherited: tuple[Connection, ...]
) -> None:
    """Answer requests until the other end is closed.

    Args:
        connection: This end of the pipe.
        root: The store's folder.
        owner: Marks staging folders.
        inherited: Pipe ends that a fork brought along. They are closed, or else a pipe would stay
            open after the death of the program at its end.
    """
    # Ctrl-C reaches the whole process group: the parent decides what becomes of its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for other in inherited:
        other.close()
    store = WheelStore(root, owner=owner)
    decoder = msgspec.msgpack.Decoder(Request)
    try:
        while True:
            request = decoder.decode(connection.recv_bytes())
            connection.send_bytes(msgspec.msgpack.encode(_answer(store, request)))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def _answer(store: WheelStore, request: Request) -> Answer:
    try:
        return _do(store, request.number, request.job)
    except PpmError as error:
        return Answer(
            request.number,
            error=type(error).__name__,
            message=error.message[:_LONGEST_MESSAGE],
            code=error.code,
            hint=error.hint,
        )
    except Exception:  # noqa: BLE001 - a mistake of ours is told by the parent, not by a dead worker
        text = traceback.format_exc()[-_LONGEST_MESSAGE:]
        return Answer(request.number, error="PpmError", message=text, code="WORKER_FAILED")


def _do(store: WheelStore, number: int, job: Job) -> Answer:
    match job:
        case Whole():
            identity = job.identity
            unpack_wheel(
                store,
                job.sha256,
                identity.filename,
                identity.name,
                identity.version,
                limits=job.limits,
            )
        case Begin():
            staging, parts = split.begin(store, job.sha256, job.identity, job.limits)
            return Answer(number, staging=os.fspath(staging), parts=parts)
        case Part():
            if job.part == CHECK:
                split.check(store, job.sha256)
            else:
                split.unpack_part(store, job.sha256, Path(job.staging), job.part)
        case Finish():
            split.finish(store, job.sha256, Path(job.staging))
        case Discard():
            store.discard(Path(job.staging))
    return Answer(number)
