"""What a disk may hold after a power loss: folders, calls replayed on them, the legal outcomes.

The model is that of POSIX, with nothing that a particular file system adds. What was written is on
the disk for certain only after a sync of that file; a name (created, renamed, linked, removed) only
after a sync of its folder; ``syncfs`` does both for everything. Anything else may be there or not,
each by itself and in any order: a rename without the bytes of the file, a later rename without an
earlier one, the first half of a write, a file of the right length that is all NUL. Only a rename is
never seen half done. Modes and times are not modelled: a mode is on the disk at once.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec
from support.faults.program import Call
from support.faults.syscalls import (
    LINKS,
    MKDIRS,
    MODES,
    OPENS,
    RENAMES,
    SYMLINKS,
    SYNCS,
    TRUNCATES,
    UNLINKS,
    UNMODELLED,
    WRITES,
)

_EXCHANGE = 2
_MASK = 0o022
_DELETED = " (deleted)"


class Node(msgspec.Struct):
    """A folder (``names``), a file (``data``) or a link (``target``), known by its number."""

    kind: Literal["folder", "file", "link"]
    mode: int = 0o755
    data: bytes = b""
    target: str = ""
    names: dict[str, int] = {}


class Names(msgspec.Struct, frozen=True):
    """A change of names, seen whole or not at all: ``(folder, name, node or None)`` each."""

    at: int
    changes: tuple[tuple[int, str, int | None], ...]


class Bytes(msgspec.Struct, frozen=True):
    """Bytes written to a file, or with ``data`` None its length set to ``offset``."""

    at: int
    node: int
    offset: int
    data: bytes | None


class Sync(msgspec.Struct, frozen=True):
    """A sync of one node, or of everything (None)."""

    at: int
    node: int | None


Choice: TypeAlias = tuple[Literal["all", "none", "cut", "nul"], int]
"""What of a file's unsynced bytes is there; the number is where it is cut or turns to NUL."""

State: TypeAlias = dict[str, tuple[int, Node]]
"""A tree: path to node and its number; two paths with one number are hard links."""


