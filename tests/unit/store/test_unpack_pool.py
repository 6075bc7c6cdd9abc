from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import pytest
from support.archives import archive, members_of
from support.wheels import build_wheel, wheel_members

from ppm.engine.errors import ArtifactError, PpmError
from ppm.engine.store.model import WheelTree
from ppm.engine.store.unpack import unpack_wheel
from ppm.engine.store.wheels import WheelStore
from ppm.engine.store.workers import UnpackPool

NAMES = [f"demo{number}" for number in range(12)]
RANDOM = random.Random(3).randbytes(1_500_000)


def filename(name: str) -> str:
    return f"{name}-1.0-py3-none-any.whl"


def put(store: WheelStore, data: bytes) -> str:
    sha256 = hashlib.sha256(data).hexdigest()
    with store.blobs.incoming() as incoming:
        incoming.write(data)
        incoming.commit(sha256)
    return sha256


def put_wheel(store: WheelStore, name: str, size: int = 2000) -> str:
    return put(store, build_wheel(store.root, name, "1.0", files=files(name, size)).read_bytes())


def files(name: str, size: int) -> dict[str, bytes | str]:
    """Five files, together of about ``size`` bytes that hardly pack."""
    many = size // len(RANDOM) + 1
    return {f"{name}/{n}.bin": (RANDOM[n:] * many)[: size // 5] for n in range(5)}


def large_files() -> dict[str, bytes]:
    return {f"demo0/{number}.bin": RANDOM[number:] for number in range(10)}


@pytest.fixture
def store(tmp_path: Path) -> WheelStore:
    return WheelStore(tmp_path / "store")


def inside(
    store: WheelStore, work: Callable[[UnpackPool], Awaitable[object]], processes: int = 2
) -> None:
    with UnpackPool(store, processes=processes) as pool:
        anyio.run(work, pool)


def leftovers(store: WheelStore) -> list[str]:
    return [path.name for path in (store.root / "wheels").glob(".*")]


@pytest.mark.parametrize("processes", [0, 1, 3])
def test_many_wheels_at_once_are_as_if_one_by_one(store: WheelStore, processes: int) -> None:
    wheels = {name: put_wheel(store, name) for name in NAMES}
    trees: dict[str, WheelTree] = {}

    async def work(pool: UnpackPool) -> None:
        async def one(name: str) -> None:
            trees[name] = await pool.unpack(wheels[name], filename(name), name, "1.0")

        async with anyio.create_task_group() as tasks:
            for name in NAMES:
                tasks.start_soon(one, name)

    inside(store, work, processes)
    other = WheelStore(store.root / "other")
    for name, sha256 in wheels.items():
        put_wheel(other, name)
        assert trees[name] == unpack_wheel(other, sha256, filename(name), name, "1.0")
        assert store.tree(sha256) == trees[name]
    assert leftovers(store) == []


def test_a_large_wheel_is_split(store: WheelStore) -> None:
    members = wheel_members("demo0", "1.0", files=large_files())
    sha256 = put(store, archive(members_of(members)))
    assert store.blobs.size(sha256) > 8 * 2**20
    trees: list[WheelTree] = []

    async def work(pool: UnpackPool) -> None:
        trees.append(await pool.unpack(sha256, filename("demo0"), "demo0", "1.0"))

    inside(store, work, 3)
    for path, content in large_files().items():
        assert (store.directory(sha256) / path).read_bytes() == content
    assert leftovers(store) == []
    assert sorted(path.name for path in store.directory(sha256).parent.iterdir()) == [
        "manifest",
        "tree",
        "unsynced",
    ]
    store.remove(sha256)
    assert trees == [unpack_wheel(store, sha256, filename("demo0"), "demo0", "1.0")]


def test_a_large_wheel_with_one_bad_file_is_refused(store: WheelStore) -> None:
    members = wheel_members("demo0", "1.0", files=large_files())
    members["demo0/7.bin"] = members["demo0/7.bin"][::-1]
    sha256 = put(store, archive(members_of(members)))
    good = put_wheel(store, "demo1")

    async def work(pool: UnpackPool) -> None:
        with pytest.raises(ArtifactError, match=r"7\.bin") as caught:
            await pool.unpack(sha256, filename("demo0"), "demo0", "1.0")
        assert caught.value.code == "RECORD_MISMATCH"
        assert leftovers(store) == []
        assert await pool.unpack(good, filename("demo1"), "demo1", "1.0")

    inside(store, work)
    assert list(store.digests()) == [good]


def test_a_large_blob_that_changed_is_refused(store: WheelStore) -> None:
    members = wheel_members("demo0", "1.0", files=large_files())
    data = archive(members_of(members))
    sha256 = put(store, data)
    path = store.blobs.path(sha256)
    path.unlink()
    # Its time stamp: nothing that the archive's own checks look at.
    path.write_bytes(data[:10] + b"!" + data[11:])

    async def work(pool: UnpackPool) -> None:
        with pytest.raises(ArtifactError) as caught:
            await pool.unpack(sha256, filename("demo0"), "demo0", "1.0")
        assert caught.value.code == "BLOB_CORRUPT"

    inside(store, work)
    assert not store.blobs.has(sha256)
    assert list(store.digests()) == []
    assert leftovers(store) == []


@pytest.mark.parametrize("processes", [0, 2])
def test_a_refusal_comes_back_whole(store: WheelStore, processes: int) -> None:
    sha256 = put(store, b"no archive")
    good = put_wheel(store, "demo1")

    async def work(pool: UnpackPool) -> None:
        for _ in range(3):
            with pytest.raises(ArtifactError) as caught:
                await pool.unpack(sha256, filename("demo0"), "demo0", "1.0")
            assert caught.value.code == "ZIP_END"
            assert "no ZIP archive" in caught.value.message
        with pytest.raises(ArtifactError) as caught:
            await pool.unpack(hashlib.sha256(b"").hexdigest(), filename("x"), "x", "1.0")
        assert caught.value.code == "BLOB_MISSING"
        assert caught.value.hint
        assert await pool.unpack(good, filename("demo1"), "demo1", "1.0")

    inside(store, work, processes)


def children() -> list[int]:
    me = os.getpid()
    return [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and _parent(entry) == me
    ]


def _parent(entry: Path) -> int:
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def test_workers_start_on_entry_and_are_gone_on_exit(store: WheelStore) -> None:
    with UnpackPool(store, processes=3) as pool:
        workers = {worker.process.pid for worker in pool._workers}
        assert len(workers) == 3
        assert workers <= set(children())
    assert workers.isdisjoint(children())


def test_a_worker_that_dies_is_an_error_and_the_others_go_on(store: WheelStore) -> None:
    wheels = {name: put_wheel(store, name) for name in NAMES}

    async def work(pool: UnpackPool) -> None:
        os.kill(pool._workers[0].process.pid or 0, signal.SIGKILL)
        with pytest.raises(PpmError) as caught:
            await pool.unpack(wheels["demo0"], filename("demo0"), "demo0", "1.0")
        assert caught.value.code == "WORKER_DIED"
        for name in NAMES:
            await pool.unpack(wheels[name], filename(name), name, "1.0")

    inside(store, work)
    assert len(list(store.digests())) == len(NAMES)


def test_without_workers_left_everybody_hears_of_it(store: WheelStore) -> None:
    wheels = {name: put_wheel(store, name) for name in NAMES}
    codes: list[str] = []

    async def work(pool: UnpackPool) -> None:
        async def one(name: str) -> None:
            with pytest.raises(PpmError) as caught:
                await pool.unpack(wheels[name], filename(name), name, "1.0")
            codes.append(caught.value.code)

        for worker in pool._workers:
            os.kill(worker.process.pid or 0, signal.SIGKILL)
        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                for name in NAMES:
                    tasks.start_soon(one, name)

    inside(store, work)
    assert codes == ["WORKER_DIED"] * len(NAMES)


def test_a_worker_killed_at_work_leaves_no_wheel(store: WheelStore) -> None:
    sha256 = put_wheel(store, "demo0", 7_000_000)

    async def work(pool: UnpackPool) -> None:
        async def kill() -> None:
            while not leftovers(store):  # noqa: ASYNC110 - another process makes the folder
                await anyio.sleep(0.001)
            os.kill(pool._workers[0].process.pid or 0, signal.SIGKILL)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(kill)
            with pytest.raises(PpmError) as caught:
                await pool.unpack(sha256, filename("demo0"), "demo0", "1.0")
            assert caught.value.code == "WORKER_DIED"

    inside(store, work, 1)
    assert leftovers(store) == []
    assert store.tree(sha256) is None


def test_cancelled_calls_do_not_confuse_later_ones(store: WheelStore) -> None:
    wheels = {name: put_wheel(store, name, 400_000) for name in NAMES}

    async def work(pool: UnpackPool) -> None:
        for name in NAMES[:6]:
            with anyio.move_on_after(0.003):
                await pool.unpack(wheels[name], filename(name), name, "1.0")
        with anyio.fail_after(60):
            for name in reversed(NAMES):
                tree = await pool.unpack(wheels[name], filename(name), name, "1.0")
                assert tree.name == name

    inside(store, work)


def test_a_cancelled_waiter_passes_its_turn_on(store: WheelStore) -> None:
    wheels = {name: put_wheel(store, name) for name in NAMES}

    async def work(pool: UnpackPool) -> None:
        async def one(name: str) -> None:
            await pool.unpack(wheels[name], filename(name), name, "1.0")

        for delay in (0, 0.0005, 0.001, 0.002, 0.004):
            with anyio.move_on_after(delay):
                async with anyio.create_task_group() as tasks:
                    for name in NAMES:
                        tasks.start_soon(one, name)
            assert not pool._waiting
        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                for name in NAMES:
                    tasks.start_soon(one, name)

    inside(store, work, 1)
    assert len(list(store.digests())) == len(NAMES)


def test_leaving_early_leaves_nothing(store: WheelStore) -> None:
    sha256 = put_wheel(store, "demo0", 30_000_000)

    async def work(pool: UnpackPool) -> None:
        with anyio.move_on_after(0.15):
            await pool.unpack(sha256, filename("demo0"), "demo0", "1.0")

    inside(store, work)
    assert leftovers(store) == []


PROGRAM = """
    import sys
    from pathlib import Path
    import anyio
    from ppm.engine.store.wheels import WheelStore
    from ppm.engine.store.workers import UnpackPool

    async def work(pool):
        print(*(worker.process.pid for worker in pool._workers), flush=True)
        await anyio.sleep(60)

    if __name__ == "__main__":
        try:
            with UnpackPool(WheelStore(Path(sys.argv[1])), processes=2) as pool:
                anyio.run(work, pool)
        except KeyboardInterrupt:
            sys.exit(130)
"""


def start(tmp_path: Path) -> tuple[subprocess.Popen[str], list[int]]:
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(PROGRAM))
    process = subprocess.Popen(
        [sys.executable, script, tmp_path],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    return process, [int(pid) for pid in process.stdout.readline().split()]


def gone(pids: list[int], patience: float = 10) -> bool:
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if not any(Path(f"/proc/{pid}/fd").exists() and _runs(pid) for pid in pids):
            return True
        time.sleep(0.02)
    return False


def _runs(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_ctrl_c_ends_the_workers_without_a_word(tmp_path: Path) -> None:
    process, pids = start(tmp_path)
    assert len(pids) == 2
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (130, "")
    assert gone(pids)


def test_workers_do_not_outlive_their_program(tmp_path: Path) -> None:
    process, pids = start(tmp_path)
    process.kill()
    process.communicate(timeout=20)
    assert gone(pids)


def test_spawned_workers_do_as_well_as_forked_ones(
    store: WheelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256 = put_wheel(store, "demo0")
    monkeypatch.setattr(sys, "platform", "darwin")

    async def work(pool: UnpackPool) -> None:
        assert await pool.unpack(sha256, filename("demo0"), "demo0", "1.0")

    inside(store, work, 1)
