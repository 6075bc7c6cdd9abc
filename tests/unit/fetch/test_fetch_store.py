"""The pipeline into the real store: blobs on disk, wheels unpacked by the pool."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest
from support.wheels import build_wheel
from unit.fetch.fileserver import FileServer
from unit.fetch.harness import NotedProgress, want

from ppm.engine.errors import ArtifactError
from ppm.engine.fetch.pipeline import FetchedWheel, fetch
from ppm.engine.hashing.cpu import CpuHasher
from ppm.engine.index.credentials import Credentials
from ppm.engine.index.transport import Transport
from ppm.engine.store.model import StoredFile, WantedFile
from ppm.engine.store.wheels import WheelStore
from ppm.engine.store.workers import UnpackPool


async def nobody(files: Sequence[StoredFile]) -> None:
    assert all(file.fresh for file in files)


async def fetch_into(
    store: WheelStore, pool: UnpackPool, wanted: Sequence[WantedFile]
) -> tuple[FetchedWheel, ...]:
    async with Transport(credentials=Credentials()) as transport:
        return await fetch(
            wanted,
            transport=transport,
            blobs=store.blobs,
            wheels=store,
            hasher=CpuHasher(),
            unpack_pool=pool,
            progress=NotedProgress(),
            on_stored=nobody,
        )


def wheels_in(folder: Path, count: int) -> list[Path]:
    return [
        build_wheel(folder, f"part{n}", f"1.{n}", files={f"part{n}/__init__.py": f"N = {n}\n"})
        for n in range(count)
    ]


def wanted_from(server: FileServer, path: Path, body: bytes) -> WantedFile:
    name, version, *_ = path.name.split("-")
    file = want(server.serve(path.name, body), body)
    return WantedFile(
        name=name,
        version=version,
        filename=file.filename,
        url=file.url,
        sha256=file.sha256,
        size=file.size,
        kind="wheel",
    )


@pytest.mark.parametrize("processes", [0, 2])
def test_wheels_come_out_unpacked_and_a_second_run_only_looks(
    tmp_path: Path, processes: int
) -> None:
    bodies = {path: path.read_bytes() for path in wheels_in(tmp_path / "built", 12)}
    store = WheelStore(tmp_path / "store")

    async def main(pool: UnpackPool) -> None:
        async with FileServer() as server:
            wanted = [wanted_from(server, path, body) for path, body in bodies.items()]
            got = await fetch_into(store, pool, wanted)
            again = await fetch_into(store, pool, wanted)
        assert len(server.requests) == 12
        assert [item.stored.wanted for item in got] == wanted
        assert [item.tree for item in again] == [item.tree for item in got]
        assert not any(item.stored.fresh for item in again)

    with UnpackPool(store, processes=processes) as pool:
        anyio.run(main, pool)
    for number, body in enumerate(bodies.values()):
        sha256 = want("file:///x", body).sha256
        text = (store.directory(sha256) / f"part{number}" / "__init__.py").read_text()
        assert text == f"N = {number}\n"


@pytest.mark.parametrize("processes", [0, 2])
def test_a_stored_wheel_that_lost_its_bytes_is_fetched_again_in_the_same_run(
    tmp_path: Path, processes: int
) -> None:
    (path,) = wheels_in(tmp_path / "built", 1)
    body = path.read_bytes()
    store = WheelStore(tmp_path / "store")

    async def main(pool: UnpackPool) -> None:
        async with FileServer() as server:
            wanted = wanted_from(server, path, body)
            (first,) = await fetch_into(store, pool, [wanted])
            await anyio.to_thread.run_sync(damage, wanted.sha256)
            (again,) = await fetch_into(store, pool, [wanted])
        assert len(server.requests) == 2
        assert again.stored.fresh
        assert again.tree == first.tree

    def damage(sha256: str) -> None:
        store.remove(sha256)
        blob = store.blobs.path(sha256)
        blob.chmod(0o644)
        blob.write_bytes(bytes(len(body)))

    with UnpackPool(store, processes=processes) as pool:
        anyio.run(main, pool)


def test_a_wheel_that_is_not_what_its_name_says_is_refused(tmp_path: Path) -> None:
    (path,) = wheels_in(tmp_path / "built", 1)
    body = path.read_bytes()
    store = WheelStore(tmp_path / "store")

    async def main(pool: UnpackPool) -> None:
        async with FileServer() as server:
            url = server.serve("other-1.0-py3-none-any.whl", body)
            with pytest.raises(ArtifactError):
                await fetch_into(store, pool, [want(url, body)])

    with UnpackPool(store, processes=0) as pool:
        anyio.run(main, pool)
    assert list(store.digests()) == []
