"""Unpacking one large wheel by several processes: begin, its parts in any order, finish.

What the processes tell each other stands in the wheel's private staging folder: the plan, and the
files that each part wrote.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from ppm.engine.files import storage_errors
from ppm.engine.store.archive import Limits
from ppm.engine.store.model import TreeFile, WheelTree
from ppm.engine.store.unpack import blob_reader, check_blob, unpack_files, wheel_tree
from ppm.engine.store.wheel import Identity, PlannedFile, WheelPlan, plan_wheel
from ppm.engine.store.wheels import TREE, WheelStore

_PLAN = "plan"
# Packed bytes a part: large enough that reading the plan again is nothing beside inflating them.
_PART = 4 * 2**20


class _SplitPlan(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """``bounds`` are the indices of ``plan.files`` between which the parts lie."""

    plan: WheelPlan
    bounds: tuple[int, ...]


def begin(store: WheelStore, sha256: str, identity: Identity, limits: Limits) -> tuple[Path, int]:
    """Plan the wheel: its staging folder and the number of parts.

    Raises:
        ArtifactError: As :func:`ppm.engine.store.unpack.unpack_wheel`; no folder is left.
        StorageError: The disk refused.
    """
    with blob_reader(store, sha256) as (_, read_at, size):
        plan = plan_wheel(read_at, size, identity, limits)
    bounds = _bounds(plan.files)
    staging = store.staging()
    with storage_errors(staging):
        data = msgspec.msgpack.encode(_SplitPlan(plan=plan, bounds=bounds))
        (staging / _PLAN).write_bytes(data)
    return staging, len(bounds) - 1


def _bounds(files: tuple[PlannedFile, ...]) -> tuple[int, ...]:
    bounds = [0]
    packed = 0
    for index, file in enumerate(files):
        packed += file.compressed_size
        if packed >= _PART:
            bounds.append(index + 1)
            packed = 0
    if bounds[-1] != len(files):
        bounds.append(len(files))
    return tuple(bounds)


def check(store: WheelStore, sha256: str) -> None:
    """Digest the blob again while others inflate it.

    Raises:
        ArtifactError: ``BLOB_CORRUPT``.
    """
    with blob_reader(store, sha256) as (descriptor, _, _):
        check_blob(store, sha256, descriptor)


def unpack_part(store: WheelStore, sha256: str, staging: Path, part: int) -> None:
    """Unpack one part; raises as :func:`ppm.engine.store.unpack.unpack_files`."""
    split = _read_plan(staging)
    files = split.plan.files[split.bounds[part] : split.bounds[part + 1]]
    with blob_reader(store, sha256) as (_, read_at, _):
        written = unpack_files(read_at, files, staging / TREE)
    with storage_errors(staging):
        _part_path(staging, part).write_bytes(msgspec.msgpack.encode(written))


def finish(store: WheelStore, sha256: str, staging: Path) -> WheelTree:
    """Put the wheel into place after all parts and the check went well."""
    split = _read_plan(staging)
    files: list[TreeFile] = []
    with storage_errors(staging):
        for part in range(len(split.bounds) - 1):
            path = _part_path(staging, part)
            files += msgspec.msgpack.decode(path.read_bytes(), type=list[TreeFile])
            path.unlink()
        (staging / _PLAN).unlink()
    return store.add(staging, wheel_tree(sha256, split.plan, files))


def _read_plan(staging: Path) -> _SplitPlan:
    with storage_errors(staging):
        return msgspec.msgpack.decode((staging / _PLAN).read_bytes(), type=_SplitPlan)


def _part_path(staging: Path, part: int) -> Path:
    return staging / f"part-{part}"
