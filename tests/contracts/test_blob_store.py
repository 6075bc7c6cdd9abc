"""Every blob store keeps bytes under their digest, and digests them again when it gives them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ppm.engine.errors import ArtifactError
from ppm.engine.store.blobs import BlobStore
from ppm.engine.store.memory_blobs import MemoryBlobStore

Store = BlobStore | MemoryBlobStore

ABSENT = hashlib.sha256(b"absent").hexdigest()


@pytest.fixture(params=["directory", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return BlobStore(tmp_path / "store") if request.param == "directory" else MemoryBlobStore()


def put(store: Store, data: bytes) -> str:
    sha256 = hashlib.sha256(data).hexdigest()
    with store.incoming() as incoming:
        incoming.write(data)
        incoming.commit(sha256)
    return sha256


def tamper(store: Store, sha256: str, data: bytes) -> None:
    if isinstance(store, BlobStore):
        path = store.path(sha256)
        path.unlink()
        path.write_bytes(data)
    else:
        store.blobs[sha256] = data


@pytest.mark.parametrize("size", [0, 1, 300_000])
def test_what_was_put_is_read(store: Store, size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    data = data[:size]
    sha256 = put(store, data)
    assert store.has(sha256)
    assert store.size(sha256) == size
    assert store.read(sha256) == data
    store.verify(sha256)


def test_a_new_store_is_empty(store: Store) -> None:
    assert not store.has(ABSENT)
    assert list(store.digests()) == []
    store.sync()


def test_an_absent_blob_is_named(store: Store) -> None:
    for ask in (store.read, store.size, store.verify):
        with pytest.raises(ArtifactError, match=ABSENT) as caught:
            ask(ABSENT)
        assert caught.value.code == "BLOB_MISSING"
        assert caught.value.hint


@pytest.mark.parametrize("name", ["", "abc", "../../etc/passwd", ABSENT.upper(), ABSENT + "\n"])
def test_only_digests_are_names(store: Store, name: str) -> None:
    for ask in (store.has, store.read, store.remove):
        with pytest.raises(ValueError, match="SHA-256"):
            ask(name)
    with store.incoming() as incoming, pytest.raises(ValueError, match="SHA-256"):
        incoming.commit(name)


def test_nothing_is_there_before_the_commit(store: Store) -> None:
    data = b"half"
    with store.incoming() as incoming:
        incoming.write(data)
        assert incoming.size == 4
        assert not store.has(hashlib.sha256(data).hexdigest())
    assert list(store.digests()) == []


def test_putting_the_same_bytes_again_changes_nothing(store: Store) -> None:
    assert put(store, b"twice") == put(store, b"twice")
    assert len(list(store.digests())) == 1


def test_digests_are_listed_in_order(store: Store) -> None:
    put_in = [put(store, bytes([number])) for number in range(20)]
    assert list(store.digests()) == sorted(put_in)


def test_changed_bytes_are_refused_and_removed(store: Store) -> None:
    for check in (store.read, store.verify):
        sha256 = put(store, b"as it was")
        tamper(store, sha256, b"as it is!")
        with pytest.raises(ArtifactError) as caught:
            check(sha256)
        assert caught.value.code == "BLOB_CORRUPT"
        assert not store.has(sha256)


def test_removing_twice_is_removing_once(store: Store) -> None:
    sha256 = put(store, b"gone")
    store.remove(sha256)
    store.remove(sha256)
    assert not store.has(sha256)


def test_an_interrupted_download_goes_on_under_its_key(store: Store) -> None:
    with store.incoming("wheel") as incoming:
        incoming.write(b"first ")
    with store.incoming("wheel") as incoming:
        assert incoming.size == 6
        assert b"".join(incoming.chunks()) == b"first "
        incoming.write(b"second")
        incoming.commit(hashlib.sha256(b"first second").hexdigest())
    assert store.read(hashlib.sha256(b"first second").hexdigest()) == b"first second"
    with store.incoming("wheel") as incoming:
        assert incoming.size == 0


def test_keys_do_not_mix(store: Store) -> None:
    with store.incoming("one") as incoming:
        incoming.write(b"1")
    with store.incoming("two") as incoming:
        assert incoming.size == 0


def test_without_a_key_nothing_is_kept(store: Store) -> None:
    with store.incoming() as incoming:
        incoming.write(b"x")
    with store.incoming() as incoming:
        assert incoming.size == 0


def test_a_restart_forgets_what_came(store: Store) -> None:
    with store.incoming("wheel") as incoming:
        incoming.write(b"wrong" * 100_000)
        incoming.restart()
        assert incoming.size == 0
        assert list(incoming.chunks()) == []
        incoming.write(b"right")
        incoming.commit(hashlib.sha256(b"right").hexdigest())
    assert store.read(hashlib.sha256(b"right").hexdigest()) == b"right"


def test_what_was_discarded_is_gone(store: Store) -> None:
    with store.incoming("wheel") as incoming:
        incoming.write(b"x")
        incoming.discard()
    with store.incoming("wheel") as incoming:
        assert incoming.size == 0


def test_while_someone_writes_under_a_key_others_start_afresh(store: Store) -> None:
    with store.incoming("wheel") as first:
        first.write(b"first")
        with store.incoming("wheel") as second:
            assert second.size == 0
            second.write(b"second")
            second.commit(hashlib.sha256(b"second").hexdigest())
        first.write(b"!")
        first.commit(hashlib.sha256(b"first!").hexdigest())
    assert store.read(hashlib.sha256(b"first!").hexdigest()) == b"first!"
    assert store.read(hashlib.sha256(b"second").hexdigest()) == b"second"


def test_a_committed_file_lets_go_of_its_key(store: Store) -> None:
    with store.incoming("wheel") as first:
        first.write(b"first")
        first.commit(hashlib.sha256(b"first").hexdigest())
        with store.incoming("wheel") as second:
            second.write(b"second")
            first.discard()
            first.close()
            second.commit(hashlib.sha256(b"second").hexdigest())
    assert store.read(hashlib.sha256(b"first").hexdigest()) == b"first"
    assert store.read(hashlib.sha256(b"second").hexdigest()) == b"second"


def test_sync_may_be_called_at_any_time(store: Store) -> None:
    sha256 = put(store, b"durable")
    store.sync()
    store.sync()
    assert store.has(sha256)
