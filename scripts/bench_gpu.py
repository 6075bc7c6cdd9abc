#!/usr/bin/env python3
"""Measures SHA-256 of many messages: the processor's cores, and a GPU where there is one.

    python3 scripts/bench_gpu.py                   what this machine has
    python3 scripts/bench_gpu.py --write           the same, into docs/gpu.md
    python3 scripts/bench_gpu.py --library LIB.so  with this library in place of a fresh build
    python3 scripts/bench_gpu.py --size 16         MiB of each shape (default 128)

The GPU's rows come from ``libbreath_gpu`` (built with nvcc) and, where CuPy is installed, from it
too. Without a GPU the processor's rows are measured and the exit status is 0. Each figure is the
best of three. Nothing has to be installed.
"""

from __future__ import annotations

import argparse
import ctypes
import multiprocessing
import os
import platform
import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import bootstrap
import build_gpu

sys.path.insert(0, str(bootstrap.link_rooms()))

from ppm.engine.errors import HashingFailure
from ppm.engine.hashing.cpu import CpuHasher
from ppm.engine.hashing.library import LibraryHasher

PAGE = bootstrap.ROOT / "docs" / "gpu.md"
BEGIN = "<!-- bench gpu: written by scripts/bench_gpu.py -->"
END = "<!-- end of bench gpu -->"
MIB = 1024 * 1024
RUNS = 3
# What published cracking benchmarks of SHA-256 imply for an H100 or H200, in bytes a second.
IMPLIED = 0.9e12
RESIDENT_WINDOW = 512 * MIB
CROSSOVER_SIZES = (256, 4096, 65536, 1048576)
COPY, RESIDENT = 0, 1


class Shape(NamedTuple):
    """A kind of batch: so many bytes a message, at most so many messages."""

    name: str
    message: int
    most: int


SHAPES = (
    Shape("ledger lines", 420, 1_000_000),
    Shape("files of an environment", 6_000, 1_000_000),
    Shape("wheels", 1_000_000, 1_000_000),
    Shape("one large file", 2**30, 1),
)


