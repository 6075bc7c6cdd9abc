"""A hasher over a device that advances many SHA-256 lanes in one launch.

The device is behind a seam: CuPy (:mod:`ppm.engine.hashing.cuda`), or the same kernel compiled for
the host. What is here is what both need: lanes whose states stay on the device between updates,
packed into windows of bounded size.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from struct import Struct
from typing import Any, NamedTuple, Protocol

from ppm.engine.hashing.windows import BLOCK, windows

# ``BreathSlice`` and its flags in ``sha256.cu``.
SLICE = Struct("<QQIIII")
FIRST = 1
LAST = 2
DIGEST_SIZE = 32
# Bytes behind a window that the kernel may read.
SLACK = 128
WINDOW = 64 * 1024 * 1024
_INITIAL_LANES = 1024
# One-shot messages whose states are on the device together.
_GROUP = 1024 * 1024


class Device(Protocol):
    """Where lanes advance: up to ``window`` bytes and ``most`` lanes in one launch."""

    name: str
    window: int
    most: int

    def states(self, count: int, old: Any = None) -> Any:
        """Memory for so many states, beginning with a copy of ``old``."""
        ...

    def buffers(self) -> tuple[memoryview, memoryview]:
        """Where to write the next window and its slices, once the device is done with both."""
        ...

    def advance(self, size: int, count: int, states: Any) -> None:
        """Start to copy what was written (bytes of the window, number of slices) and to hash it."""
        ...

    def read(self, states: Any, first: int, count: int) -> bytes:
        """So many digests, when everything that was started is done."""
        ...


class _Job(NamedTuple):
    """Bytes by which a state advances."""

    data: bytes | bytearray | memoryview
    state: int
    total: int
    first: bool
    last: bool


class _Lane:
    __slots__ = ("first", "state", "total", "waiting")

    def __init__(self, state: int) -> None:
        self.state = state
        self.first = True
        self.total = 0
        self.waiting = bytearray()


class LaneHasher:
    """:class:`ppm.engine.ports.Hasher` over a :class:`Device`.

    Updates wait until they fill a window or a lane is finished; then all lanes advance together.
    It may be used from several threads, whose calls take turns.
    """

    def __init__(self, device: Device) -> None:
        self.device = f"cuda:{device.name}"
        self._device = device
        self._turn = threading.Lock()
        self._capacity = _INITIAL_LANES
        self._states = device.states(_INITIAL_LANES)
        self._free: list[int] = []
        self._lanes: dict[int, _Lane] = {}
        self._ready: dict[int, _Lane] = {}
        self._opened = 0
        self._waiting = 0

    def open(self) -> int:
        """A new lane."""
        with self._turn:
            state = self._free.pop() if self._free else len(self._lanes)
            if state >= self._capacity:
                self._states = self._device.states(self._capacity * 2, self._states)
                self._capacity *= 2
            self._opened += 1
            self._lanes[self._opened] = _Lane(state)
            return self._opened

    def update(self, number: int, data: bytes | bytearray | memoryview) -> None:
        """Append bytes to a lane's message.

        Raises:
            LookupError: The lane is not open.
        """
        with self._turn:
            lane = self._lanes[number]
            rest = memoryview(data).cast("B")
            while rest:
                room = max(self._device.window - self._waiting, BLOCK)
                piece, rest = rest[:room], rest[room:]
                lane.waiting += piece
                lane.total += len(piece)
                self._waiting += len(piece)
                if len(lane.waiting) >= BLOCK:
                    self._ready[number] = lane
                if self._waiting >= self._device.window:
                    self._flush()

    def finish(self, number: int) -> str:
        """Close the lane and return its digest.

        Raises:
            LookupError: The lane is not open.
        """
        with self._turn:
            lane = self._ready[number] = self._lanes[number]
            self._flush(last=lane)
            digest = self._device.read(self._states, lane.state, 1)
            del self._lanes[number]
            self._free.append(lane.state)
            return digest.hex()

    def digests(self, messages: Sequence[bytes | memoryview]) -> list[str]:
        """The digest of each message, in order."""
        with self._turn:
            digests: list[str] = []
            for first in range(0, len(messages), _GROUP):
                digests += self._digests(messages[first : first + _GROUP])
            return digests

    def _digests(self, messages: Sequence[bytes | memoryview]) -> list[str]:
        jobs = [
            _Job(data, place, len(data), first=True, last=True)
            for place, data in enumerate(map(_plain, messages))
        ]
        states = self._device.states(len(jobs))
        self._run(jobs, states)
        joined = self._device.read(states, 0, len(jobs)).hex()
        width = 2 * DIGEST_SIZE
        return [joined[at : at + width] for at in range(0, len(joined), width)]

    def _flush(self, last: _Lane | None = None) -> None:
        """Hash every lane's whole blocks, and ``last`` to its end."""
        jobs = []
        for lane in self._ready.values():
            size = len(lane.waiting)
            whole = size if lane is last else size - size % BLOCK
            data = lane.waiting if whole == size else lane.waiting[:whole]
            jobs.append(_Job(data, lane.state, lane.total, lane.first, lane is last))
            # A fresh one: a bytearray keeps the room it once had.
            lane.waiting = lane.waiting[whole:]
            lane.first = False
            self._waiting -= whole
        self._ready.clear()
        self._run(jobs, self._states)

    def _run(self, jobs: Sequence[_Job], states: Any) -> None:
        device = self._device
        sizes = [len(job.data) for job in jobs]
        pack = SLICE.pack_into
        for pieces in windows(sizes, window=device.window, most=device.most):
            content, slices = device.buffers()
            for place, (message, start, size, begin, ends) in enumerate(pieces):
                data, state, total, first, last = jobs[message]
                whole = size == sizes[message]
                content[begin : begin + size] = data if whole else data[start : start + size]
                flags = (FIRST if first and not start else 0) | (LAST if last and ends else 0)
                pack(slices, place * SLICE.size, begin, total, size, state, flags, 0)
            end = pieces[-1]
            device.advance(end.begin + end.size, len(pieces), states)


def _plain(message: bytes | memoryview) -> bytes | memoryview:
    return message if isinstance(message, bytes) else memoryview(message).cast("B")
