"""The C ABI of include/breath_gpu.h, as its host build answers."""

from __future__ import annotations

import ctypes
import hashlib
import random
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.host_lanes import SMALL_WINDOW, host_library

from ppm.engine.errors import HashingFailure
from ppm.engine.hashing.library import LibraryHasher, _loaded

ROOT = Path(__file__).resolve().parents[3]
OK, ARGUMENT, NO_DEVICE, MEMORY, NO_LANE, DEVICE = range(6)
COPY, RESIDENT = 0, 1

PROGRAM = r"""
#include <breath_gpu.h>
#include <stdio.h>
#include <string.h>

static int print(const uint8_t *digest) {
    for (size_t place = 0; place < BREATH_GPU_DIGEST_SIZE; ++place) printf("%02x", digest[place]);
    return puts("") < 0;
}

int main(void) {
    const char *texts[] = {"abc", ""};
    const void *messages[] = {texts[0], NULL};
    const uint64_t sizes[] = {3, 0};
    uint8_t digests[2 * BREATH_GPU_DIGEST_SIZE];
    breath_gpu *gpu = NULL;
    uint64_t lane = 0;
    if (breath_gpu_version() != BREATH_GPU_ABI) return 2;
    if (breath_gpu_init(0, &gpu) != BREATH_GPU_OK) return puts(breath_gpu_last_error()), 3;
    puts(breath_gpu_device(gpu));
    if (breath_gpu_digests(gpu, messages, sizes, 2, digests) != BREATH_GPU_OK) return 4;
    print(digests);
    print(digests + BREATH_GPU_DIGEST_SIZE);
    if (breath_gpu_open(gpu, &lane) || breath_gpu_update(gpu, lane, "a", 1)) return 5;
    if (breath_gpu_update(gpu, lane, "bc", 2) || breath_gpu_finish(gpu, lane, digests)) return 6;
    print(digests);
    if (breath_gpu_finish(gpu, lane, digests) != BREATH_GPU_NO_LANE) return 7;
    puts(breath_gpu_message(BREATH_GPU_NO_LANE));
    breath_gpu_destroy(gpu);
    return 0;
}
"""
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


class Library:
    """The functions, with their context; what a test calls as C would."""

    def __init__(self) -> None:
        self.functions = _loaded(host_library())
        self.context = ctypes.c_void_p()
        assert self.functions.breath_gpu_init(SMALL_WINDOW, ctypes.byref(self.context)) == OK

    def call(self, name: str, *arguments: Any) -> int:
        status: int = getattr(self.functions, f"breath_gpu_{name}")(self.context, *arguments)
        return status

    def last_error(self) -> str:
        words: bytes = self.functions.breath_gpu_last_error()
        return words.decode()

    def open(self) -> int:
        lane = ctypes.c_uint64()
        assert self.call("open", ctypes.byref(lane)) == OK
        return lane.value


@pytest.fixture
def library() -> Iterator[Library]:
    made = Library()
    yield made
    made.functions.breath_gpu_destroy(made.context)


