"""Files that are on this machine already: ``file://`` URLs and paths."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit
from urllib.request import url2pathname

import anyio

from ppm.engine.errors import IndexFailure
from ppm.engine.fetch.ranges import Body
from ppm.engine.fetch.refusals import missing
from ppm.engine.files import storage_errors
from ppm.engine.redact import redact_text
from ppm.engine.store.model import WantedFile

_BLOCK = 256 * 1024
_THIS_MACHINE = frozenset({"", "localhost"})


def local_path(url: str) -> Path | None:
    """The path that ``url`` names on this machine, ``None`` if it names something elsewhere.

    Raises:
        IndexFailure: ``INVALID_URL`` for a file on another machine (RFC 8089 §2).
    """
    parts = urlsplit(url)
    # One letter before the colon is a drive.
    if len(parts.scheme) <= 1:
        return Path(url)
    if parts.scheme != "file":
        return None
    if parts.netloc.lower() not in _THIS_MACHINE:
        raise IndexFailure(
            f"{redact_text(url)} names a file on another machine",
            code="INVALID_URL",
            hint="write file:///path",
        )
    return Path(url2pathname(parts.path))


async def open_local(wanted: WantedFile, path: Path) -> tuple[Body, AsyncIterator[bytes]]:
    """The file as if a server had sent it.

    Raises:
        ArtifactError: ``MISSING_FILE``.
        StorageError: It cannot be read.
    """

    def start() -> tuple[BinaryIO, int]:
        with storage_errors(path):
            file = path.open("rb", buffering=0)
            return file, os.fstat(file.fileno()).st_size

    try:
        file, size = await anyio.to_thread.run_sync(start)
    except Exception as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise missing(wanted) from error.__cause__
        raise
    return Body(start=0, total=size, validator=""), _blocks(file, path)


async def _blocks(file: BinaryIO, path: Path) -> AsyncIterator[bytes]:
    def read() -> bytes:
        with storage_errors(path):
            return file.read(_BLOCK)

    with file:
        while block := await anyio.to_thread.run_sync(read):
            yield block
