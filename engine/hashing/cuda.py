"""SHA-256 on a CUDA device, through CuPy, which compiles ``sha256.cu`` when it is first used.

Two windows of pinned memory, each with a stream: while one is hashed the other one is filled and
copied.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.resources import files
from typing import Any

from ppm.engine.errors import HashingFailure
from ppm.engine.hashing.lanes import DIGEST_SIZE, SLACK, SLICE, WINDOW, LaneHasher

SOURCE = "sha256.cu"
KERNEL = "breath_sha256_advance"
# ``BREATH_THREADS`` in the source.
_THREADS = 128
_WORDS = DIGEST_SIZE // 4


def kernel_source() -> str:
    """The one source of the kernel, as it was installed."""
    return files("ppm.engine.hashing").joinpath(SOURCE).read_text("utf-8")


def cuda_hasher(*, window: int = WINDOW) -> LaneHasher:
    """A hasher on the first visible CUDA device.

    Raises:
        HashingFailure: ``code="NO_GPU"``: CuPy is not installed, or finds no device or no driver.
    """
    return LaneHasher(CupyDevice(window=window))


class CupyDevice:
    """:class:`ppm.engine.hashing.lanes.Device` through CuPy."""

    def __init__(self, *, window: int = WINDOW) -> None:
        self.window = window
        self.most = window // 256
        try:
            self._cupy = import_module("cupy")
            self._numpy = import_module("numpy")
            properties = self._cupy.cuda.runtime.getDeviceProperties(0)
            self.name: str = properties["name"].decode("utf-8", "replace")
            module = self._cupy.RawModule(code=kernel_source(), options=("--std=c++17",))
            self._kernel = module.get_function(KERNEL)
            self._slots = [_Slot(self._cupy, self._numpy, window, self.most) for _ in range(2)]
        except (ImportError, RuntimeError, MemoryError) as error:
            raise HashingFailure(
                f"no CUDA device can be used: {error}",
                code="NO_GPU",
                hint="install ppm[gpu] on a machine with a CUDA device and its driver",
            ) from error
        self._turn = 0

    def states(self, count: int, old: Any = None) -> Any:
        """As the protocol says."""
        with _device_failures():
            states = self._cupy.empty(max(count, 1) * _WORDS, dtype=self._numpy.uint32)
            if old is not None:
                self._wait()
                states[: old.size] = old
            # The streams of the windows do not wait for CuPy's own.
            self._cupy.cuda.get_current_stream().synchronize()
        return states

    def buffers(self) -> tuple[memoryview, memoryview]:
        """As the protocol says."""
        self._turn = 1 - self._turn
        slot = self._slots[self._turn]
        with _device_failures():
            slot.stream.synchronize()
        return memoryview(slot.content), memoryview(slot.slices)

    def advance(self, size: int, count: int, states: Any) -> None:
        """As the protocol says."""
        slot, other = self._slots[self._turn], self._slots[1 - self._turn]
        number = self._numpy.uint32(count)
        with _device_failures(), slot.stream:
            slot.copy(size, count)
            # A lane may have a piece in both windows: only copies overlap with the other's launch.
            slot.stream.wait_event(other.launched)
            arguments = (slot.device_content, slot.device_slices, number, states)
            self._kernel((-(-count // _THREADS),), (_THREADS,), arguments)
            slot.launched.record(slot.stream)

    def read(self, states: Any, first: int, count: int) -> bytes:
        """As the protocol says."""
        with _device_failures():
            self._wait()
            words = self._cupy.asnumpy(states[first * _WORDS : (first + count) * _WORDS])
        digests: bytes = words.astype(">u4").tobytes()
        return digests

    def _wait(self) -> None:
        for slot in self._slots:
            slot.stream.synchronize()


class _Slot:
    """One of the two windows: pinned memory, the device's, and the stream between them."""

    def __init__(self, cupy: Any, numpy: Any, window: int, most: int) -> None:
        self.stream = cupy.cuda.Stream(non_blocking=True)
        self.launched = cupy.cuda.Event(disable_timing=True)
        self.content = self._pinned(cupy, numpy, window)
        self.slices = self._pinned(cupy, numpy, most * SLICE.size)
        self.device_content = cupy.empty(window + SLACK, dtype=numpy.uint8)
        self.device_slices = cupy.empty(most * SLICE.size, dtype=numpy.uint8)

    @staticmethod
    def _pinned(cupy: Any, numpy: Any, size: int) -> Any:
        memory = cupy.cuda.alloc_pinned_memory(size)
        return numpy.frombuffer(memory, dtype=numpy.uint8, count=size)

    def copy(self, size: int, count: int) -> None:
        """Start to copy the window's bytes and slices to the device."""
        slices = count * SLICE.size
        if size:
            self.device_content[:size].set(self.content[:size], stream=self.stream)
        self.device_slices[:slices].set(self.slices[:slices], stream=self.stream)


@contextmanager
def _device_failures() -> Iterator[None]:
    try:
        yield
    except (RuntimeError, MemoryError) as error:  # What CuPy's errors are.
        raise HashingFailure(
            f"the CUDA device failed: {error}", hint="run the command without the GPU"
        ) from error
