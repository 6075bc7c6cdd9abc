"""Small and read-only file systems, where the machine lets the test mount them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


class SmallDisk:
    """A file system of a few hundred kilobytes at ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._filler = path / "filler"

    def fill(self, leave: int = 0) -> None:
        """Take all space but ``leave`` bytes."""
        free = shutil.disk_usage(self.path).free
        with self._filler.open("wb") as file:
            file.write(bytes(max(0, free - leave)))

    def grow(self) -> None:
        """Make it large, as somebody who cleans up does."""
        self._filler.unlink(missing_ok=True)
        _mount("-o", "remount,size=64m", self.path)


@contextmanager
def small_disk(path: Path, size: str) -> Iterator[SmallDisk]:
    """Mount a tmpfs of ``size`` over ``path``, with what was in ``path`` before on it."""
    content = path.with_name(path.name + "-before")
    shutil.copytree(path, content, symlinks=True)
    _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", path)
    try:
        shutil.copytree(content, path, symlinks=True, dirs_exist_ok=True)
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", path], check=True)
        shutil.rmtree(content)


@contextmanager
def read_only(path: Path) -> Iterator[None]:
    """Nothing below ``path`` can be written, whoever tries, until the block ends."""
    _mount("--bind", path, path)
    try:
        _mount("-o", "remount,ro,bind", path)
        yield
    finally:
        subprocess.run(["umount", path], check=True)


def _mount(*arguments: str | Path) -> None:
    result = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        pytest.skip(f"mounting is not permitted here: {result.stderr.strip()}")
