from __future__ import annotations

import hashlib
import os
import random
import stat
import tracemalloc
from pathlib import Path

import pytest
from support.archives import archive, members_of
from support.wheels import build_wheel, record, wheel_members, write_wheel

from ppm.engine.errors import ArtifactError, StorageError
from ppm.engine.store import unpack as unpack_module
from ppm.engine.store.model import EntryPoint, TreeFile, WheelTree
from ppm.engine.store.roots import tree_root
from ppm.engine.store.unpack import unpack_wheel
from ppm.engine.store.wheels import WheelStore

DATA = random.Random(7).randbytes(3_000_000)


def put(store: WheelStore, wheel: Path | bytes) -> str:
    data = wheel if isinstance(wheel, bytes) else wheel.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    with store.blobs.incoming() as incoming:
        incoming.write(data)
        incoming.commit(sha256)
    return sha256


@pytest.fixture
def store(tmp_path: Path) -> WheelStore:
    return WheelStore(tmp_path / "store")


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return build_wheel(
        tmp_path,
        "Demo.Tool",
        "1.0",
        files={
            "demo/__init__.py": "x = 1\n",
            "demo/run.sh": "#!/bin/sh\n",
            "demo/deep/er/data.bin": DATA,
            "demo/__pycache__/x.cpython-311.pyc": b"byte code",
            "__pycache__/top.cpython-311.pyc": b"byte code",
            "demo.pth": "import demo\n",
        },
        data={"scripts/old": "#!python\n", "data/share/doc": "text", "headers/demo.h": ""},
        executable=("demo/run.sh", "scripts/old"),
        entry_points={"console_scripts": {"demo": "demo.cli:main"}, "gui_scripts": {"d": "d:m.n"}},
        tags="cp311-cp311-linux_x86_64",
        purelib=False,
    )


FILENAME = "demo_tool-1.0-cp311-cp311-linux_x86_64.whl"
STEM = "demo_tool-1.0"


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def unpack(store: WheelStore, sha256: str) -> WheelTree:
    return unpack_wheel(store, sha256, FILENAME, "demo-tool", "1.0")


def test_the_manifest_says_everything_an_install_needs(store: WheelStore, wheel: Path) -> None:
    sha256 = put(store, wheel)
    tree = unpack(store, sha256)
    assert (tree.sha256, tree.name, tree.version) == (sha256, "demo-tool", "1.0")
    assert tree.dist_info == f"{STEM}.dist-info"
    assert tree.purelib is False
    assert tree.entry_points == (
        EntryPoint("console", "demo", "demo.cli", "main"),
        EntryPoint("gui", "d", "d", "m.n"),
    )
    assert [file.path for file in tree.files] == sorted(
        [
            "demo/__init__.py",
            "demo/run.sh",
            "demo/deep/er/data.bin",
            "demo.pth",
            f"{STEM}.data/scripts/old",
            f"{STEM}.data/data/share/doc",
            f"{STEM}.data/headers/demo.h",
            f"{STEM}.dist-info/METADATA",
            f"{STEM}.dist-info/WHEEL",
            f"{STEM}.dist-info/entry_points.txt",
        ]
    )
    executable = [file.path for file in tree.files if file.executable]
    assert executable == ["demo/run.sh", f"{STEM}.data/scripts/old"]
    assert tree.root == tree_root(tree.files)


def test_the_files_are_as_the_manifest_says(store: WheelStore, wheel: Path) -> None:
    tree = unpack(store, put(store, wheel))
    directory = store.directory(tree.sha256)
    found = {
        path.relative_to(directory).as_posix(): path
        for path in directory.rglob("*")
        if not path.is_dir()
    }
    assert set(found) == {file.path for file in tree.files}
    for file in tree.files:
        content = found[file.path].read_bytes()
        mode = stat.S_IMODE(found[file.path].stat().st_mode)
        assert file == TreeFile(
            file.path, hashlib.sha256(content).hexdigest(), len(content), mode == 0o555
        )
        assert mode in {0o444, 0o555}


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_modes_do_not_depend_on_the_mask(store: WheelStore, wheel: Path, mask: int) -> None:
    sha256 = put(store, wheel)
    before = os.umask(mask)
    try:
        unpack(store, sha256)
    finally:
        os.umask(before)
    home = store.directory(sha256).parent
    folders = [home, *(path for path in home.rglob("*") if path.is_dir())]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o755}
    files = [path for path in store.directory(sha256).rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o444, 0o555}


