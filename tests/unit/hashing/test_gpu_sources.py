"""The one source of the kernel compiles for every compiler and reads from any address."""

from __future__ import annotations

import ctypes
import ctypes.util
import hashlib
import os
import random
import subprocess
import sys
import sysconfig
from pathlib import Path

import build_gpu
import pytest
from support.host_lanes import HostDevice, host_library

from ppm.engine.errors import HashingFailure
from ppm.engine.hashing.cuda import KERNEL, kernel_source
from ppm.engine.hashing.lanes import DIGEST_SIZE, FIRST, LAST, SLACK, SLICE
from ppm.engine.hashing.library import LibraryHasher

ROOT = Path(__file__).resolve().parents[3]
ARCHITECTURES = ("80", "90")


@pytest.mark.parametrize("begin", range(33))
def test_a_slice_may_begin_at_any_byte(begin: int) -> None:
    chance = random.Random(begin)
    device = HostDevice()
    content, slices = device.buffers()
    content[:] = chance.randbytes(len(content))
    sizes = (0, 1, 55, 56, 63, 64, 65, 119, 120, 200)
    at, wanted = begin, []
    for state, size in enumerate(sizes):
        SLICE.pack_into(slices, state * SLICE.size, at, size, size, state, FIRST | LAST, 0)
        wanted.append(hashlib.sha256(content[at : at + size]).digest())
        at += size + begin
    states = device.states(len(sizes))
    device.advance(at, len(sizes), states)
    assert device.read(states, 0, len(sizes)) == b"".join(wanted)


def test_the_length_of_a_message_has_64_bits() -> None:
    # As if five gigabytes had gone before: the words that end the message are what is looked at.
    device = HostDevice()
    _, slices = device.buffers()
    SLICE.pack_into(slices, 0, 0, 5 * 2**30, 0, 0, FIRST | LAST, 0)
    states = device.states(1)
    device.advance(0, 1, states)
    block = bytearray(64)
    block[0] = 0x80
    block[56:] = (5 * 2**33).to_bytes(8, "big")
    other = device.states(1)
    content, _ = device.buffers()
    content[:64] = block
    SLICE.pack_into(slices, 0, 0, 0, 64, 0, FIRST, 0)
    device.advance(64, 1, other)
    assert device.read(states, 0, 1) == device.read(other, 0, 1)


def test_python_and_the_source_agree_on_names_and_sizes() -> None:
    source = kernel_source()
    assert f"BREATH_SLACK {SLACK}u" in source
    assert f"BREATH_FIRST {FIRST}u" in source
    assert f"BREATH_LAST {LAST}u" in source
    assert f"{KERNEL}(" in source
    assert "BREATH_THREADS 128u" in source
    assert (SLICE.size, DIGEST_SIZE) == (32, 32)


def test_nvcc_compiles_the_library(tmp_path: Path) -> None:
    if build_gpu.nvcc() is None:
        pytest.skip("no nvcc")
    built = build_gpu.build(tmp_path / "libbreath_gpu.so", architectures=ARCHITECTURES)
    library = ctypes.CDLL(str(built))
    assert library.breath_gpu_version() == 1
    with pytest.raises(AttributeError):
        _ = library.breath_sha256_advance  # The kernel is no part of the interface.
    try:
        hasher = LibraryHasher(built)
    except HashingFailure as failure:
        assert failure.code == "NO_GPU"  # noqa: PT017 - both outcomes are right, by machine
    else:
        assert hasher.digests([b"abc"]) == [hashlib.sha256(b"abc").hexdigest()]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_nvcc_keeps_the_kernel_in_registers(tmp_path: Path, architecture: str) -> None:
    compiler = build_gpu.nvcc()
    if compiler is None:
        pytest.skip("no nvcc")
    result = subprocess.run(
        [
            *[compiler, "-std=c++17", f"-arch=sm_{architecture}", "-Xptxas", "-v", "-cubin"],
            *["-o", str(tmp_path / "kernel.cubin"), str(build_gpu.FOLDER / "sha256.cu")],
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    report = result.stdout + result.stderr
    assert "0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads" in report
    registers = int(report.partition("Used ")[2].split()[0])
    assert registers <= 64, "fewer than half of the threads that fit"


def runtime_compiler() -> ctypes.CDLL:
    found = build_gpu.nvcc()
    candidates = [*Path(found).resolve().parent.parent.glob("lib64/libnvrtc.so*")] if found else []
    # A wheel of CuPy's brings it along, too.
    candidates += Path(sysconfig.get_path("purelib")).glob("nvidia/*/lib/libnvrtc.so*")
    name = str(candidates[0]) if candidates else ctypes.util.find_library("nvrtc")
    if name is None:
        pytest.skip("no NVRTC")
    return ctypes.CDLL(name)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_runtime_compiler_needs_no_header(architecture: str) -> None:
    nvrtc = runtime_compiler()
    program = ctypes.c_void_p()
    source = kernel_source().encode()
    create = nvrtc.nvrtcCreateProgram
    assert create(ctypes.byref(program), source, b"sha256.cu", 0, None, None) == 0
    options = (ctypes.c_char_p * 2)(b"--std=c++17", f"-arch=sm_{architecture}".encode())
    status = nvrtc.nvrtcCompileProgram(program, 2, options)
    size = ctypes.c_size_t()
    nvrtc.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    nvrtc.nvrtcGetProgramLog(program, log)
    assert (status, log.value) == (0, b"")
    assert nvrtc.nvrtcGetPTXSize(program, ctypes.byref(size)) == 0
    ptx = ctypes.create_string_buffer(size.value)
    assert nvrtc.nvrtcGetPTX(program, ptx) == 0
    assert f".entry {KERNEL}(".encode() in ptx.value


def test_a_build_without_a_compiler_says_what_is_missing() -> None:
    script = ROOT / "scripts/build_gpu.py"
    result = subprocess.run(
        [sys.executable, script, "--host"],
        env={**os.environ, "PATH": "/nowhere", "CXX": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr.startswith("error: no C++ compiler")


def test_a_failed_build_leaves_the_old_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host_library()
    out = tmp_path / "libbreath_gpu.so"
    out.write_bytes(b"the old one")
    (tmp_path / "broken.cu").write_text("this is no C++")
    monkeypatch.setattr(build_gpu, "SOURCE", tmp_path / "broken.cu")
    with pytest.raises(build_gpu.BuildFailedError, match=r"broken\.cu"):
        build_gpu.build(out, host=True)
    assert out.read_bytes() == b"the old one"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.cu", out.name]
