"""The GPU's kernel and its library, compiled for the host once per test process."""

from __future__ import annotations

import ctypes
import functools
import shutil
import tempfile
from pathlib import Path
from typing import Any

import build_gpu
import pytest

from ppm.engine.hashing.lanes import DIGEST_SIZE, SLACK, SLICE

SMALL_WINDOW = 64 * 1024


@functools.cache
def _folder() -> Path:
    import atexit

    folder = Path(tempfile.mkdtemp(prefix="ppm-host-lanes-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.cache
def host_library() -> Path:
    """``libbreath_gpu`` without a GPU in it; skips the test where nothing compiles it."""
    if build_gpu.host_compiler() is None:
        pytest.skip("no C++ compiler: the lanes cannot be compiled for the host")
    return build_gpu.build(_folder() / "libbreath_gpu.so", host=True)


def cuda_build() -> Path:
    """The library as nvcc builds it."""
    return build_gpu.build(_folder() / "cuda" / "libbreath_gpu.so")


class HostDevice:
    """``ppm.engine.hashing.lanes.Device`` over the kernel as the host compiler understands it."""

    name = "host-lanes"

    def __init__(self, *, window: int = SMALL_WINDOW, most: int = 256) -> None:
        self.window = window
        self.most = most
        self.launches: list[int] = []
        library = ctypes.CDLL(str(host_library()))
        self._advance = library.breath_sha256_advance
        # Words, as the kernel asks for them, and the bytes behind the window that it may read.
        self._content = (ctypes.c_uint32 * ((window + SLACK) // 4))()
        self._slices = (ctypes.c_uint64 * (most * SLICE.size // 8))()

    def states(self, count: int, old: Any = None) -> Any:
        states = (ctypes.c_uint32 * (max(count, 1) * 8))()
        if old is not None:
            states[: len(old)] = old[:]
        return states

    def buffers(self) -> tuple[memoryview, memoryview]:
        content, slices = (memoryview(one).cast("B") for one in (self._content, self._slices))
        return content[: self.window], slices

    def advance(self, size: int, count: int, states: Any) -> None:
        assert size <= self.window
        assert count <= self.most
        self.launches.append(count)
        self._advance(self._content, self._slices, ctypes.c_uint32(count), states)

    def read(self, states: Any, first: int, count: int) -> bytes:
        words = states[first * 8 : (first + count) * 8]
        digests = b"".join(word.to_bytes(4, "big") for word in words)
        assert len(digests) == count * DIGEST_SIZE
        return digests
