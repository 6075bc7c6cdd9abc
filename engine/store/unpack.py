"""From a wheel's blob to its tree in the store, every byte checked before it gets a final name."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ppm.engine.errors import ArtifactError
from ppm.engine.files import storage_errors
from ppm.engine.store import inflate
from ppm.engine.store.archive import Limits, file_reader
from ppm.engine.store.blobs import digest_of, missing
from ppm.engine.store.model import TreeFile, WheelTree
from ppm.engine.store.roots import tree_root
from ppm.engine.store.tree_writer import TreeWriter
from ppm.engine.store.wheel import Identity, PlannedFile, WheelPlan, plan_wheel, wheel_identity
from ppm.engine.store.wheels import TREE, WheelStore
from ppm.engine.store.zipformat import ReadAt

# Files up to this many bytes are inflated in one piece.
_SMALL = 1024 * 1024


def unpack_wheel(
    store: WheelStore,
    sha256: str,
    filename: str,
    name: str,
    version: str,
    *,
    limits: Limits | None = None,
) -> WheelTree:
    """Unpack a blob of ``store`` beside the other wheels, unless it is there already.

    Blocks; :class:`ppm.engine.store.workers.UnpackPool` does the same in other processes.

    Args:
        store: Holds the blob and gets the tree.
        sha256: The blob's digest.
        filename: The wheel's file name, which its content must bear out.
        name: The project that was asked for.
        version: The version that was asked for.
        limits: How large the archive may be.

    Raises:
        ArtifactError: It is not that wheel, or hostile, or the blob is missing or corrupt. Nothing
            is left but the blob, and not even that if it is corrupt.
        StorageError: The disk refused.
    """
    identity = wheel_identity(filename, name, version)
    if tree := unpacked(store, sha256, identity):
        return tree
    with blob_reader(store, sha256) as (descriptor, read_at, size):
        check_blob(store, sha256, descriptor)
        plan = plan_wheel(read_at, size, identity, limits or Limits())
        staging = store.staging()
        try:
            files = unpack_files(read_at, plan.files, staging / TREE)
            return store.add(staging, wheel_tree(sha256, plan, files))
        except BaseException:
            store.discard(staging)
            raise


def unpacked(store: WheelStore, sha256: str, identity: Identity) -> WheelTree | None:
    """The wheel if the store has it unpacked.

    Raises:
        ArtifactError: ``WHEEL_NAME``: under this digest is another distribution.
    """
    tree = store.tree(sha256)
    if tree is not None and (tree.name, tree.version) != (identity.name, identity.version):
        message = f"{sha256} is {tree.name} {tree.version}, not {identity.name} {identity.version}"
        raise ArtifactError(message, code="WHEEL_NAME")
    return tree


@contextmanager
def blob_reader(store: WheelStore, sha256: str) -> Iterator[tuple[int, ReadAt, int]]:
    """Descriptor, ``read_at`` and size of a blob.

    Raises:
        ArtifactError: ``BLOB_MISSING``.
    """
    try:
        descriptor = os.open(store.blobs.path(sha256), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise missing(sha256) from None
    try:
        size = os.fstat(descriptor).st_size
        yield descriptor, file_reader(descriptor, size), size
    finally:
        os.close(descriptor)


def check_blob(store: WheelStore, sha256: str, descriptor: int) -> None:
    """Digest an open blob again.

    Raises:
        ArtifactError: ``BLOB_CORRUPT``; the blob is removed.
    """
    if digest_of(descriptor) != sha256:
        raise store.blobs.corrupt(sha256)


def unpack_files(read_at: ReadAt, files: Iterable[PlannedFile], root: Path) -> list[TreeFile]:
    """Inflate, check and write ``files`` below ``root``, an existing folder.

    Raises:
        ArtifactError: A ``ZIP_…`` code or ``RECORD_MISMATCH``.
        StorageError: The disk refused.
    """
    with storage_errors(root), TreeWriter(root) as writer:
        return [
            _unpack_small(read_at, file, writer)
            if file.size <= _SMALL and file.compressed_size <= _SMALL
            else _unpack_large(read_at, file, writer)
            for file in files
        ]


def _unpack_small(read_at: ReadAt, file: PlannedFile, writer: TreeWriter) -> TreeFile:
    content = inflate.whole(read_at(file.start, file.compressed_size), file)
    sha256 = hashlib.sha256(content).hexdigest()
    recorded = sha256
    if file.algorithm != "sha256":
        recorded = hashlib.new(file.algorithm, content).hexdigest()
    if recorded != file.digest:
        raise _mismatch(file)
    writer.write(file.path, content, executable=file.executable)
    return TreeFile(file.path, sha256, file.size, file.executable)


def _unpack_large(read_at: ReadAt, file: PlannedFile, writer: TreeWriter) -> TreeFile:
    sha256 = hashlib.sha256()
    recorded = sha256 if file.algorithm == "sha256" else hashlib.new(file.algorithm)

    def digested() -> Iterator[bytes]:
        for piece in inflate.pieces(read_at, file.start, file):
            sha256.update(piece)
            if recorded is not sha256:
                recorded.update(piece)
            yield piece

    writer.write_pieces(file.path, digested(), executable=file.executable)
    if recorded.hexdigest() != file.digest:
        raise _mismatch(file)
    return TreeFile(file.path, sha256.hexdigest(), file.size, file.executable)


def _mismatch(file: PlannedFile) -> ArtifactError:
    message = f"{file.path!a} does not have the {file.algorithm} digest that RECORD says"
    return ArtifactError(message, code="RECORD_MISMATCH")


def wheel_tree(sha256: str, plan: WheelPlan, files: Sequence[TreeFile]) -> WheelTree:
    """The manifest of an unpacked wheel."""
    ordered = tuple(sorted(files, key=lambda file: file.path))
    return WheelTree(
        sha256=sha256,
        name=plan.name,
        version=plan.version,
        dist_info=plan.dist_info,
        purelib=plan.purelib,
        files=ordered,
        entry_points=plan.entry_points,
        root=tree_root(ordered),
    )
