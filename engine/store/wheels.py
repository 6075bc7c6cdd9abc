"""Unpacked wheels: ``wheels/<sha256>/tree/`` and beside it ``manifest``, the tree's WheelTree.

A wheel is built in a staging folder beside the others and renamed into place, never over another.
Until :meth:`WheelStore.sync` it carries a mark with the identity of the running system, afterwards
one that says it is durable. After a crash of the machine, when bytes and names may be missing, a
wheel that has neither that identity nor the second mark counts as absent and is unpacked anew.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ppm.engine.files import storage_errors, sync_filesystem
from ppm.engine.folders import remove_tree
from ppm.engine.locks import make_locked_folder, remove_abandoned
from ppm.engine.store.blobs import BlobStore, checked
from ppm.engine.store.model import WheelTree
from ppm.engine.store.tree_writer import DIRECTORY_MODE

MANIFEST = "manifest"
TREE = "tree"
_UNSYNCED = "unsynced"
_SYNCED = "synced"
_STAGING = ".staging-"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

_decoder = msgspec.msgpack.Decoder(WheelTree)


class WheelStore:
    """The unpacked wheels of one store folder, which also holds their blobs."""

    def __init__(self, root: Path, *, owner: str = "") -> None:
        """``root`` is the store's folder; it is made when the first wheel comes.

        ``owner`` marks the staging folders, for :meth:`discard_staging`.
        """
        self.root = root
        self._owner = owner
        self.blobs = BlobStore(root)
        self._wheels = root / "wheels"
        self._unsynced: set[str] = set()
        self._making: dict[Path, int] = {}

    def directory(self, sha256: str) -> Path:
        """Where the files of the wheel are, or would be."""
        return self._wheels / checked(sha256) / TREE

    def tree(self, sha256: str) -> WheelTree | None:
        """What is in the wheel, without looking at its files; ``None`` where it is not unpacked."""
        folder = f"{self._wheels}/{checked(sha256)}"
        try:
            tree = _decoder.decode(_content(f"{folder}/{MANIFEST}"))
        except FileNotFoundError:
            return None
        except msgspec.DecodeError:
            # Another version of PPM wrote it, or the disk lost it: it can be made again.
            self.remove(sha256)
            return None
        if not os.path.exists(f"{folder}/{_SYNCED}"):  # noqa: PTH110 - asked for every package
            if not _is_of_this_boot(folder):
                self.remove(sha256)
                return None
            self._unsynced.add(sha256)
        return tree

    def peek(self, sha256: str) -> WheelTree | None:
        """As :meth:`tree`, but nothing is taken away or claimed: for those who only look."""
        try:
            return _decoder.decode((self._wheels / checked(sha256) / MANIFEST).read_bytes())
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def stands(self, sha256: str) -> bool:
        """Whether the wheel is there, damaged or not, and no crash has made it count as absent.

        Unlike :meth:`tree` it takes nothing away.
        """
        folder = self._wheels / checked(sha256)
        return (folder / _SYNCED).exists() or _is_of_this_boot(os.fspath(folder))

    def digests(self) -> Iterator[str]:
        """Every unpacked wheel, in order of digest."""
        if self._wheels.is_dir():
            names = sorted(entry.name for entry in self._wheels.iterdir())
            yield from (name for name in names if not name.startswith(_STAGING))

    def staging(self) -> Path:
        """A new private folder with an empty ``tree`` in it, for :meth:`add` or :meth:`discard`.

        It is locked until then or until this process ends.
        """
        with storage_errors(self._wheels):
            self._wheels.mkdir(parents=True, exist_ok=True)
            prefix = f"{_STAGING}{self._owner}-"
            folder, self._making[folder] = make_locked_folder(self._wheels, prefix, mode=0o700)
            (folder / TREE).mkdir(mode=0o700)
        return folder

    def add(self, staging: Path, tree: WheelTree) -> WheelTree:
        """Put a finished staging folder into place; if the wheel is there by now, that one stays.

        Raises:
            StorageError: The disk refused; the staging folder is left.
        """
        final = self._wheels / checked(tree.sha256)
        with storage_errors(final):
            (staging / MANIFEST).write_bytes(msgspec.msgpack.encode(tree))
            (staging / _UNSYNCED).write_bytes(_boot_id())
            (staging / TREE).chmod(DIRECTORY_MODE)
            staging.chmod(DIRECTORY_MODE)
            self._put(staging, final)
        self._let_go(staging)
        self._unsynced.add(tree.sha256)
        return tree

    def _put(self, staging: Path, final: Path) -> None:
        try:
            # A folder is never renamed over another that has something in it.
            staging.rename(final)
        except OSError as error:
            if error.errno not in {errno.EEXIST, errno.ENOTEMPTY}:
                raise
            if self.tree(final.name) is not None:
                self.discard(staging)
                return
            self.remove(final.name)  # A crash of the machine has left a part of a wheel.
            self._put(staging, final)

    def discard(self, staging: Path) -> None:
        """Delete a staging folder; nothing happens if it is gone."""
        with storage_errors(staging), contextlib.suppress(FileNotFoundError):
            remove_tree(staging)
        self._let_go(staging)

    def _let_go(self, staging: Path) -> None:
        lock = self._making.pop(staging, None)
        if lock is not None:
            os.close(lock)

    def discard_staging(self, owner: str = "") -> None:
        """Delete the staging folders of ``owner``, or all, which nobody may be working on."""
        pattern = f"{_STAGING}{owner}-*" if owner else f"{_STAGING}*"
        for folder in self._wheels.glob(pattern):
            self.discard(folder)

    def discard_abandoned(self) -> None:
        """Delete the staging folders of processes that are gone."""
        remove_abandoned(self._wheels, _STAGING)

    def remove(self, sha256: str) -> None:
        """Delete the wheel if it is here; it is never seen half deleted."""
        folder = self.set_aside(sha256)
        if folder is not None:
            self.discard(folder)

    def set_aside(self, sha256: str) -> Path | None:
        """Take the wheel's name away; what is to be deleted, or ``None`` if it is not here.

        If nobody deletes it, :meth:`discard_abandoned` does.
        """
        folder = self._wheels / f"{_STAGING}removed-{os.urandom(8).hex()}"
        with storage_errors(self._wheels):
            try:
                (self._wheels / checked(sha256)).rename(folder)
            except FileNotFoundError:
                return None
        return folder

    def sync(self) -> None:
        """Make every wheel durable that this object added or looked at, with one wait for all.

        Raises:
            StorageError: The disk did not take it.
        """
        if self._unsynced:
            sync_filesystem(self._wheels)
            self.settle()

    def settle(self) -> None:
        """Change the marks after the whole file system was synced.

        A new name can be there only if what was synced before it is; a lost one would not do.
        """
        for sha256 in self._unsynced:
            folder = self._wheels / sha256
            with contextlib.suppress(FileNotFoundError):  # Somebody else has been quicker.
                (folder / _UNSYNCED).rename(folder / _SYNCED)
        self._unsynced.clear()


def _content(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - read for every package of a plan
        return file.readall()


def _is_of_this_boot(folder: str) -> bool:
    try:
        return _content(f"{folder}/{_UNSYNCED}") == _boot_id()
    except FileNotFoundError:
        return False


def _boot_id() -> bytes:
    """What tells one run of this machine's system from the next; random where nothing does."""
    try:
        return _content(os.fspath(_BOOT_ID))
    except FileNotFoundError:
        return os.urandom(16)