def test_a_c_program_uses_the_header_and_the_library(tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    source, program = tmp_path / "program.c", tmp_path / "program"
    source.write_text(PROGRAM)
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", f"-I{ROOT / 'include'}"]
    link = [str(host_library()), f"-Wl,-rpath,{host_library().parent}"]
    subprocess.run([compiler, *flags, source, *link, "-o", program], check=True)
    result = subprocess.run([program], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines() == ["host", ABC, EMPTY, ABC, "the lane is not open"]


def test_only_the_abi_is_in_the_header(library: Library) -> None:
    header = (ROOT / "include/breath_gpu.h").read_text()
    assert "SPDX-License-Identifier: MIT" in header
    for name in ("init", "destroy", "digests", "open", "update", "finish", "abandon", "measure"):
        assert f"breath_gpu_{name}(" in header
        assert hasattr(library.functions, f"breath_gpu_{name}")


def test_every_status_has_words(library: Library) -> None:
    words = [library.functions.breath_gpu_message(status) for status in (*range(6), 99, -1)]
    assert len(set(words)) == 7
    assert words[-1] == words[-2] == b"unknown status"


@pytest.mark.parametrize("window", [1, 65535, 2**30 + 1, 2**64 - 1])
def test_a_window_out_of_range_is_refused(library: Library, window: int) -> None:
    context = ctypes.c_void_p(1)
    assert library.functions.breath_gpu_init(window, ctypes.byref(context)) == ARGUMENT
    assert context.value is None
    assert library.last_error() == "a window has from 64 KiB to 1 GiB"


def test_null_is_refused_where_it_may_not_be(library: Library) -> None:
    lane, digest = library.open(), ctypes.create_string_buffer(32)
    assert library.functions.breath_gpu_init(0, None) == ARGUMENT
    assert library.functions.breath_gpu_open(None, None) == ARGUMENT
    assert library.functions.breath_gpu_device(None) == b""
    library.functions.breath_gpu_destroy(None)
    assert library.call("open", None) == ARGUMENT
    assert library.call("update", lane, None, 1) == ARGUMENT
    assert library.call("update", lane, None, 0) == OK
    assert library.call("finish", lane, None) == ARGUMENT
    assert library.call("digests", None, None, 1, digest) == ARGUMENT
    assert library.call("digests", None, None, 0, None) == OK
    assert library.call("allocate", 0, ctypes.byref(ctypes.c_void_p())) == ARGUMENT
    assert library.call("allocate", 10, None) == ARGUMENT
    assert library.call("free", 4096) == ARGUMENT
    assert library.call("finish", lane, digest) == OK
    assert digest.raw.hex() == EMPTY


def test_a_message_that_is_null_and_not_empty_is_refused(library: Library) -> None:
    messages, sizes = (ctypes.c_void_p * 1)(None), (ctypes.c_uint64 * 1)(5)
    digest = ctypes.create_string_buffer(32)
    assert library.call("digests", messages, sizes, 1, digest) == ARGUMENT
    assert library.last_error() == "a message is NULL"


def test_a_closed_lane_is_told_from_an_open_one(library: Library) -> None:
    lane, digest = library.open(), ctypes.create_string_buffer(32)
    assert library.call("update", lane, b"x" * 1000, 1000) == OK
    assert library.call("abandon", lane) == OK
    for status in (
        library.call("abandon", lane),
        library.call("update", lane, b"x", 1),
        library.call("finish", lane, digest),
    ):
        assert status == NO_LANE
        assert library.last_error() == f"lane {lane} is not open"
    assert library.open() > lane


def test_an_abandoned_lane_leaves_its_place_to_a_fresh_one(library: Library) -> None:
    digest = ctypes.create_string_buffer(32)
    for _ in range(3):
        lanes = [library.open() for _ in range(1500)]
        for lane in lanes:
            assert library.call("update", lane, b"y" * 130, 130) == OK
        for lane in lanes[1:]:
            assert library.call("abandon", lane) == OK
        assert library.call("finish", lanes[0], digest) == OK
        assert digest.raw == hashlib.sha256(b"y" * 130).digest()


@pytest.mark.parametrize("gap", [0, 1, 3, 4, 7, 16])
def test_pinned_memory_is_hashed_from_where_it_lies(library: Library, gap: int) -> None:
    chance = random.Random(gap)
    sizes = [chance.randrange(0, SMALL_WINDOW // 64) for _ in range(2000)]
    memory = ctypes.c_void_p()
    room = sum(sizes) + gap * len(sizes) + 64
    assert library.call("allocate", room, ctypes.byref(memory)) == OK
    assert memory.value is not None
    content = chance.randbytes(room)
    ctypes.memmove(memory, content, room)
    starts, at = [], gap
    for size in sizes:
        starts.append(at)
        at += size + gap
    addresses = (ctypes.c_void_p * len(sizes))(*(memory.value + start for start in starts))
    digests = ctypes.create_string_buffer(len(sizes) * 32)
    lengths = (ctypes.c_uint64 * len(sizes))(*sizes)
    assert library.call("digests", addresses, lengths, len(sizes), digests) == OK
    wanted = (
        hashlib.sha256(content[start : start + size])
        for start, size in zip(starts, sizes, strict=True)
    )
    assert digests.raw == b"".join(one.digest() for one in wanted)
    assert library.call("free", memory) == OK
    assert library.call("free", memory) == ARGUMENT


@pytest.mark.parametrize("what", [COPY, RESIDENT])
def test_measurements_count_bytes_and_seconds(library: Library, what: int) -> None:
    size, seconds = ctypes.c_uint64(), ctypes.c_double()
    outputs = ctypes.byref(size), ctypes.byref(seconds)
    assert library.call("measure", what, 4096, 2, *outputs) == OK
    assert size.value == SMALL_WINDOW
    assert seconds.value > 0
    assert library.call("measure", what, 4096, 0, *outputs) == ARGUMENT
    assert library.call("measure", RESIDENT, 63, 1, *outputs) == ARGUMENT
    assert library.call("measure", 7, 4096, 1, *outputs) == ARGUMENT


def test_threads_take_turns() -> None:
    hasher = LibraryHasher(host_library(), window=SMALL_WINDOW)
    digests: dict[int, str] = {}

    def work(number: int) -> None:
        lane = hasher.open()
        for _ in range(200):
            hasher.update(lane, bytes([number]) * 1000)
            hasher.digests([b"a", b"b" * number])
        digests[number] = hasher.finish(lane)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wanted = {n: hashlib.sha256(bytes([n]) * 200_000).hexdigest() for n in range(6)}
    assert digests == wanted


def test_a_file_that_is_no_library_is_refused(tmp_path: Path) -> None:
    missing, text = tmp_path / "missing.so", tmp_path / "text.so"
    text.write_text("not a library")
    for path in (missing, text):
        with pytest.raises(HashingFailure) as caught:
            LibraryHasher(path)
        assert caught.value.code == "GPU_LIBRARY"


def test_a_library_with_another_abi_is_refused(tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    source, other = tmp_path / "other.c", tmp_path / "other.so"
    source.write_text("unsigned breath_gpu_version(void) { return 99; }\n")
    subprocess.run([compiler, "-shared", "-fPIC", source, "-o", other], check=True)
    with pytest.raises(HashingFailure, match="version 99") as caught:
        LibraryHasher(other)
    assert caught.value.code == "GPU_LIBRARY"
