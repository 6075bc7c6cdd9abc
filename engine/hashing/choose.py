"""Which hasher does a job fastest on this machine: measured once, kept in ``PPM_HOME``.

A GPU has to be started, hashes each message slowly and very many at once: it pays for large jobs of
many messages. Small jobs and machines without a GPU never import anything of it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec

from ppm.engine.errors import HashingFailure
from ppm.engine.files import storage_errors, write_atomic
from ppm.engine.hashing.cpu import CpuHasher
from ppm.engine.ports import Hasher

FILE = "hashing.json"
_MIB = 1024 * 1024
# Less is hashed before a GPU is started.
SMALLEST_JOB = 256 * _MIB
# Message sizes that are measured, and how much of each.
SIZES = (256, 4096, 65536)
_SAMPLE = 32 * _MIB
_Result = TypeVar("_Result")
_DRIVER = Path("/proc/driver/nvidia")
_DEVICES = (Path("/dev/nvidia0"), Path("/dev/dxg"))


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be hashed: so many messages, their bytes together, and the longest one's."""

    messages: int
    size: int
    longest: int


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes a second for messages of one size."""

    message: int
    cpu: int
    gpu: int


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What one machine does.

    Attributes:
        key: The machine, its devices and their driver.
        device: The GPU's name; empty where it could not be used.
        start_us: From nothing to the first digest, microseconds.
        lane: Bytes a second of a message that is alone.
        rates: By message size, ascending.
    """

    key: str
    device: str
    start_us: int
    lane: int
    rates: tuple[Rate, ...]


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Who hashes here: ``gpu`` starts the GPU, None where there is none."""

    key: str
    cpu: Callable[[], Hasher]
    gpu: Callable[[], Hasher] | None


def hasher_for(job: Job, home: Path, machine: Machine | None = None) -> Hasher:
    """The hasher that is expected to finish first; a GPU's digests are checked by sample.

    Raises:
        StorageError: What was measured cannot be kept in ``home``.
    """
    machine = machine or this_machine()
    if machine.gpu is None or job.size < SMALLEST_JOB:
        return machine.cpu()
    measured = _known(home, machine.key)
    if measured is None:
        measured = measure(machine.key, machine.cpu(), machine.gpu)
        _keep(home, measured)
    if not pays(measured, job):
        return machine.cpu()
    return _checked(machine.gpu())


def this_machine() -> Machine:
    """The machine this runs on, found out without starting anything."""
    from importlib.util import find_spec

    present = any(map(os.path.exists, _DEVICES)) and find_spec("cupy") is not None
    return Machine(
        key=_key() if present else "", cpu=CpuHasher, gpu=_cuda_hasher if present else None
    )


def pays(measured: Measured, job: Job) -> bool:
    """Whether the GPU is expected to finish the job first, its start included."""
    if not measured.device:
        return False
    mean = job.size // max(job.messages, 1)
    rate = max(
        (rate for rate in measured.rates if rate.message <= mean),
        key=lambda rate: rate.message,
        default=measured.rates[0],
    )
    # No message ends before its last block, whatever else the device has to do.
    gpu = measured.start_us / 1e6 + max(job.size / rate.gpu, job.longest / measured.lane)
    return gpu < job.size / rate.cpu


def measure(key: str, cpu: Hasher, start_gpu: Callable[[], Hasher]) -> Measured:
    """Hash samples on both. A GPU that fails is measured as none."""
    message = os.urandom(_MIB)
    try:
        start, gpu = _timed(lambda: _started(start_gpu))
        lane, _ = _timed(partial(gpu.digests, [message]))
        rates = tuple(_rate(size, cpu, gpu) for size in SIZES)
    except HashingFailure:
        return Measured(key=key, device="", start_us=0, lane=0, rates=())
    return Measured(
        key=key, device=gpu.device, start_us=int(start * 1e6), lane=int(_MIB / lane), rates=rates
    )


def _started(start: Callable[[], Hasher]) -> Hasher:
    hasher = start()
    hasher.digests([b""])  # Compiles the kernel where it is not in a cache yet.
    return hasher


def _rate(size: int, cpu: Hasher, gpu: Hasher) -> Rate:
    sample = os.urandom(_SAMPLE)
    messages = [sample[at : at + size] for at in range(0, _SAMPLE, size)]
    gpu.digests(messages)  # The first batch allocates.
    seconds = [_timed(partial(hasher.digests, messages))[0] for hasher in (cpu, gpu)]
    by_cpu, by_gpu = (int(_SAMPLE / each) for each in seconds)
    return Rate(message=size, cpu=by_cpu, gpu=by_gpu)


def _timed(work: Callable[[], _Result]) -> tuple[float, _Result]:
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def _cuda_hasher() -> Hasher:
    from ppm.engine.hashing.cuda import cuda_hasher

    return cuda_hasher()


def _checked(hasher: Hasher) -> Hasher:
    from ppm.engine.hashing.checked import CheckedHasher

    return CheckedHasher(hasher, seed=int.from_bytes(os.urandom(8)))


def _key() -> str:
    """Machine, processors, devices and driver, as far as they can be read without CUDA."""
    import platform

    parts = [platform.node(), str(os.cpu_count()), os.environ.get("CUDA_VISIBLE_DEVICES", "")]
    for path in (_DRIVER / "version", *sorted(_DRIVER.glob("gpus/*/information"))):
        try:
            parts += path.read_text("utf-8", "replace").splitlines()[:1]
        except OSError:  # Some sandboxes have the device and hide its driver.
            parts.append("")
    return " · ".join(parts)


def _known(home: Path, key: str) -> Measured | None:
    """What was measured on this machine; None where it was not, or is not readable: a cache."""
    return next((one for one in _all(home) if one.key == key), None)


def _keep(home: Path, measured: Measured) -> None:
    others = [one for one in _all(home) if one.key != measured.key]
    with storage_errors(home):
        home.mkdir(parents=True, exist_ok=True)
    data = msgspec.json.format(msgspec.json.encode([*others, measured]), indent=1)
    write_atomic(home / FILE, data + b"\n", durable=False)


def _all(home: Path) -> list[Measured]:
    try:
        return msgspec.json.decode((home / FILE).read_bytes(), type=list[Measured])
    except (FileNotFoundError, msgspec.MsgspecError, UnicodeDecodeError):
        return []