class Disk:
    """The folders below ``root``, and what the calls since then did to them.

    ``unknown`` are calls that the model does not know: with one of them it says nothing.
    """

    def __init__(self, root: Path, folders: Iterable[str]) -> None:
        self.root = root
        self._numbers = itertools.count()
        self.nodes: dict[int, Node] = {}
        self.names: list[Names] = []
        self.bytes: list[Bytes] = []
        self.syncs: list[Sync] = []
        self.unknown: list[Call] = []
        self._known: dict[tuple[int, int], int] = {}
        self._top = self._add(Node("folder", names={}))
        for folder in folders:
            self.nodes[self._top].names[folder] = self._read(root / folder)
        self._now = {number: dict(node.names) for number, node in self.nodes.items()}
        self._sizes = {number: len(node.data) for number, node in self.nodes.items()}
        self._removed: dict[str, int] = {}

    def _add(self, node: Node) -> int:
        number = next(self._numbers)
        self.nodes[number] = node
        return number

    def _read(self, path: Path) -> int:
        status = path.lstat()
        key = (status.st_dev, status.st_ino)
        if key in self._known:
            return self._known[key]
        mode = stat.S_IMODE(status.st_mode)
        if stat.S_ISLNK(status.st_mode):
            number = self._add(Node("link", target=str(path.readlink())))
        elif stat.S_ISDIR(status.st_mode):
            names = {one.name: self._read(one) for one in sorted(path.iterdir())}
            number = self._add(Node("folder", mode, names=names))
        else:
            number = self._add(Node("file", mode, path.read_bytes()))
        self._known[key] = number
        return number

    # What the calls do, as the running system sees it.

    def replay(self, calls: Iterable[Call]) -> None:
        """Carry out the calls of one run; what fails in them fails here."""
        for at, call in enumerate(calls, start=1):
            if f"{call.path}/".startswith(f"{self.root}/"):
                self._carry_out(at, call)

    def _carry_out(self, at: int, call: Call) -> None:
        name = call.name
        if name in UNMODELLED:
            self.unknown.append(call)
        elif name in OPENS:
            self._open(at, call)
        elif name in WRITES:
            node = self._find(call.path)
            if node is not None:
                offset = self._sizes[node] if call.offset < 0 else call.offset
                self._sizes[node] = max(self._sizes[node], offset + len(call.data))
                self.bytes.append(Bytes(at, node, offset, call.data))
        elif name in TRUNCATES:
            self._truncate(at, self._find(call.path), call.number)
        elif name in SYNCS:
            whole = name in ("sync", "syncfs")
            node = None if whole else self._find(call.path)
            if whole or node is not None:
                self.syncs.append(Sync(at, node))
        elif name in MODES:
            node = self._find(call.path)
            if node is not None and name != "utimensat":
                self.nodes[node].mode = call.number & 0o7777
        else:
            self._rename_and_such(at, call)

    def _open(self, at: int, call: Call) -> None:
        node = self._find(call.path, follow=True)
        if node is not None:
            if call.number & os.O_TRUNC:
                self._truncate(at, node, 0)
        elif call.number & os.O_CREAT:
            self._create(at, call.path, Node("file", call.mode & ~_MASK))

    def _truncate(self, at: int, node: int | None, size: int) -> None:
        if node is not None and self._sizes[node] != size:
            self._sizes[node] = size
            self.bytes.append(Bytes(at, node, size, None))

    def _create(self, at: int, path: str, node: Node) -> None:
        folder, name = self._place(path)
        if folder is None or name in self._now[folder]:
            return
        number = self._add(node)
        self._now[number], self._sizes[number] = {}, 0
        self._change(at, (folder, name, number))

    def _rename_and_such(self, at: int, call: Call) -> None:
        folder, name = self._place(call.path)
        if call.name in MKDIRS:
            self._create(at, call.path, Node("folder", call.number & ~_MASK or 0o755))
        elif call.name in SYMLINKS:
            self._create(at, call.path, Node("link", target=call.other))
        elif folder is None or name not in self._now[folder]:
            return
        elif call.name in UNLINKS:
            node = self._now[folder][name]
            if not self._now[node]:
                self._removed[call.path] = node
                self._change(at, (folder, name, None))
        elif call.name in RENAMES | LINKS:
            self._second_name(at, call, folder, name)

    def _second_name(self, at: int, call: Call, folder: int, name: str) -> None:
        node = self._now[folder][name]
        into, new = self._place(call.other)
        if into is None:
            return
        there = self._now[into].get(new)
        if call.name in LINKS:
            if there is None:
                self._change(at, (into, new, node))
        elif call.number & _EXCHANGE:
            self._change(at, (folder, name, there), (into, new, node))
        elif there is None or not self._now[there]:
            self._change(at, (folder, name, None), (into, new, node))

    def _change(self, at: int, *changes: tuple[int, str, int | None]) -> None:
        self.names.append(Names(at, changes))
        _apply(self._now, changes)

    def _place(self, path: str) -> tuple[int | None, str]:
        folder, _, name = path.rpartition("/")
        return self._find(folder, follow=True), name

    def _find(self, path: str, *, follow: bool = False) -> int | None:
        """The node that a path names now, or named when it was removed, for who has it open."""
        if path.endswith(_DELETED):
            return self._removed.get(path.removesuffix(_DELETED))
        parts = Path(path).relative_to(self.root).parts if path != str(self.root) else ()
        node = self._top
        for place, part in enumerate(parts):
            found = self._now[node].get(part)
            if found is None:
                return None
            last = place == len(parts) - 1
            if self.nodes[found].kind == "link" and (follow or not last):
                start = "/".join((str(self.root), *parts[:place]))
                way = os.path.normpath(
                    "/".join((start, self.nodes[found].target, *parts[place + 1 :]))
                )
                return self._find(way, follow=follow) if way.startswith(f"{self.root}/") else None
            node = found
        return node

    # What may be there afterwards.

    def state(
        self,
        after: int,
        keep: Callable[[Names], bool] = lambda _: True,
        bytes_of: Callable[[int], Choice] = lambda _: ("all", 0),
    ) -> State:
        """The tree after call number ``after``: what was synced, and what is chosen of the rest."""
        certain = self._synced(after)
        names = {number: dict(node.names) for number, node in self.nodes.items()}
        for change in self.names:
            if change.at <= after and (change.at in certain or keep(change)):
                _apply(names, change.changes)
        contents = self._contents(after, certain, bytes_of)
        tree: State = {}
        self._walk(self._top, "", names, contents, tree)
        return tree

    def uncertain(self, after: int) -> tuple[list[Names], list[int]]:
        """Changes of names, and files with bytes, that no sync has made certain by then."""
        certain = self._synced(after)
        names = [one for one in self.names if one.at <= after and one.at not in certain]
        files = {one.node for one in self.bytes if one.at <= after and one.at not in certain}
        return names, sorted(files)

    def pending(self, after: int, node: int) -> int:
        """How many bytes of a file are written and not synced by then."""
        certain = self._synced(after)
        mine = (one for one in self.bytes if one.node == node and one.at <= after)
        return sum(len(one.data or b"") for one in mine if one.at not in certain)

    def _synced(self, after: int) -> set[int]:
        """The calls whose effect is certain."""
        last: dict[int | None, int] = {}
        for sync in self.syncs:
            if sync.at <= after:
                last[sync.node] = sync.at
        whole = last.get(None, 0)
        certain = {one.at for one in self.bytes if one.at < max(whole, last.get(one.node, 0))}
        for change in self.names:
            folders = [last.get(folder, 0) for folder, _, _ in change.changes]
            if change.at < max(whole, *folders):
                certain.add(change.at)
        return certain

    def _contents(
        self, after: int, certain: set[int], bytes_of: Callable[[int], Choice]
    ) -> dict[int, bytes]:
        contents: dict[int, bytes] = {}
        mine: dict[int, list[Bytes]] = {}
        for one in self.bytes:
            if one.at <= after:
                mine.setdefault(one.node, []).append(one)
        for node, changes in mine.items():
            data = bytearray(self.nodes[node].data)
            rest = [one for one in changes if one.at not in certain]
            for one in changes:
                if one.at in certain:
                    _write(data, one)
            contents[node] = _chosen(data, rest, bytes_of(node)) if rest else bytes(data)
        return contents

    def _walk(
        self,
        number: int,
        path: str,
        names: Mapping[int, Mapping[str, int]],
        contents: Mapping[int, bytes],
        tree: State,
    ) -> None:
        for name, child in sorted(names[number].items()):
            node = self.nodes[child]
            if child in contents:
                node = msgspec.structs.replace(node, data=contents[child])
            here = f"{path}{name}"
            if here in tree:
                continue
            tree[here] = (child, node)
            if node.kind == "folder":
                self._walk(child, f"{here}/", names, contents, tree)


