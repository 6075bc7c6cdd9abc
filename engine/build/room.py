"""The folder of one build: everything it needs and makes, gone when the build is over."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.to_thread
import msgspec

from ppm.engine.environment.staging import staging
from ppm.engine.files import storage_errors


class Room(msgspec.Struct, frozen=True):
    """The places in it. The environment lies in it as in a project: ``.venv``."""

    root: Path

    @property
    def source(self) -> Path:
        """Where the source distribution is unpacked."""
        return self.root / "source"

    @property
    def output(self) -> Path:
        """Where the backend puts what it makes."""
        return self.root / "output"

    @property
    def temporary(self) -> Path:
        """For temporary files of what runs."""
        return self.root / "tmp"


@asynccontextmanager
async def build_room(builds: Path) -> AsyncIterator[Room]:
    """A fresh room in ``builds``, removed on every way out.

    If this process is killed, :func:`ppm.engine.environment.staging.remove_stale_in` removes it.

    Raises:
        StorageError: The disk refused.
    """
    folder = staging(builds)

    def enter() -> Room:
        with storage_errors(builds):
            room = Room(folder.__enter__())
            for path in (room.source, room.output, room.temporary):
                path.mkdir()
            return room

    def leave() -> None:
        _make_removable(room.root)
        folder.__exit__(None, None, None)

    room = await anyio.to_thread.run_sync(enter)
    try:
        yield room
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(leave)


def _make_removable(root: Path) -> None:
    """Some builds leave folders that not even their owner may change."""
    for parent, names, _ in os.walk(root):
        for name in names:
            path = os.path.join(parent, name)  # noqa: PTH118 - many, no pathlib in the loop
            if not os.path.islink(path):  # noqa: PTH114 - as above
                os.chmod(path, 0o700)  # noqa: PTH101 - as above
