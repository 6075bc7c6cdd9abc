"""The store held against itself: every kind of damage is named, and nothing is changed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from support.wheels import build_wheel

from ppm.engine.hashing.cpu import CpuHasher
from ppm.engine.hashing.files import FileReader
from ppm.engine.store.audit import StoreAudit, audit_store
from ppm.engine.store.model import WheelTree
from ppm.engine.store.unpack import unpack_wheel
from ppm.engine.store.wheels import WheelStore


@pytest.fixture
def store(tmp_path: Path) -> WheelStore:
    return WheelStore(tmp_path / "store")


@pytest.fixture
def tin(store: WheelStore, tmp_path: Path) -> str:
    """The digest of a wheel that the store has, packed and unpacked."""
    wheel = build_wheel(
        tmp_path,
        "Tin.Can",
        "1.0",
        files={"tin/__init__.py": "x = 1\n", "tin/run.sh": "#!/bin/sh\n"},
        entry_points={"console_scripts": {"tin": "tin:main"}},
        executable=("tin/run.sh",),
        tags="cp311-cp311-linux_x86_64",
    )
    data = wheel.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    with store.blobs.incoming() as incoming:
        incoming.write(data)
        incoming.commit(sha256)
    unpack_wheel(store, sha256, wheel.name, "tin-can", "1.0")
    return sha256


def audit(store: WheelStore, *digests: str, whole: bool = False) -> StoreAudit:
    names = dict.fromkeys(digests, "tin-can")
    return audit_store(store, FileReader(CpuHasher()), names, whole=whole)


def found(result: StoreAudit) -> list[tuple[str, str, str]]:
    """Kind, problem and the end of the path."""
    return [(one.kind, one.problem, one.path.rpartition("/tree/")[2]) for one in result.damages]


def test_a_whole_store_has_no_damage(store: WheelStore, tin: str) -> None:
    result = audit(store, tin)
    assert (result.blobs, result.wheels, result.damages) == (1, 1, ())
    assert audit(store, whole=True) == result


def test_what_is_not_there_is_no_damage(store: WheelStore, tin: str) -> None:
    assert audit(store, "0" * 64).damages == ()
    store.blobs.remove(tin)
    assert audit(store, tin).blobs == 0
    assert audit(store, tin).damages == ()


def edited(tree: Path) -> None:
    (tree / "tin/__init__.py").chmod(0o644)
    (tree / "tin/__init__.py").write_text("x = 2\n")


def made_a_link(tree: Path) -> None:
    (tree / "tin/__init__.py").rename(tree.with_name("away"))
    (tree / "tin/__init__.py").symlink_to(tree.with_name("away"))


DAMAGES: dict[str, tuple[Callable[[Path], object], tuple[str, str]]] = {
    "edited": (edited, ("changed", "tin/__init__.py")),
    "gone": (lambda tree: (tree / "tin/run.sh").unlink(), ("missing", "tin/run.sh")),
    "added": (lambda tree: (tree / "tin/evil.py").touch(), ("extra", "tin/evil.py")),
    "mode": (lambda tree: (tree / "tin/run.sh").chmod(0o444), ("changed", "tin/run.sh")),
    "a link": (made_a_link, ("changed", "tin/__init__.py")),
    "a pipe": (lambda tree: os.mkfifo(tree / "tin/pipe"), ("extra", "tin/pipe")),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_tree(store: WheelStore, tin: str, name: str) -> None:
    damage, wanted = DAMAGES[name]
    damage(store.directory(tin))
    result = audit(store, tin)
    assert found(result) == [("wheel", *wanted)]
    assert result.damaged("wheel") == (tin,)
    assert result.damaged("blob") == ()
    assert result.damages[0].package == "tin-can"


def test_a_damaged_blob(store: WheelStore, tin: str) -> None:
    path = store.blobs.path(tin)
    path.chmod(0o644)
    path.write_bytes(b"")
    result = audit(store, tin)
    assert [(one.kind, one.problem) for one in result.damages] == [("blob", "changed")]
    assert path.exists()


@pytest.mark.parametrize("forgery", ["a file", "an entry point", "garbage", "another wheel's"])
def test_a_forged_manifest(store: WheelStore, tin: str, forgery: str) -> None:
    """Also one whose own root is right, and that the tree agrees with."""
    manifest = store.directory(tin).with_name("manifest")
    tree = store.peek(tin)
    assert tree is not None
    manifest.write_bytes(forged(tree, forgery, store.directory(tin)))
    result = audit(store, tin)
    assert [(one.problem, one.path.rpartition("/")[2]) for one in result.damages] == [
        ("changed", "manifest")
    ]
    assert manifest.exists()


def forged(tree: WheelTree, forgery: str, directory: Path) -> bytes:
    from ppm.engine.store.roots import tree_root

    if forgery == "garbage":
        return b"\xff"
    if forgery == "another wheel's":
        return msgspec.msgpack.encode(msgspec.structs.replace(tree, sha256="0" * 64))
    if forgery == "an entry point":
        evil = msgspec.structs.replace(tree.entry_points[0], module="os")
        return msgspec.msgpack.encode(msgspec.structs.replace(tree, entry_points=(evil,)))
    edited(directory)
    digest = hashlib.sha256(b"x = 2\n").hexdigest()
    files = tuple(
        msgspec.structs.replace(one, sha256=digest) if one.path == "tin/__init__.py" else one
        for one in tree.files
    )
    return msgspec.msgpack.encode(msgspec.structs.replace(tree, files=files, root=tree_root(files)))


def test_what_is_no_entry_at_all_is_extra(store: WheelStore, tin: str) -> None:
    (store.root / "wheels/notes").mkdir()
    (store.root / "blobs/sha256/ab").mkdir(exist_ok=True)
    (store.root / "blobs/sha256/ab/notes").touch()
    result = audit(store, whole=True)
    assert sorted((one.kind, one.problem) for one in result.damages) == [
        ("blob", "extra"),
        ("wheel", "extra"),
    ]
    assert audit(store, tin).damages == ()


def test_a_wheel_that_a_crash_may_have_torn_counts_as_absent(store: WheelStore, tin: str) -> None:
    folder = store.directory(tin).parent
    (folder / "unsynced").write_bytes(b"another boot")
    edited(store.directory(tin))
    assert not store.stands(tin)
    assert audit(store, tin).damages == ()
    assert folder.exists()