def test_unpacking_again_touches_nothing(store: WheelStore, wheel: Path) -> None:
    sha256 = put(store, wheel)
    first = unpack(store, sha256)
    before = store.directory(sha256).parent.stat()
    store.blobs.remove(sha256)
    assert unpack(store, sha256) == first
    after = store.directory(sha256).parent.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_an_unpacked_wheel_is_not_taken_for_another(store: WheelStore, wheel: Path) -> None:
    sha256 = put(store, wheel)
    unpack(store, sha256)
    with pytest.raises(ArtifactError) as caught:
        unpack_wheel(store, sha256, "other-1.0-py3-none-any.whl", "other", "1.0")
    assert caught.value.code == "WHEEL_NAME"


def test_without_its_blob_nothing_can_be_unpacked(store: WheelStore) -> None:
    with pytest.raises(ArtifactError) as caught:
        unpack(store, hashlib.sha256(b"").hexdigest())
    assert caught.value.code == "BLOB_MISSING"


def test_a_blob_that_changed_on_the_disk_is_refused_and_removed(
    store: WheelStore, wheel: Path
) -> None:
    sha256 = put(store, wheel)
    path = store.blobs.path(sha256)
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(40)
        file.write(b"!")
    with pytest.raises(ArtifactError) as caught:
        unpack(store, sha256)
    assert caught.value.code == "BLOB_CORRUPT"
    assert not store.blobs.has(sha256)
    assert store.tree(sha256) is None


def test_stronger_digests_in_record_are_checked_too(store: WheelStore, tmp_path: Path) -> None:
    files = {"demo/small": b"s", "demo/large": DATA}
    members = wheel_members("demo_tool", "1.0", files=files, tags="cp311-cp311-linux_x86_64")
    own = f"{STEM}.dist-info/RECORD"
    members[own] = record(members, own, "sha512")
    tree = unpack(store, put(store, write_wheel(tmp_path / FILENAME, members)))
    digests = {file.path: file.sha256 for file in tree.files}
    assert digests["demo/small"] == hashlib.sha256(b"s").hexdigest()
    assert digests["demo/large"] == hashlib.sha256(DATA).hexdigest()


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("path", ["demo/small", "demo/large"])
def test_content_that_record_does_not_know_is_refused(
    store: WheelStore, path: str, algorithm: str
) -> None:
    members = wheel_members(
        "demo_tool",
        "1.0",
        files={"demo/small": b"s", "demo/large": DATA},
        tags="cp311-cp311-linux_x86_64",
    )
    own = f"{STEM}.dist-info/RECORD"
    members[own] = record(members, own, algorithm)
    members[path] = members[path][:-1] + bytes([members[path][-1] ^ 1])
    sha256 = put(store, archive(members_of(members)))
    with pytest.raises(ArtifactError, match=path) as caught:
        unpack(store, sha256)
    assert caught.value.code == "RECORD_MISMATCH"
    assert [path.name for path in (store.root / "wheels").iterdir()] == []


def test_wheels_with_more_folders_than_are_held_open(store: WheelStore) -> None:
    files = {
        f"demo/{'/'.join(str(number))}/{step}": str(number).encode()
        for step in "ab"
        for number in range(1000, 1400)
    }
    members = wheel_members("demo_tool", "1.0", files=files, tags="cp311-cp311-linux_x86_64")
    before = open_files()
    tree = unpack(store, put(store, archive(members_of(members))))
    assert open_files() == before
    assert len(tree.files) == 802
    for path, content in files.items():
        assert (store.directory(tree.sha256) / path).read_bytes() == content


def test_a_large_file_is_never_in_memory_as_a_whole(store: WheelStore, tmp_path: Path) -> None:
    files = {"demo/large": DATA * 8}
    path = build_wheel(tmp_path, "demo_tool", "1.0", files=files, tags="cp311-cp311-linux_x86_64")
    sha256 = put(store, path)
    del files
    tracemalloc.start()
    try:
        unpack(store, sha256)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * 2**20


def test_what_goes_wrong_on_the_disk_leaves_nothing(
    store: WheelStore, wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256 = put(store, wheel)
    whole = unpack_module.inflate.whole

    def full(data: bytes, member: object) -> bytes:
        if getattr(member, "path", "") == "demo.pth":
            raise OSError(28, "No space left on device")
        return whole(data, member)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(unpack_module.inflate, "whole", full)
        with pytest.raises(StorageError) as caught:
            unpack(store, sha256)
    assert caught.value.code == "DISK_FULL"
    assert list((store.root / "wheels").iterdir()) == []
    assert unpack(store, sha256).files
