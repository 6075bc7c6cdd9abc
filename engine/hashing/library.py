"""SHA-256 through a shared library with the C ABI of ``include/breath_gpu.h``."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ppm.engine.errors import HashingFailure

ABI = 1
_OK, _MEMORY, _NO_LANE = 0, 3, 4
_DIGEST_SIZE = 32
_HINT = "build one with: python3 scripts/build_gpu.py"

if TYPE_CHECKING:
    _Bytes = ctypes.Array[ctypes.c_char]


class LibraryHasher:
    """:class:`ppm.engine.ports.Hasher` over a ``libbreath_gpu``.

    It may be used from several threads, whose calls take turns. A library without a GPU in it (its
    device is called ``host``) is a ``cpu`` device.
    """

    def __init__(self, path: Path, *, window: int = 0) -> None:
        """``window`` is how many bytes are staged at a time; 0 leaves that to the library.

        Raises:
            HashingFailure: ``GPU_LIBRARY``: it cannot be loaded or has another ABI; ``NO_GPU``: it
                finds no device it can use.
        """
        self._context = ctypes.c_void_p()
        self._library = _loaded(path)
        self._check(self._library.breath_gpu_init(window, ctypes.byref(self._context)))
        name = self._library.breath_gpu_device(self._context).decode("utf-8", "replace")
        self.device = "cpu:host-lanes" if name == "host" else f"cuda:{name}"

    def __del__(self) -> None:
        if self._context:
            self._library.breath_gpu_destroy(self._context)

    def open(self) -> int:
        """A new lane."""
        lane = ctypes.c_uint64()
        self._check(self._library.breath_gpu_open(self._context, ctypes.byref(lane)))
        return lane.value

    def update(self, lane: int, data: bytes | bytearray | memoryview) -> None:
        """Append bytes to a lane's message.

        Raises:
            LookupError: The lane is not open.
        """
        held = _held(data)
        self._check(self._library.breath_gpu_update(self._context, lane, _address(held), len(held)))

    def finish(self, lane: int) -> str:
        """Close the lane and return its digest.

        Raises:
            LookupError: The lane is not open.
        """
        digest = ctypes.create_string_buffer(_DIGEST_SIZE)
        self._check(self._library.breath_gpu_finish(self._context, lane, digest))
        return digest.raw.hex()

    def digests(self, messages: Sequence[bytes | memoryview]) -> list[str]:
        """The digest of each message, in order."""
        count = len(messages)
        held = [_held(message) for message in messages]
        addresses = _addresses(held)
        sizes = (ctypes.c_uint64 * count)(*map(len, held))
        digests = ctypes.create_string_buffer(count * _DIGEST_SIZE)
        call = self._library.breath_gpu_digests
        self._check(call(self._context, addresses, sizes, count, digests))
        joined = digests.raw.hex()
        width = 2 * _DIGEST_SIZE
        return [joined[at : at + width] for at in range(0, count * width, width)]

    def _check(self, status: int) -> None:
        if status == _OK:
            return
        words = self._library.breath_gpu_last_error().decode("utf-8", "replace")
        if status == _NO_LANE:
            raise LookupError(words)
        codes = {2: "NO_GPU", _MEMORY: "GPU_MEMORY", 5: "GPU_FAILED"}
        raise HashingFailure(
            f"the GPU library failed: {words}",
            code=codes.get(status, "GPU_LIBRARY"),
            hint="run the command without the GPU",
        )


def _held(data: bytes | bytearray | memoryview) -> bytes | _Bytes:
    """Something with an address. Only memory that may be written to has one without a copy."""
    if isinstance(data, bytes):
        return data
    view = memoryview(data).cast("B")
    if view.readonly:
        return bytes(view)
    return (ctypes.c_char * len(view)).from_buffer(view)


def _addresses(held: Sequence[bytes | _Bytes]) -> ctypes.Array[Any]:
    whole = [one for one in held if isinstance(one, bytes)]
    if len(whole) == len(held):  # ctypes takes all addresses at once.
        return (ctypes.c_char_p * len(whole))(*whole)
    return (ctypes.c_void_p * len(held))(*map(_address, held))


def _address(held: bytes | _Bytes) -> int | None:
    if isinstance(held, bytes):
        return ctypes.cast(ctypes.c_char_p(held), ctypes.c_void_p).value
    return ctypes.addressof(held)


def _loaded(path: Path) -> ctypes.CDLL:
    try:
        # A path, never a bare name, which would be looked for in the system's folders.
        library = ctypes.CDLL(str(path.absolute()))
        version = library.breath_gpu_version
    except (OSError, AttributeError) as error:
        raise HashingFailure(
            f"{path} is no GPU library: {error}", code="GPU_LIBRARY", hint=_HINT
        ) from error
    version.restype = ctypes.c_uint32
    if version() != ABI:
        raise HashingFailure(
            f"{path} implements version {version()} of the ABI, not {ABI}",
            code="GPU_LIBRARY",
            hint=_HINT,
        )
    for name, arguments in _SIGNATURES.items():
        function = getattr(library, name)
        function.argtypes = arguments
    library.breath_gpu_destroy.restype = None
    for name in ("breath_gpu_device", "breath_gpu_last_error", "breath_gpu_message"):
        getattr(library, name).restype = ctypes.c_char_p
    return library


_POINTER = ctypes.c_void_p
_SIZE = ctypes.c_uint64
_SIGNATURES: dict[str, list[type]] = {
    "breath_gpu_message": [ctypes.c_int],
    "breath_gpu_last_error": [],
    "breath_gpu_init": [_SIZE, _POINTER],
    "breath_gpu_destroy": [_POINTER],
    "breath_gpu_device": [_POINTER],
    "breath_gpu_digests": [_POINTER, _POINTER, _POINTER, ctypes.c_size_t, _POINTER],
    "breath_gpu_open": [_POINTER, _POINTER],
    "breath_gpu_update": [_POINTER, _SIZE, _POINTER, _SIZE],
    "breath_gpu_finish": [_POINTER, _SIZE, _POINTER],
    "breath_gpu_abandon": [_POINTER, _SIZE],
    "breath_gpu_allocate": [_POINTER, _SIZE, _POINTER],
    "breath_gpu_free": [_POINTER, _POINTER],
    "breath_gpu_measure": [
        *[_POINTER, ctypes.c_int, _SIZE, ctypes.c_uint32],
        *[_POINTER, _POINTER],
    ],
}
