"""The store held against itself: blobs against their names, unpacked wheels against their RECORD.

Nothing is changed. A wheel's manifest is believed where the wheel's own RECORD, read from the blob
that the digest names, says the same; without the blob its own root is all there is.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from stat import S_ISREG
from typing import NamedTuple

import msgspec

from ppm.engine.errors import ArtifactError
from ppm.engine.files import storage_errors
from ppm.engine.folders import FILE, OTHER, Found, walk
from ppm.engine.hashing.files import FileReader
from ppm.engine.store.archive import Limits, read_directory, read_member
from ppm.engine.store.blobs import is_sha256
from ppm.engine.store.model import WheelTree
from ppm.engine.store.roots import tree_root
from ppm.engine.store.unpack import blob_reader
from ppm.engine.store.wheel import WheelPlan, plan_wheel, wheel_identity
from ppm.engine.store.wheels import MANIFEST, TREE, WheelStore
from ppm.engine.store.zipformat import ReadAt

_GROUP = 4096
_LARGEST_METADATA = 2**20


class Damage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A file of the store that is not what it should be.

    ``sha256`` names the entry, ``kind`` is ``blob`` or ``wheel``. ``path`` is relative to the
    store. ``package`` is ``""`` where nothing tells it.
    """

    sha256: str
    kind: str
    problem: str
    path: str
    package: str