def batch(size: int, message: int, most: int) -> list[bytes]:
    """Messages of one size, ``size`` bytes of them, within what there may be of them."""
    chance = random.Random(message)  # noqa: S311 - bytes to hash
    message = min(message, size)
    data = chance.randbytes(min(size // message, most) * message)
    return [data[at : at + message] for at in range(0, len(data), message)]


def best(work: Callable[[], object]) -> float:
    """Seconds of the fastest run; one goes before them."""
    work()
    seconds = []
    for _ in range(RUNS):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def rate(messages: Sequence[bytes], work: Callable[[Sequence[bytes]], object]) -> float:
    """Bytes a second."""
    return sum(map(len, messages)) / best(partial(work, messages))


class Cores:
    """All cores, each a process with its share of the messages: what a GPU is to be compared with.

    Threads would wait for the interpreter's lock, which hashlib keeps for short messages.
    """

    messages: Sequence[bytes] = ()

    @staticmethod
    def rate(*parts: int) -> float:
        """Bytes a second for ``batch(*parts)``; processes and messages are there before."""
        count = os.cpu_count() or 1
        context = multiprocessing.get_context("spawn")
        with context.Pool(count, Cores.prepare, parts) as pool:
            shares = [(first, count) for first in range(count)]
            seconds = best(lambda: pool.map(Cores.share, shares, chunksize=1))
        return sum(map(len, batch(*parts))) / seconds

    @staticmethod
    def prepare(*parts: int) -> None:
        """Make the messages, in each process."""
        Cores.messages = batch(*parts)

    @staticmethod
    def share(part: tuple[int, int]) -> int:
        """Hash every so many messages. The digests stay here: handing them over is no hashing."""
        first, step = part
        return len(CpuHasher(threads=1).digests(Cores.messages[first::step]))


class Pinned:
    """Messages that lie in the library's pinned memory."""

    def __init__(self, hasher: LibraryHasher, messages: Sequence[bytes]) -> None:
        self._library, self._context = hasher._library, hasher._context  # noqa: SLF001 - it measures
        count = len(messages)
        starts = [number * (len(messages[0]) + 15 & ~15) for number in range(count)]
        self._memory = ctypes.c_void_p()
        size = starts[-1] + len(messages[-1]) + 16
        self._called("allocate", size, ctypes.byref(self._memory))
        base = self._memory.value or 0
        for start, message in zip(starts, messages, strict=True):
            ctypes.memmove(base + start, message, len(message))
        self._arguments = (
            (ctypes.c_void_p * count)(*(base + start for start in starts)),
            (ctypes.c_uint64 * count)(*map(len, messages)),
            count,
            ctypes.create_string_buffer(count * 32),
        )

    def digests(self, _messages: Sequence[bytes]) -> None:
        """Hash what was put there."""
        self._called("digests", *self._arguments)

    def close(self) -> None:
        """Give the memory back."""
        self._called("free", self._memory)

    def _called(self, name: str, *arguments: Any) -> None:
        if getattr(self._library, f"breath_gpu_{name}")(self._context, *arguments):
            raise HashingFailure(self._library.breath_gpu_last_error().decode())


def measured(hasher: LibraryHasher, what: int, message: int, repeat: int) -> float:
    """Bytes a second of the library's own measurements."""
    library, context = hasher._library, hasher._context  # noqa: SLF001 - no part of the port
    size, seconds = ctypes.c_uint64(), ctypes.c_double()
    outputs = ctypes.byref(size), ctypes.byref(seconds)
    if library.breath_gpu_measure(context, what, message, repeat, *outputs):
        raise HashingFailure(library.breath_gpu_last_error().decode())
    return size.value * repeat / seconds.value


def figure(bytes_a_second: float) -> str:
    """As the tables have it: GB/s."""
    return f"{bytes_a_second / 1e9:.2f}"


def device_lines(path: Path, window: int) -> list[str]:
    """Rates that no batch of ours is part of: copying, and messages on the device."""
    usual = LibraryHasher(path)
    large = LibraryHasher(path, window=window)
    lines = [f"- pinned copy to the device: {figure(measured(usual, COPY, 64, 20))} GB/s"]
    for message in (1024, 4096):
        resident = measured(large, RESIDENT, message, 5)
        share = f", {resident / IMPLIED:.0%} of {figure(IMPLIED)} GB/s" if hopper(usual) else ""
        lines.append(
            f"- device-resident, messages of {message} bytes: {figure(resident)} GB/s{share}"
        )
    return lines


def hopper(hasher: LibraryHasher) -> bool:
    """Whether the figure that published benchmarks imply is for this chip."""
    return any(chip in hasher.device for chip in ("H100", "H200"))


def shape_table(size: int, gpu: LibraryHasher | None, others: dict[str, Any]) -> list[str]:
    """Shapes by what hashes them."""
    columns = ["one core", "all cores"]
    columns += ["GPU, pinned", "GPU, pageable"] if gpu is not None else []
    lines = table_head("batch", "messages", *columns, *others)
    for shape in SHAPES:
        messages = batch(size, shape.message, shape.most)
        one_core = rate(messages, CpuHasher(threads=1).digests)
        rates = [one_core, Cores.rate(size, shape.message, shape.most)]
        if gpu is not None:
            pinned = Pinned(gpu, messages)
            rates += [rate(messages, pinned.digests), rate(messages, gpu.digests)]
            pinned.close()
        rates += [rate(messages, other.digests) for other in others.values()]
        cells = [f"{shape.name}, {len(messages[0]):,} B", f"{len(messages):,}", *map(figure, rates)]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def crossover_table(size: int, gpu: LibraryHasher) -> list[str]:
    """From how many messages on the GPU, fed from pageable memory, beats all cores."""
    lines = table_head("message", "all cores", "GPU wins from", "GPU at most")
    for message in CROSSOVER_SIZES:
        messages = batch(size, message, 1_000_000)
        cores, found, highest, count = Cores.rate(size, message, 1_000_000), None, 0.0, 1
        while count <= len(messages):
            here = rate(messages[:count], gpu.digests)
            highest = max(highest, here)
            found = count if found is None and here > cores else found
            count *= 4
        wins = "never" if found is None else f"{found:,} messages"
        lines.append(f"| {message:,} B | {figure(cores)} | {wins} | {figure(highest)} |")
    return lines


def table_head(*columns: str) -> list[str]:
    """The first two lines of a table."""
    return [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]


def library(given: Path | None) -> Path | str:
    """The library to measure, or why there is none."""
    try:
        path = given or build_gpu.build()
        LibraryHasher(path)
    except (build_gpu.BuildFailedError, HashingFailure) as error:
        return str(error)
    return path


def cupy_hasher() -> dict[str, Any]:
    """CuPy's column, where it runs."""
    from ppm.engine.hashing.cuda import cuda_hasher

    try:
        return {"GPU, CuPy": cuda_hasher()}
    except HashingFailure:
        return {}


def driver() -> str:
    """The version of NVIDIA's driver."""
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return result.stdout.split("\n", 1)[0].strip()


def processor() -> str:
    """The processor's name and the number of cores."""
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores"


def report(path: Path | str, size: int, window: int) -> str:
    """Everything, as Markdown."""
    today = time.strftime("%Y-%m-%d", time.gmtime())
    load = f"load {os.getloadavg()[0]:.1f} when it began"
    head = f"{today}, {processor()}, {load}, Python {platform.python_version()}."
    unit = "GB/s, the best of three."
    if isinstance(path, str):
        words = f"{head} No GPU: the processor alone; not measured on a GPU yet. {unit}"
        lines = [words, "", *shape_table(size, None, {})]
        return "\n".join(lines)
    gpu = LibraryHasher(path)
    chip = gpu.device.partition(":")[2]
    lines = [f"{head} {chip}, driver {driver()}. {unit}", "", *device_lines(path, window), ""]
    lines += [*shape_table(size, gpu, cupy_hasher()), "", *crossover_table(size, gpu)]
    return "\n".join(lines)


def write(text: str) -> None:
    """Put the report between its marks."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", "utf-8")


def main(arguments: Sequence[str]) -> int:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description="Measure SHA-256 of many messages.")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/gpu.md")
    parser.add_argument("--library", type=Path, help="a libbreath_gpu that was built already")
    parser.add_argument("--size", type=int, default=128, help="MiB of each shape")
    parser.add_argument("--window", type=int, default=RESIDENT_WINDOW // MIB, help="MiB on device")
    options = parser.parse_args(arguments)
    path = library(options.library)
    if isinstance(path, str):
        print(f"no GPU is measured: {path}", file=sys.stderr)
    text = report(path, options.size * MIB, options.window * MIB)
    print(text)
    if options.write:
        write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
