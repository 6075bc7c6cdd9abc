"""Which hasher a job gets, and what happens to a GPU that computes wrongly."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.host_lanes import HostDevice

from ppm.engine.errors import HashingFailure
from ppm.engine.hashing import choose
from ppm.engine.hashing.checked import CheckedHasher
from ppm.engine.hashing.choose import (
    FILE,
    SIZES,
    SMALLEST_JOB,
    Job,
    Machine,
    Measured,
    Rate,
    hasher_for,
    pays,
    this_machine,
)
from ppm.engine.hashing.cpu import CpuHasher
from ppm.engine.hashing.lanes import LaneHasher
from ppm.engine.ports import Hasher

GIB = 1024**3
FAST = Measured(
    key="here",
    device="cuda:fast",
    start_us=1_000_000,
    lane=50_000_000,
    rates=(
        Rate(message=256, cpu=200_000_000, gpu=100_000_000),
        Rate(message=4096, cpu=2_000_000_000, gpu=10_000_000_000),
        Rate(message=65536, cpu=4_000_000_000, gpu=40_000_000_000),
    ),
)
LARGE = Job(messages=1_000_000, size=100 * GIB, longest=100_000_000)


@pytest.fixture(autouse=True)
def small_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "_SAMPLE", 256 * 1024)


class Wrong(CpuHasher):
    """Computes wrongly from one message on, as a device with a broken memory might."""

    device = "cuda:broken"

    def __init__(self, *, right: int = 0) -> None:
        super().__init__()
        self.right = right

    def finish(self, lane: int) -> str:
        return super().finish(lane)[::-1]

    def digests(self, messages: Sequence[bytes | memoryview]) -> list[str]:
        digests = super().digests(messages)
        return digests[: self.right] + [digest[::-1] for digest in digests[self.right :]]


class Slow(CpuHasher):
    """Slower than any processor."""

    device = "cuda:slow"

    def digests(self, messages: Sequence[bytes | memoryview]) -> list[str]:
        time.sleep(0.1)
        return super().digests(messages)


class Starts:
    """Counts how often the GPU was started, which is slow."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> Hasher:
        self.count += 1
        return Slow()


@pytest.mark.parametrize(
    ("job", "answer"),
    [
        (LARGE, True),
        (Job(messages=0, size=0, longest=0), False),
        (Job(messages=20_000, size=GIB, longest=10**6), False),
        (Job(messages=10**6, size=5 * GIB, longest=10**6), True),
        (Job(messages=10**9, size=300 * GIB, longest=1000), False),
        (Job(messages=3, size=30 * GIB, longest=10 * GIB), False),
    ],
    ids=[
        "very many large messages",
        "nothing",
        "too little to start a device for",
        "many files",
        "short messages, slower than on the CPU",
        "few messages",
    ],
)
def test_what_was_measured_decides(job: Job, answer: bool) -> None:
    assert pays(FAST, job) is answer


def test_a_gpu_that_could_not_be_used_never_pays() -> None:
    assert not pays(Measured(key="", device="", start_us=0, lane=0, rates=()), LARGE)


def test_measured_once_and_kept(tmp_path: Path) -> None:
    starts = Starts()
    machine = Machine(key="this one", cpu=CpuHasher, gpu=starts)
    for _ in range(2):
        assert hasher_for(LARGE, tmp_path / "home", machine).device == "cpu:hashlib"
    assert starts.count == 1
    assert '"this one"' in (tmp_path / "home" / FILE).read_text()
    other = Machine(key="with a new driver", cpu=CpuHasher, gpu=starts)
    assert hasher_for(LARGE, tmp_path / "home", other).device == "cpu:hashlib"
    assert hasher_for(LARGE, tmp_path / "home", machine).device == "cpu:hashlib"
    assert starts.count == 2