def _apply(
    names: dict[int, dict[str, int]], changes: Iterable[tuple[int, str, int | None]]
) -> None:
    for folder, name, node in changes:
        if node is None:
            names[folder].pop(name, None)
        else:
            names[folder][name] = node


def _write(data: bytearray, one: Bytes) -> None:
    if one.data is None:
        del data[one.offset :]
        data.extend(bytes(one.offset - len(data)))
        return
    data.extend(bytes(max(0, one.offset - len(data))))
    data[one.offset : one.offset + len(one.data)] = one.data


def _chosen(data: bytearray, rest: list[Bytes], choice: Choice) -> bytes:
    way, left = choice
    if way == "none":
        return bytes(data)
    for one in rest:
        part = one
        if way in ("cut", "nul") and one.data is not None and left < len(one.data):
            kept = one.data[: max(0, left)]
            if way == "nul":
                kept += bytes(len(one.data) - len(kept))
            part = msgspec.structs.replace(one, data=kept)
        _write(data, part)
        left -= len(one.data or b"")
        if way == "cut" and left <= 0:
            break
    return bytes(data)


def digest(state: State) -> str:
    """What tells one tree from another."""
    found = hashlib.sha256()
    numbers: dict[int, int] = {}
    for path, (number, node) in state.items():
        same = numbers.setdefault(number, len(numbers))
        found.update(f"{path}\0{same}\0{node.kind}\0{node.mode}\0{node.target}\0".encode())
        found.update(hashlib.sha256(node.data).digest())
    return found.hexdigest()


def materialise(state: State, root: Path) -> None:
    """Make the folders below ``root`` what ``state`` says; nothing else is left in them."""
    for name in {path.partition("/")[0] for path in state}:
        shutil.rmtree(root / name, ignore_errors=True)
    made: dict[int, str] = {}
    folders: list[tuple[str, int]] = []
    for path, (number, node) in state.items():
        place = f"{root}/{path}"
        if node.kind == "folder":
            os.mkdir(place)  # noqa: PTH102 - done thousands of times: no pathlib here
            folders.append((place, node.mode))
        elif number in made:
            os.link(made[number], place, follow_symlinks=False)
        elif node.kind == "link":
            os.symlink(node.target, place)  # noqa: PTH211 - as above
            made[number] = place
        else:
            descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            os.write(descriptor, node.data)
            os.fchmod(descriptor, node.mode)
            os.close(descriptor)
            made[number] = place
    for place, mode in reversed(folders):
        os.chmod(place, mode)  # noqa: PTH101 - as above
