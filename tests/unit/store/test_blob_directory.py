from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ppm.engine.errors import StorageError
from ppm.engine.store import blobs
from ppm.engine.store.blobs import BlobStore

DATA = b"the bytes of a wheel" * 10_000
SHA256 = hashlib.sha256(DATA).hexdigest()


def put(store: BlobStore, data: bytes = DATA, key: str = "") -> str:
    sha256 = hashlib.sha256(data).hexdigest()
    with store.incoming(key) as incoming:
        incoming.write(data)
        incoming.commit(sha256)
    return sha256


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_a_blob_lies_under_its_digest_read_only(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    put(store, key="wheel")
    assert files(tmp_path) == [f"blobs/sha256/{SHA256[:2]}/{SHA256}"]
    assert store.path(SHA256) == tmp_path / "blobs" / "sha256" / SHA256[:2] / SHA256
    assert stat.S_IMODE(store.path(SHA256).stat().st_mode) == 0o444
    assert store.path(SHA256).stat().st_nlink == 1


def test_what_is_arriving_is_private_and_partial(tmp_path: Path) -> None:
    with BlobStore(tmp_path).incoming("wheel") as incoming:
        incoming.write(b"x")
        (partial,) = files(tmp_path)
        assert partial.startswith("blobs/incoming/")
        assert partial.endswith(".partial")
        assert stat.S_IMODE((tmp_path / partial).stat().st_mode) == 0o600
    assert files(tmp_path) == [partial]


def test_a_discarded_file_leaves_nothing(tmp_path: Path) -> None:
    with BlobStore(tmp_path).incoming("wheel") as incoming:
        incoming.write(b"x")
        incoming.discard()
    assert files(tmp_path) == []


def test_a_blob_is_never_replaced(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    put(store)
    inode = store.path(SHA256).stat().st_ino
    put(store)
    put(store, key="wheel")
    assert store.path(SHA256).stat().st_ino == inode
    assert len(files(tmp_path)) == 1


def test_bytes_that_got_their_name_before_a_crash_do_not_grow(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    with store.incoming("wheel") as incoming:
        incoming.write(DATA)
    # A crash between giving the final name and taking the partial one away.
    (partial,) = (tmp_path / "blobs" / "incoming").iterdir()
    store.path(SHA256).parent.mkdir(parents=True)
    os.link(partial, store.path(SHA256))
    with store.incoming("wheel") as incoming:
        assert incoming.size == 0
        incoming.write(b"something else")
        incoming.commit(hashlib.sha256(b"something else").hexdigest())
    assert store.read(SHA256) == DATA


WRITER = """
import hashlib, sys, time
from pathlib import Path
from ppm.engine.store.blobs import BlobStore

root, key, data = Path(sys.argv[1]), sys.argv[2], b"the bytes of a wheel" * 10_000
print("ready", flush=True)
while not (root / "go").exists():
    time.sleep(0.0005)
with BlobStore(root).incoming(key) as incoming:
    incoming.write(data)
    incoming.commit(hashlib.sha256(data).hexdigest())
"""


@pytest.mark.parametrize("key", ["", "wheel"])
def test_processes_that_store_one_blob_at_once_all_succeed(tmp_path: Path, key: str) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, tmp_path, key], stdout=subprocess.PIPE, text=True
        )
        for _ in range(5)
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    (tmp_path / "go").touch()
    for writer in writers:
        writer.communicate(timeout=30)
    assert [writer.returncode for writer in writers] == [0] * 5
    assert BlobStore(tmp_path).read(SHA256) == DATA
    assert files(tmp_path) == [f"blobs/sha256/{SHA256[:2]}/{SHA256}", "go"]


def test_one_sync_covers_a_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[list[str]] = []
    store = BlobStore(tmp_path)
    monkeypatch.setattr(
        blobs, "sync_filesystem", lambda _path: calls.append(sorted(store.digests()))
    )
    wanted = sorted(put(store, bytes([number])) for number in range(10))
    assert calls == []
    store.sync()
    store.sync()
    assert calls == [wanted]


def test_after_a_failed_sync_the_next_one_tries_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = BlobStore(tmp_path)
    put(store)

    def broken(path: Path) -> None:
        raise StorageError(f"{path}: input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(blobs, "sync_filesystem", broken)
        for _ in range(2):
            with pytest.raises(StorageError):
                store.sync()
    store.sync()


def test_a_full_disk_is_a_storage_error_and_the_rest_stays(tmp_path: Path) -> None:
    import resource

    store = BlobStore(tmp_path)
    put(store)
    pid = os.fork()
    if pid == 0:
        status = 3
        try:
            import signal

            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
            with store.incoming("big") as incoming:
                incoming.write(b"x" * 200_000)
        except StorageError:
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert list(store.digests()) == [SHA256]


def test_a_store_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_bytes(b"a file where a folder must be")
    with pytest.raises(StorageError):
        BlobStore(tmp_path).incoming()
