#!/usr/bin/env python3
"""Builds libbreath_gpu.so, the hashing library with the C ABI of ``include/breath_gpu.h``.

    python3 scripts/build_gpu.py                     with nvcc, into .build/gpu/
    python3 scripts/build_gpu.py --host              with the C++ compiler: the same, without a GPU
    python3 scripts/build_gpu.py --arch 90           machine code for one kind of chip only
    python3 scripts/build_gpu.py --out DIR/LIB.so

nvcc is looked for on ``PATH``, in ``CUDA_HOME`` and in /usr/local/cuda; the host compiler is
``CXX`` or c++, g++, clang++. Only the standard library is used.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "engine" / "hashing"
SOURCE = FOLDER / "breath_gpu.cu"
INCLUDE = ROOT / "include"
DEFAULT = ROOT / ".build" / "gpu" / "libbreath_gpu.so"
# Compute capabilities with machine code of their own; newer chips translate the last one's PTX.
ARCHITECTURES = ("80", "86", "89", "90")
_WARNINGS = ("-Wall", "-Wextra", "-Werror")


class BuildFailedError(Exception):
    """There is no compiler, or it failed; the text says which."""


def nvcc() -> str | None:
    """Where nvcc is, if anywhere."""
    folders = [os.environ.get("CUDA_HOME"), os.environ.get("CUDA_PATH"), "/usr/local/cuda"]
    candidates = ["nvcc", *(f"{folder}/bin/nvcc" for folder in folders if folder)]
    return next(filter(None, map(shutil.which, candidates)), None)


def host_compiler() -> str | None:
    """The C++ compiler, if there is one."""
    candidates = [os.environ.get("CXX", ""), "c++", "g++", "clang++"]
    return next(filter(None, map(shutil.which, filter(None, candidates))), None)


def host_command(compiler: str, out: Path) -> list[str]:
    """What compiles the library without CUDA."""
    flags = ["-std=c++17", "-O3", *_WARNINGS, "-fPIC", "-shared", "-pthread", f"-I{INCLUDE}"]
    return [compiler, *flags, "-x", "c++", str(SOURCE), "-o", str(out)]


def device_command(compiler: str, out: Path, architectures: Sequence[str]) -> list[str]:
    """What compiles it with nvcc, for these compute capabilities and whatever comes after."""
    targets = [f"-gencode=arch=compute_{one},code=sm_{one}" for one in architectures]
    newest = architectures[-1]
    targets.append(f"-gencode=arch=compute_{newest},code=compute_{newest}")
    flags = ["-std=c++17", "-O3", "-shared", f"-I{INCLUDE}", *targets]
    host = ",".join(("-fPIC", "-pthread", "-fvisibility=hidden", *_WARNINGS))
    return [compiler, *flags, "-Xcompiler", host, str(SOURCE), "-o", str(out)]


def build(
    out: Path = DEFAULT, *, host: bool = False, architectures: Sequence[str] = ARCHITECTURES
) -> Path:
    """Build the library and put it at ``out`` in one step.

    Raises:
        BuildFailedError: No compiler, or one that failed.
    """
    compiler = host_compiler() if host else nvcc()
    if compiler is None:
        raise BuildFailedError(
            "no C++ compiler (c++, g++, clang++ or CXX)"
            if host
            else "no nvcc (PATH, CUDA_HOME, /usr/local/cuda); --host builds without a GPU"
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    # Whoever has the old library loaded keeps it.
    temporary = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    command = (
        host_command(compiler, temporary)
        if host
        else device_command(compiler, temporary, architectures)
    )
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        temporary.unlink(missing_ok=True)
        raise BuildFailedError(f"{shlex.join(command)}\n{result.stdout}{result.stderr}".rstrip())
    temporary.replace(out)
    return out


def main(arguments: Sequence[str]) -> int:
    """Build as the command line says."""
    parser = argparse.ArgumentParser(description="Build libbreath_gpu.so.")
    parser.add_argument("--host", action="store_true", help="with the C++ compiler, without a GPU")
    parser.add_argument("--arch", action="append", help="a compute capability, such as 90")
    parser.add_argument("--out", type=Path, default=DEFAULT)
    options = parser.parse_args(arguments)
    try:
        built = build(
            options.out, host=options.host, architectures=options.arch or list(ARCHITECTURES)
        )
    except BuildFailedError as error:
        sys.exit(f"error: {error}")
    print(built)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