def test_a_gpu_that_is_faster_is_used_and_named(tmp_path: Path) -> None:
    import msgspec

    (tmp_path / FILE).write_bytes(msgspec.json.encode([FAST]))
    machine = Machine(key="here", cpu=CpuHasher, gpu=lambda: LaneHasher(HostDevice()))
    hasher = hasher_for(LARGE, tmp_path, machine)
    assert hasher.device == "cuda:host-lanes"
    assert isinstance(hasher, CheckedHasher)
    assert hasher.digests([b"abc"]) == [hashlib.sha256(b"abc").hexdigest()]


@pytest.mark.parametrize("content", [b"", b"no json", b'[{"key":1}]', b"\xff\xfe"])
def test_what_cannot_be_read_is_measured_again(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    starts = Starts()
    hasher_for(LARGE, tmp_path, Machine(key="here", cpu=CpuHasher, gpu=starts))
    assert starts.count == 1
    assert (tmp_path / FILE).read_text().count('"message"') == len(SIZES)


def test_a_gpu_that_does_not_start_is_asked_once(tmp_path: Path) -> None:
    asked: list[int] = []

    def broken() -> Hasher:
        asked.append(1)
        raise HashingFailure("no device", code="NO_GPU")

    machine = Machine(key="here", cpu=CpuHasher, gpu=broken)
    for _ in range(2):
        assert hasher_for(LARGE, tmp_path, machine).device == "cpu:hashlib"
    assert len(asked) == 1


def test_small_jobs_and_machines_without_a_gpu_measure_nothing(tmp_path: Path) -> None:
    starts = Starts()
    small = Job(messages=10_000, size=SMALLEST_JOB - 1, longest=10)
    machine = Machine(key="here", cpu=CpuHasher, gpu=starts)
    assert hasher_for(small, tmp_path, machine).device == "cpu:hashlib"
    without = Machine(key="here", cpu=CpuHasher, gpu=None)
    assert hasher_for(LARGE, tmp_path, without).device == "cpu:hashlib"
    assert starts.count == 0
    assert list(tmp_path.iterdir()) == []


def test_this_machine_is_looked_at_without_importing_anything_heavy() -> None:
    code = (
        "import sys\n"
        "from ppm.engine.hashing.choose import this_machine\n"
        "this_machine()\n"
        "print([name for name in ('cupy', 'numpy', 'ctypes', 'random') if name in sys.modules])\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"
    assert this_machine().cpu is CpuHasher


def test_a_wrong_digest_of_a_batch_fails_with_a_code() -> None:
    hasher = CheckedHasher(Wrong(), seed=7)
    with pytest.raises(HashingFailure, match=r"cuda:broken .* \(sample of seed 7\)") as caught:
        hasher.digests([b"a", b"b"])
    assert caught.value.code == "GPU_CONTRADICTED"


def test_a_sample_is_taken_from_the_whole_batch() -> None:
    # Wrong in one of eight: a sample of 40 misses that once in two hundred seeds.
    found = 0
    messages = [str(number).encode() for number in range(10_000)]
    for seed in range(5):
        with pytest.raises(HashingFailure):
            CheckedHasher(Wrong(right=8750), seed=seed).digests(messages)
        found += 1
    assert found == 5


def test_the_same_seed_takes_the_same_sample() -> None:
    messages = [str(number).encode() for number in range(5000)]

    def contradicted(seed: int) -> str:
        with pytest.raises(HashingFailure) as caught:
            CheckedHasher(Wrong(), seed=seed).digests(messages)
        return caught.value.message

    assert contradicted(3) == contradicted(3)
    assert contradicted(3) != contradicted(4)


def test_a_wrong_digest_of_a_lane_fails_too() -> None:
    hasher = CheckedHasher(Wrong(), seed=1)
    lane = hasher.open()
    hasher.update(lane, b"abc")
    with pytest.raises(HashingFailure) as caught:
        hasher.finish(lane)
    assert caught.value.code == "GPU_CONTRADICTED"
