"""What a machine says of its GPU, rung by rung: the first that answers ends the search.

Every rung takes where it looks as data, so that another root or program can stand in its place.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from ppm.engine.gpu.versions import Release, cuda_of_driver

OVERRIDE = "PPM_GPU"
"""The variable that names the backend in place of everything that can be found."""

HIDING = "CUDA_VISIBLE_DEVICES"

_DRIVER = r"\b([0-9]{3}\.[0-9]{2,3}(?:\.[0-9]{2})?)\b"
_NVML_TEXT = 96
_PATIENCE_S = 10.0
_SMI = ("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader")


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Where to look: the environment's variables, the root of the files, NVML and nvidia-smi.

    ``nvml`` is a library's name or path, ``smi`` a command that prints driver versions; empty ones
    are not asked.
    """

    environ: Mapping[str, str]
    root: Path = Path("/")
    nvml: str = "libnvidia-ml.so.1"
    smi: tuple[str, ...] = _SMI


def this_machine() -> Machine:
    """The machine that PPM runs on."""
    return Machine(environ=dict(os.environ))


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What can be used and what says so.

    ``family`` is ``""`` where there is no GPU, ``supported`` the highest version of it. An
    ``override`` is a backend's name that counts alone.
    """

    evidence: tuple[str, ...]
    family: Literal["", "cuda", "rocm"] = ""
    supported: Release = (0, 0)
    override: str = ""


def detect(machine: Machine) -> Found:
    """Ask one rung after the other."""
    override = machine.environ.get(OVERRIDE, "").strip()
    if override and override != "auto":
        return Found(override=override, evidence=(f"{OVERRIDE}={override}",))
    hidden = machine.environ.get(HIDING)
    if hidden is not None and hidden.strip() in {"", "-1"}:
        return Found(evidence=(f'{HIDING}="{hidden.strip()}": no device may be used',))
    missing: list[str] = []
    for rung in _RUNGS:
        found = rung(machine)
        if isinstance(found, Found):
            return found
        missing.append(found)
    return Found(evidence=tuple(missing))


def of_module(machine: Machine) -> Found | str:
    """The version of the loaded kernel module."""
    path = machine.root / "sys/module/nvidia/version"
    return _of_driver(_text(path), f"/{path.relative_to(machine.root)}")


def of_proc(machine: Machine) -> Found | str:
    """The version that the driver tells in ``/proc``, within a sentence."""
    path = machine.root / "proc/driver/nvidia/version"
    said = re.search(_DRIVER, _text(path).partition("\n")[0])
    return _of_driver(said[1] if said else "", f"/{path.relative_to(machine.root)}")


def of_nvml(machine: Machine) -> Found | str:
    """NVIDIA's management library, which also knows the driver's CUDA version."""
    import ctypes

    if not machine.nvml:
        return "NVML: not asked"
    try:
        library = ctypes.CDLL(machine.nvml)
        if library.nvmlInit_v2():
            return f"{machine.nvml}: no driver answers"
        text, number = ctypes.create_string_buffer(_NVML_TEXT), ctypes.c_int(0)
        status = library.nvmlSystemGetDriverVersion(text, _NVML_TEXT)
        library.nvmlSystemGetCudaDriverVersion_v2(ctypes.byref(number))
        library.nvmlShutdown()
    except (OSError, AttributeError) as error:
        return f"{machine.nvml}: {'not there' if isinstance(error, OSError) else error}"
    if status or number.value < 1000:  # noqa: PLR2004 - 12010 is CUDA 12.1
        return _of_driver(text.value.decode("ascii", "replace"), machine.nvml)
    cuda = number.value // 1000, number.value % 1000 // 10
    return _cuda(text.value.decode("ascii", "replace"), cuda, machine.nvml)


def of_smi(machine: Machine) -> Found | str:
    """The program that comes with the driver."""
    import subprocess

    if not machine.smi:
        return "nvidia-smi: not asked"
    name = Path(machine.smi[0]).name
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments, found as a person would find it
            machine.smi, capture_output=True, text=True, timeout=_PATIENCE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError) as error:
        return f"{name}: {'not there' if isinstance(error, FileNotFoundError) else 'no answer'}"
    if done.returncode:
        return f"{name}: no answer"
    said = re.search(_DRIVER, done.stdout)
    return _of_driver(said[1] if said else "", name)


def of_amd(machine: Machine) -> Found | str:
    """AMD's kernel module, and the version of ROCm that is installed."""
    if not (machine.root / "sys/module/amdgpu").is_dir():
        return "/sys/module/amdgpu: not there"
    said = re.match(r"([0-9]+)\.([0-9]+)", _text(machine.root / "opt/rocm/.info/version"))
    if said is None:
        return "/sys/module/amdgpu: there, but no ROCm in /opt/rocm"
    return Found(
        family="rocm",
        supported=(int(said[1]), int(said[2])),
        evidence=("/sys/module/amdgpu", f"/opt/rocm/.info/version: ROCm {said[1]}.{said[2]}"),
    )


_RUNGS: Sequence[Callable[[Machine], Found | str]] = (of_module, of_proc, of_nvml, of_smi, of_amd)


def _of_driver(driver: str, where: str) -> Found | str:
    if not re.fullmatch(_DRIVER, driver):
        return f"{where}: {'no version' if driver else 'not there'}"
    cuda = cuda_of_driver(driver)
    return _cuda(driver, cuda, where) if cuda else f"{where}: driver {driver} is for no known CUDA"


def _cuda(driver: str, cuda: Release, where: str) -> Found:
    told = f"{where}: NVIDIA driver {driver}, CUDA {cuda[0]}.{cuda[1]}"
    return Found(family="cuda", supported=cuda, evidence=(told,))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