class StoreAudit(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked at, and what is damaged."""

    blobs: int
    wheels: int
    damages: tuple[Damage, ...]

    def damaged(self, kind: str) -> tuple[str, ...]:
        """The digests of the damaged entries of a kind, each once."""
        return tuple(dict.fromkeys(one.sha256 for one in self.damages if one.kind == kind))


class _Unpacked(NamedTuple):
    """An unpacked wheel: its manifest, ``None`` if that is no good, and what is in its folder."""

    sha256: str
    place: str
    tree: WheelTree | None
    found: dict[str, Found]


def audit_store(
    store: WheelStore, reader: FileReader, names: Mapping[str, str], *, whole: bool
) -> StoreAudit:
    """Read entries of the store, every byte.

    Args:
        store: Whose entries. Nothing may be removed from it meanwhile.
        reader: Hashes.
        names: Which entries, by digest, each with its package; those that are not there are no
            damage.
        whole: All entries; ``names`` tells whose they are.

    Raises:
        StorageError: Something cannot be read.
    """
    with storage_errors(store.root):
        blobs = list(store.blobs.digests()) if whole else list(filter(store.blobs.has, names))
        damages = [_stray("blob", name) for name in blobs if not is_sha256(name)]
        blobs = list(filter(is_sha256, blobs))
        wheels = list(store.digests()) if whole else list(names)
        damages += [_stray("wheel", name) for name in wheels if not is_sha256(name)]
        wheels = [one for one in wheels if is_sha256(one) and store.stands(one)]
        for group in _grouped(blobs):
            damages += _blob_damages(store, reader, group, names)
            if whole:
                reader.forget()
        bad = {one.sha256 for one in damages}
        for unpacked in _opened(store, wheels):
            damages += _wheel_damages(store, reader, unpacked, names, bad)
            if whole:
                reader.forget()
    return StoreAudit(blobs=len(blobs), wheels=len(wheels), damages=tuple(damages))


def _stray(kind: str, name: str) -> Damage:
    """Something that is no entry at all."""
    folder = f"blobs/sha256/{name[:2]}" if kind == "blob" else "wheels"
    return Damage(sha256="", kind=kind, problem="extra", path=f"{folder}/{name}", package="")


def _grouped(items: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), _GROUP):
        yield items[start : start + _GROUP]


def _blob_damages(
    store: WheelStore, reader: FileReader, digests: Sequence[str], names: Mapping[str, str]
) -> Iterator[Damage]:
    found = [_blob(store, sha256) for sha256 in digests]
    files = [one for one in found if one.kind == FILE]
    read = {
        one.path: digest
        for one, digest in zip(files, reader.digests(str(store.root), files), strict=True)
    }
    for sha256, one in zip(digests, found, strict=True):
        if read.get(one.path) != sha256:
            yield Damage(
                sha256=sha256,
                kind="blob",
                problem="changed",
                path=one.path,
                package=names.get(sha256, ""),
            )


def _blob(store: WheelStore, sha256: str) -> Found:
    path = store.blobs.path(sha256)
    status = path.lstat()
    kind = FILE if S_ISREG(status.st_mode) else OTHER
    place = path.relative_to(store.root).as_posix()
    return Found(place, kind, False, status.st_size, (status.st_dev, status.st_ino))


def _opened(store: WheelStore, digests: Iterable[str]) -> Iterator[list[_Unpacked]]:
    """The wheels, so many together that their files make a batch worth hashing."""
    group: list[_Unpacked] = []
    for sha256 in digests:
        folder = store.directory(sha256).parent
        place = folder.relative_to(store.root).as_posix()
        root = folder / TREE
        found = {one.path: one for one in walk(str(root))} if root.is_dir() else {}
        group.append(_Unpacked(sha256, place, _manifest(folder, sha256), found))
        if sum(len(one.found) for one in group) >= _GROUP:
            yield group
            group = []
    if group:
        yield group


def _manifest(folder: Path, sha256: str) -> WheelTree | None:
    try:
        tree = msgspec.msgpack.decode((folder / MANIFEST).read_bytes(), type=WheelTree)
    except (FileNotFoundError, NotADirectoryError, msgspec.MsgspecError):
        return None
    return tree if tree.sha256 == sha256 and tree_root(tree.files) == tree.root else None


def _wheel_damages(
    store: WheelStore,
    reader: FileReader,
    group: Sequence[_Unpacked],
    names: Mapping[str, str],
    bad_blobs: Container[str],
) -> Iterator[Damage]:
    files = [
        file._replace(path=f"{one.place}/{TREE}/{file.path}")
        for one in group
        for file in one.found.values()
        if file.kind == FILE
    ]
    read = reader.digests(str(store.root), files)
    digests = {file.path: digest for file, digest in zip(files, read, strict=True)}
    for one in group:
        package = names.get(one.sha256, "") or (one.tree.name if one.tree is not None else "")
        told = one.sha256 not in bad_blobs and store.blobs.has(one.sha256)
        for problem, path in _deviations(store, one, digests, told=told):
            yield Damage(
                sha256=one.sha256,
                kind="wheel",
                problem=problem,
                path=f"{one.place}/{path}",
                package=package,
            )


def _deviations(
    store: WheelStore, one: _Unpacked, digests: Mapping[str, str | None], *, told: bool
) -> Iterator[tuple[str, str]]:
    """What is wrong with one wheel; ``told`` where its blob can tell what belongs in it."""
    if one.tree is None or (told and not _agrees(_told_by_blob(store, one.tree), one.tree)):
        yield "changed", MANIFEST
    if one.tree is None:
        return
    expected = {file.path: file for file in one.tree.files}
    for path in sorted(expected.keys() | one.found.keys()):
        here, wanted = one.found.get(path), expected.get(path)
        if here is None or wanted is None:
            yield "missing" if here is None else "extra", f"{TREE}/{path}"
            continue
        digest = digests.get(f"{one.place}/{TREE}/{path}")
        if (here.executable, digest) != (wanted.executable, wanted.sha256):
            yield "changed", f"{TREE}/{path}"


def _told_by_blob(store: WheelStore, tree: WheelTree) -> WheelPlan | None:
    """What the wheel file itself says of its content; ``None`` if it is not that wheel."""
    try:
        with blob_reader(store, tree.sha256) as (_, read_at, size):
            stem = f"{tree.name.replace('-', '_')}-{tree.version}"
            filename = f"{stem}-{_first_tag(read_at, size, tree.dist_info)}.whl"
            identity = wheel_identity(filename, tree.name, tree.version)
            return plan_wheel(read_at, size, identity, Limits())
    except (ArtifactError, ValueError):
        return None


def _first_tag(read_at: ReadAt, size: int, dist_info: str) -> str:
    """A tag that the wheel has: the name it was fetched by stands nowhere in the store.

    Raises:
        ArtifactError, ValueError: It is no wheel.
    """
    for entry in read_directory(read_at, size, Limits()).entries:
        if entry.path == f"{dist_info}/WHEEL":
            for line in read_member(read_at, entry, _LARGEST_METADATA).decode().splitlines():
                key, _, value = line.partition(":")
                if key.lower() == "tag":
                    return value.strip()
    raise ValueError("no WHEEL with a tag")


def _agrees(plan: WheelPlan | None, tree: WheelTree) -> bool:
    if plan is None:
        return False
    said = {file.path: file for file in plan.files}
    if said.keys() != {file.path for file in tree.files}:
        return False
    facts = (plan.dist_info, plan.purelib, plan.entry_points)
    return facts == (tree.dist_info, tree.purelib, tree.entry_points) and all(
        (said[file.path].size, said[file.path].executable) == (file.size, file.executable)
        # RECORD may use another digest than the manifest does; the tree is held against the latter.
        and (said[file.path].algorithm != "sha256" or said[file.path].digest == file.sha256)
        for file in tree.files
    )
