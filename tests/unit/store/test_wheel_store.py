from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ppm.engine.store import wheels
from ppm.engine.store.model import TreeFile, WheelTree
from ppm.engine.store.roots import tree_root
from ppm.engine.store.wheels import WheelStore

SHA256 = hashlib.sha256(b"a wheel").hexdigest()
OTHER = hashlib.sha256(b"another").hexdigest()


def add(store: WheelStore, sha256: str = SHA256, content: bytes = b"x") -> WheelTree:
    files = (TreeFile("demo.py", hashlib.sha256(content).hexdigest(), len(content), False),)
    tree = WheelTree(
        sha256=sha256,
        name="demo",
        version="1.0",
        dist_info="demo-1.0.dist-info",
        purelib=True,
        files=files,
        entry_points=(),
        root=tree_root(files),
    )
    staging = store.staging()
    (staging / "tree" / "demo.py").write_bytes(content)
    return store.add(staging, tree)


@pytest.fixture
def store(tmp_path: Path) -> WheelStore:
    return WheelStore(tmp_path / "store")


def test_nothing_is_there_at_first(store: WheelStore) -> None:
    assert store.tree(SHA256) is None
    assert list(store.digests()) == []
    store.sync()
    store.discard_staging()
    store.remove(SHA256)


def test_what_was_added_is_found_by_any_process(store: WheelStore) -> None:
    tree = add(store)
    again = WheelStore(store.root)
    assert again.tree(SHA256) == tree
    assert (again.directory(SHA256) / "demo.py").read_bytes() == b"x"
    assert list(again.digests()) == [SHA256]


def test_only_digests_are_names(store: WheelStore) -> None:
    for ask in (store.tree, store.directory, store.remove):
        with pytest.raises(ValueError, match="SHA-256"):
            ask("../escape")


def test_a_wheel_is_never_replaced(store: WheelStore) -> None:
    add(store)
    inode = store.directory(SHA256).stat().st_ino
    add(WheelStore(store.root))
    assert store.directory(SHA256).stat().st_ino == inode
    assert [path.name for path in (store.root / "wheels").iterdir()] == [SHA256]


def test_staging_is_private_and_no_wheel(store: WheelStore) -> None:
    staging = store.staging()
    assert staging.stat().st_mode & 0o777 == 0o700
    assert list(store.digests()) == []
    store.discard(staging)
    store.discard(staging)
    assert list((store.root / "wheels").iterdir()) == []


def test_staging_folders_are_discarded_by_their_owner(tmp_path: Path) -> None:
    mine, other = WheelStore(tmp_path, owner="mine"), WheelStore(tmp_path, owner="other")
    folders = [mine.staging(), mine.staging(), other.staging()]
    add(mine)
    mine.discard_staging("mine")
    assert [folder.exists() for folder in folders] == [False, False, True]
    mine.discard_staging()
    assert not folders[2].exists()
    assert mine.tree(SHA256) is not None


def test_a_removed_wheel_is_gone(store: WheelStore) -> None:
    add(store)
    store.remove(SHA256)
    assert store.tree(SHA256) is None
    assert list((store.root / "wheels").iterdir()) == []


def test_a_manifest_of_another_shape_counts_as_absent(store: WheelStore) -> None:
    add(store)
    (store.directory(SHA256).parent / "manifest").write_bytes(b"\x81\xa3old\x01")
    assert store.tree(SHA256) is None
    assert list(store.digests()) == []
    assert add(store) == store.tree(SHA256)


def test_one_sync_makes_all_wheels_durable(
    store: WheelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Path] = []
    monkeypatch.setattr(wheels, "sync_filesystem", calls.append)
    add(store)
    add(WheelStore(store.root), OTHER)
    store.tree(OTHER)
    store.sync()
    store.sync()
    assert calls == [store.root / "wheels"]
    folders = [store.directory(sha256).parent for sha256 in (SHA256, OTHER)]
    assert {path.name for folder in folders for path in folder.iterdir()} == {
        "manifest",
        "synced",
        "tree",
    }


def test_after_a_crash_of_the_machine_only_synced_wheels_count(
    store: WheelStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    add(store)
    store.sync()
    add(store, OTHER)
    boot = tmp_path / "boot_id"
    boot.write_text("another run of the system\n")
    monkeypatch.setattr(wheels, "_BOOT_ID", boot)
    after = WheelStore(store.root)
    assert after.tree(SHA256) is not None
    assert after.tree(OTHER) is None
    assert list(after.digests()) == [SHA256]
    add(after, OTHER)
    assert after.tree(OTHER) is not None


def test_where_the_system_has_no_identity_only_synced_wheels_count(
    store: WheelStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(wheels, "_BOOT_ID", tmp_path / "missing")
    add(store)
    store.sync()
    assert store.tree(SHA256) is not None
    add(store, OTHER)
    assert WheelStore(store.root).tree(OTHER) is None


def test_loading_a_manifest_imports_nothing_heavy(store: WheelStore) -> None:
    import subprocess
    import sys

    add(store)
    code = (
        "import sys; from pathlib import Path; from ppm.engine.store.wheels import WheelStore; "
        f"assert WheelStore(Path({str(store.root)!r})).tree({SHA256!r}); "
        "print(*sorted({'shutil', 'packaging', 'isal', 'zlib', 'multiprocessing', 'anyio', "
        "'asyncio', 'tempfile', 'subprocess'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert result.stdout.split() == []
