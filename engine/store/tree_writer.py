"""Writing the files of a tree below one folder, through directory descriptors only.

No step of a path is followed if it is a link, no file is written that exists: whatever else goes on
in that folder, nothing is written outside it.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

FILE_MODE = 0o444
EXECUTABLE_MODE = 0o555
DIRECTORY_MODE = 0o755

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN_FOLDERS = 128


class TreeWriter:
    """Creates files below ``root``, an existing folder, and the folders they need."""

    def __init__(self, root: Path) -> None:
        self._root = os.open(root, _FOLDER)
        self._folders: dict[str, int] = {}
        self._as_asked: set[int] = set()

    def write(self, path: str, content: bytes, *, executable: bool) -> None:
        """Create the file ``path`` (relative, with ``/``) with ``content``.

        Raises:
            OSError: It exists, or the disk refused.
        """
        self.write_pieces(path, (content,), executable=executable)

    def write_pieces(self, path: str, pieces: Iterable[bytes], *, executable: bool) -> None:
        """As :meth:`write`, in pieces; after an exception the file may be partial."""
        folder, _, name = path.rpartition("/")
        mode = EXECUTABLE_MODE if executable else FILE_MODE
        descriptor = os.open(name, _CREATE, mode, dir_fd=self._folder(folder))
        try:
            for piece in pieces:
                written = os.write(descriptor, piece)
                while written < len(piece):
                    written += os.write(descriptor, memoryview(piece)[written:])
            self._settle_mode(descriptor, mode)
        finally:
            os.close(descriptor)

    def _settle_mode(self, descriptor: int, mode: int) -> None:
        """Let the mask of the process not leak into the store.

        A mode that it let pass once it lets pass again: nothing here changes it, and a call for
        each of thousands of files is saved.
        """
        if mode in self._as_asked:
            return
        if stat.S_IMODE(os.fstat(descriptor).st_mode) == mode:
            self._as_asked.add(mode)
        else:
            os.fchmod(descriptor, mode)

    def _folder(self, path: str) -> int:
        """The descriptor of a folder below the root, made where it is missing."""
        if not path:
            return self._root
        descriptor = self._folders.get(path)
        if descriptor is None:
            parent, _, name = path.rpartition("/")
            above = self._folder(parent)
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, DIRECTORY_MODE, dir_fd=above)
            descriptor = os.open(name, _FOLDER, dir_fd=above)
            self._settle_mode(descriptor, DIRECTORY_MODE)
            self._make_room()
            self._folders[path] = descriptor
        return descriptor

    def _make_room(self) -> None:
        if len(self._folders) >= _OPEN_FOLDERS:
            for descriptor in self._folders.values():
                os.close(descriptor)
            self._folders.clear()

    def close(self) -> None:
        """Let go of all folders."""
        for descriptor in self._folders.values():
            os.close(descriptor)
        self._folders.clear()
        os.close(self._root)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
