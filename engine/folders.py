"""What is in a folder, and taking a folder away: plain loops for thousands of files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from stat import S_ISDIR, S_ISLNK, S_ISREG, S_IXUSR
from typing import NamedTuple

FILE, LINKED, OTHER = "file", "link", "special"


class Found(NamedTuple):
    """Something in a folder that is no folder.

    ``path`` is relative, with ``/``. ``kind`` is ``file``, ``link`` or ``special``. ``inode`` tells
    the names of one file from those of others.
    """

    path: str
    kind: str
    executable: bool
    size: int
    inode: tuple[int, int]


def walk(root: str, *, leave_out: str = "") -> Iterator[Found]:
    """Everything below ``root`` that is no folder, except what is in folders named ``leave_out``.

    Links are not followed.

    Raises:
        OSError: Something cannot be read.
    """
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        with os.scandir(f"{root}/{prefix}") as items:
            for item in items:
                path = prefix + item.name
                status = item.stat(follow_symlinks=False)
                if S_ISDIR(status.st_mode):
                    if item.name != leave_out:
                        waiting.append(path + "/")
                    continue
                yield Found(
                    path,
                    _kind(status.st_mode),
                    bool(status.st_mode & S_IXUSR),
                    status.st_size,
                    (status.st_dev, status.st_ino),
                )


def _kind(mode: int) -> str:
    if S_ISREG(mode):
        return FILE
    return LINKED if S_ISLNK(mode) else OTHER


def remove_tree(root: Path) -> int:
    """Delete a folder and all in it, also if somebody else deletes it, too.

    Of a link in its place, and of links in it, the link goes and what it leads to stays.

    Returns:
        How many bytes of the disk that set free: files with another name are still there.

    Raises:
        OSError: Something cannot be deleted.
    """
    if root.is_symlink() or not root.is_dir():
        return remove_file(str(root))
    freed = 0
    for folder, folders, files in os.walk(root, topdown=False):
        for name in files:
            freed += remove_file(f"{folder}/{name}")
        for name in folders:
            path = f"{folder}/{name}"
            if os.path.islink(path):  # noqa: PTH114 - thousands of them
                freed += remove_file(path)
            else:
                _remove_folder(path)
    _remove_folder(str(root))
    return freed


def remove_file(path: str) -> int:
    """Delete a file or link unless it is gone; how many bytes that set free."""
    try:
        status = os.lstat(path)
        os.unlink(path)  # noqa: PTH108 - thousands of them
    except FileNotFoundError:
        return 0
    return status.st_blocks * 512 if status.st_nlink == 1 else 0


def _remove_folder(path: str) -> None:
    try:
        os.rmdir(path)  # noqa: PTH106 - as above
    except FileNotFoundError:
        return
