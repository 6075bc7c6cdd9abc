"""Files named by the SHA-256 of their bytes: put writes a temporary and renames, get digests again.

Layout below the store: ``blobs/sha256/ab/<all 64 digits>``, mode 0444, and
``blobs/incoming/<name>.partial`` for what is still arriving. A blob never changes under its name.

Order for whoever records events: write, :meth:`BlobStore.commit <Incoming.commit>` each blob,
:meth:`BlobStore.sync` once for the batch, then the events that cite them.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from ppm.engine.errors import ArtifactError
from ppm.engine.files import storage_errors, sync_filesystem

BLOB_MODE = 0o444
CHUNK = 256 * 1024
_RANDOM_BYTES = 16
_LENGTH_WITHOUT_KEY = 2 * _RANDOM_BYTES + len(".partial")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_OPEN = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class Incoming:
    """Bytes on their way into the store: a private file that has no final name yet.

    Leaving its context closes it. What arrived under a key stays, for a later
    :meth:`BlobStore.incoming` of the same key to go on with; what has no key is deleted.
    """

    def __init__(
        self, path: Path, descriptor: int, place: Callable[[str], Path], *, keep: bool
    ) -> None:
        self._path = path
        self._descriptor = descriptor
        self._place = place
        self._keep = keep
        self.size = os.lseek(descriptor, 0, os.SEEK_END)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append.

        Raises:
            StorageError: The disk refused.
        """
        view = memoryview(data)
        with storage_errors(self._path):
            while view:
                written = os.write(self._descriptor, view)
                self.size += written
                view = view[written:]

    def chunks(self) -> Iterator[bytes]:
        """What is there already, from the beginning, for the hasher of a resumed download."""
        offset = 0
        while offset < self.size:
            with storage_errors(self._path):
                chunk = os.pread(self._descriptor, min(CHUNK, self.size - offset), offset)
            offset += len(chunk)
            yield chunk

    def restart(self) -> None:
        """Forget what is there: the server does not go on where it stopped."""
        with storage_errors(self._path):
            os.ftruncate(self._descriptor, 0)
            self.size = os.lseek(self._descriptor, 0, os.SEEK_SET)

    def commit(self, sha256: str) -> None:
        """Give the bytes their name; ``sha256`` is the digest that the caller computed of them.

        If the store holds that blob by now, from this process or another, that one stays.

        Raises:
            StorageError: The disk refused.
        """
        final = self._place(sha256)
        with storage_errors(final):
            final.parent.mkdir(parents=True, exist_ok=True)
            # A link, unlike a rename, never replaces. The mode changes last: the partial name stays
            # one that can be opened again for as long as it exists.
            with contextlib.suppress(FileExistsError):
                os.link(self._path, final)
            self._path.unlink()
            os.fchmod(self._descriptor, BLOB_MODE)
        # From now on the partial name may be someone else's.
        self._keep = True
        self.close()

    def discard(self) -> None:
        """Delete what arrived."""
        self._keep = False
        self.close()

    def close(self) -> None:
        """Let go of the file; see the class for what stays. Closing twice does nothing."""
        if self._descriptor < 0:
            return
        # Unlinked before the lock goes, so that nobody opens what is about to disappear.
        if not self._keep:
            with contextlib.suppress(FileNotFoundError):
                self._path.unlink()
        os.close(self._descriptor)
        self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class BlobStore:
    """Blobs in a directory. Several processes may use one directory at once."""

    def __init__(self, root: Path) -> None:
        """``root`` is the store's folder; it is made when the first blob comes."""
        self._blobs = root / "blobs" / "sha256"
        self._arriving = root / "blobs" / "incoming"
        self._unsynced = False

    def path(self, sha256: str) -> Path:
        """Where the blob is, or would be."""
        return self._blobs / checked(sha256)[:2] / sha256

    def has(self, sha256: str) -> bool:
        """Whether the blob is here."""
        return self.path(sha256).exists()

    def size(self, sha256: str) -> int:
        """Its size in bytes.

        Raises:
            ArtifactError: ``BLOB_MISSING``.
        """
        try:
            return self.path(sha256).stat().st_size
        except FileNotFoundError:
            raise missing(sha256) from None

    def incoming(self, key: str = "") -> Incoming:
        """A file to write a new blob into.

        Args:
            key: What the content is expected to be, such as its digest or URL: bytes that an
                earlier, interrupted attempt left under the key are still in it. Empty for a fresh
                file. While someone else writes under the key the file is a fresh one, too.

        Raises:
            StorageError: The disk refused.
        """
        with storage_errors(self._arriving):
            self._arriving.mkdir(parents=True, exist_ok=True)
            if key:
                path = self._arriving / f"{hashlib.sha256(key.encode()).hexdigest()}.partial"
                descriptor = _open_locked(path)
                if descriptor is not None:
                    return Incoming(path, descriptor, self._placed, keep=True)
            return Incoming(*_make_locked(self._arriving), self._placed, keep=False)

    def discard_abandoned(self) -> None:
        """Delete what processes that are gone left, if nobody can go on with it.

        That is what has no key, and what has its final name already.

        Raises:
            StorageError: The disk refused.
        """
        with storage_errors(self._arriving), contextlib.suppress(FileNotFoundError):
            for name in os.listdir(self._arriving):  # noqa: PTH208 - names, not paths
                _unlink_useless(self._arriving / name)

    def _placed(self, sha256: str) -> Path:
        self._unsynced = True
        return self.path(sha256)

    def read(self, sha256: str) -> bytes:
        """The blob's bytes, digested again.

        Raises:
            ArtifactError: ``BLOB_MISSING``, or ``BLOB_CORRUPT``; a corrupt blob is removed.
        """
        try:
            data = self.path(sha256).read_bytes()
        except FileNotFoundError:
            raise missing(sha256) from None
        if hashlib.sha256(data).hexdigest() != sha256:
            raise self.corrupt(sha256)
        return data

    def verify(self, sha256: str) -> None:
        """Digest the blob again without holding it in memory; raises as :meth:`read`."""
        try:
            descriptor = os.open(self.path(sha256), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise missing(sha256) from None
        try:
            digest = digest_of(descriptor)
        finally:
            os.close(descriptor)
        if digest != sha256:
            raise self.corrupt(sha256)

    def corrupt(self, sha256: str) -> ArtifactError:
        """Remove a blob whose bytes are not those of its name, and give the error to raise."""
        self.remove(sha256)
        return corrupt(sha256)

    def remove(self, sha256: str) -> None:
        """Delete the blob if it is here."""
        with storage_errors(self._blobs), contextlib.suppress(FileNotFoundError):
            self.path(sha256).unlink()

    def digests(self) -> Iterator[str]:
        """Every blob, in order of digest."""
        if self._blobs.is_dir():
            for folder in sorted(self._blobs.iterdir()):
                yield from sorted(entry.name for entry in folder.iterdir())

    def sync(self) -> None:
        """Make everything committed through this object durable, with one wait for all of it.

        Raises:
            StorageError: The disk did not take it; nothing may be recorded about those blobs.
        """
        if self._unsynced:
            sync_filesystem(self._blobs)
            self._unsynced = False


def digest_of(descriptor: int) -> str:
    """The SHA-256 of an open file from its beginning, in little memory."""
    digest = hashlib.sha256()
    offset = 0
    while chunk := os.pread(descriptor, CHUNK, offset):
        digest.update(chunk)
        offset += len(chunk)
    return digest.hexdigest()


def is_sha256(name: str) -> bool:
    """Whether ``name`` is 64 lower-case hexadecimal digits."""
    return _SHA256.fullmatch(name) is not None


def checked(sha256: str) -> str:
    """``sha256`` if it is one, so that it may stand in a path.

    Raises:
        ValueError: It is not 64 lower-case hexadecimal digits.
    """
    if not is_sha256(sha256):
        raise ValueError(f"not a SHA-256 in lower-case hexadecimal: {sha256!r}")
    return sha256


def missing(sha256: str) -> ArtifactError:
    """The error for a blob that is not in the store."""
    return ArtifactError(
        f"the store has no blob {sha256}",
        code="BLOB_MISSING",
        hint="run the command again: it is fetched anew",
    )


def corrupt(sha256: str) -> ArtifactError:
    """The error for a blob whose bytes are not those of its name."""
    return ArtifactError(
        f"the stored bytes of blob {sha256} have changed; they were removed",
        code="BLOB_CORRUPT",
        hint="check the disk, then run the command again: the file is fetched anew",
    )


def _open_locked(path: Path) -> int | None:
    """Open a partial file for this process alone; ``None`` while another writes it."""
    while True:
        descriptor = os.open(path, _OPEN, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        here, there = os.fstat(descriptor), _status(path)
        if there is not None and here.st_ino == there.st_ino:
            if here.st_nlink == 1:
                return descriptor
            # A writer died after it gave the bytes their final name: these must not grow.
            path.unlink()
        os.close(descriptor)


def _make_locked(folder: Path) -> tuple[Path, int]:
    """A fresh file that is told from an abandoned one for as long as it is open."""
    while True:
        path = folder / f"{os.urandom(_RANDOM_BYTES).hex()}.partial"
        descriptor = os.open(path, _OPEN | os.O_EXCL, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return path, descriptor
        os.close(descriptor)  # Somebody took it for abandoned before it was locked.


def _unlink_useless(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if len(path.name) == _LENGTH_WITHOUT_KEY or os.fstat(descriptor).st_nlink > 1:
                    path.unlink()
        finally:
            os.close(descriptor)


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
