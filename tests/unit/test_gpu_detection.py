"""Each rung of the detection with a root, a library or a program of the test's own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ppm.engine.errors import ProjectError
from ppm.engine.gpu.choose import choose
from ppm.engine.gpu.detect import (
    Found,
    Machine,
    detect,
    of_amd,
    of_module,
    of_nvml,
    of_proc,
    of_smi,
)
from ppm.engine.gpu.versions import CUDA_DRIVERS, backend_version, best_backend, cuda_of_driver

BACKENDS = ("cpu", "cu121", "cu122")
PROC = "NVRM version: NVIDIA UNIX {}  {}  Release Build  (user@host)\nGCC version:  gcc 12.3.0\n"


def machine(root: Path, **parts: object) -> Machine:
    """A machine that has what stands below ``root`` and no NVML or nvidia-smi unless given."""
    return Machine(**{"environ": {}, "root": root, "nvml": "", "smi": (), **parts})  # type: ignore[arg-type]


def put(root: Path, path: str, text: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def program(root: Path, text: str) -> tuple[str, ...]:
    put(root, "nvidia-smi", f"#!/bin/sh\n{text}\n")
    (root / "nvidia-smi").chmod(0o755)
    return (str(root / "nvidia-smi"),)


def nvml(root: Path, driver: str, cuda: int, *, init: int = 0) -> str:
    """A library with the four functions of NVML that are asked."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    put(
        root,
        "nvml.c",
        f"""
        #include <stdio.h>
        int nvmlInit_v2(void) {{ return {init}; }}
        int nvmlShutdown(void) {{ return 0; }}
        int nvmlSystemGetDriverVersion(char *text, unsigned size) {{
            return snprintf(text, size, "{driver}") < 0;
        }}
        int nvmlSystemGetCudaDriverVersion_v2(int *version) {{ *version = {cuda}; return 0; }}
        """,
    )
    library = root / "libnvidia-ml.so.1"
    command = [compiler, "-shared", "-fPIC", "-o", str(library), str(root / "nvml.c")]
    subprocess.run(command, check=True)
    return str(library)


def test_the_kernel_module_tells_the_driver(tmp_path: Path) -> None:
    assert of_module(machine(tmp_path)) == "/sys/module/nvidia/version: not there"
    put(tmp_path, "sys/module/nvidia/version", "535.54.03\n")
    assert of_module(machine(tmp_path)) == Found(
        family="cuda",
        supported=(12, 2),
        evidence=("/sys/module/nvidia/version: NVIDIA driver 535.54.03, CUDA 12.2",),
    )
    put(tmp_path, "sys/module/nvidia/version", "garbage\n")
    assert of_module(machine(tmp_path)) == "/sys/module/nvidia/version: no version"
    put(tmp_path, "sys/module/nvidia/version", "340.108\n")
    assert "driver 340.108 is for no known CUDA" in str(of_module(machine(tmp_path)))


@pytest.mark.parametrize(
    "module",
    ["x86_64 Kernel Module", "Open Kernel Module for x86_64", "Open Kernel Module for aarch64"],
)
def test_proc_tells_the_driver_in_a_sentence(tmp_path: Path, module: str) -> None:
    put(tmp_path, "proc/driver/nvidia/version", PROC.format(module, "550.54.15"))
    found = of_proc(machine(tmp_path))
    assert isinstance(found, Found)
    assert found.supported == (12, 4)
    assert found.evidence == ("/proc/driver/nvidia/version: NVIDIA driver 550.54.15, CUDA 12.4",)


def test_nvml_tells_the_drivers_own_cuda_version(tmp_path: Path) -> None:
    library = nvml(tmp_path, "530.30.02", 12010)
    found = of_nvml(machine(tmp_path, nvml=library))
    assert isinstance(found, Found)
    assert (found.family, found.supported) == ("cuda", (12, 1))
    assert found.evidence == (f"{library}: NVIDIA driver 530.30.02, CUDA 12.1",)
    assert of_nvml(machine(tmp_path, nvml="libno-such.so.1")) == "libno-such.so.1: not there"


def test_nvml_without_a_driver_is_no_gpu(tmp_path: Path) -> None:
    library = nvml(tmp_path, "", 0, init=9)
    assert of_nvml(machine(tmp_path, nvml=library)) == f"{library}: no driver answers"


def test_nvidia_smi_tells_the_driver_of_the_first_device(tmp_path: Path) -> None:
    smi = program(tmp_path, "printf '525.60.13\\n525.60.13\\n'")
    found = of_smi(machine(tmp_path, smi=smi))
    assert isinstance(found, Found)
    assert found.supported == (12, 0)
    broken = program(tmp_path, "echo 535.54.03; exit 9")
    assert of_smi(machine(tmp_path, smi=broken)) == "nvidia-smi: no answer"
    gone = of_smi(machine(tmp_path, smi=(str(tmp_path / "gone" / "nvidia-smi"),)))
    assert gone == "nvidia-smi: not there"


def test_amd_needs_the_module_and_rocm(tmp_path: Path) -> None:
    assert of_amd(machine(tmp_path)) == "/sys/module/amdgpu: not there"
    (tmp_path / "sys/module/amdgpu").mkdir(parents=True)
    assert "no ROCm" in str(of_amd(machine(tmp_path)))
    put(tmp_path, "opt/rocm/.info/version", "6.2.1-66\n")
    found = of_amd(machine(tmp_path))
    assert isinstance(found, Found)
    assert (found.family, found.supported) == ("rocm", (6, 2))
    assert best_backend(("cpu", "rocm6.0", "rocm6.3", "cu121"), "rocm", (6, 2)) == "rocm6.0"


def test_the_first_rung_that_answers_ends_the_search(tmp_path: Path) -> None:
    smi = program(tmp_path, "touch asked; echo 580.65.06")
    put(tmp_path, "proc/driver/nvidia/version", PROC.format("x86_64 Kernel Module", "530.30.02"))
    found = detect(machine(tmp_path, smi=smi))
    assert found.supported == (12, 1)
    assert len(found.evidence) == 1
    nothing = detect(machine(tmp_path / "empty"))
    assert nothing.family == ""
    assert len(nothing.evidence) == 5


@pytest.mark.parametrize("hidden", ["", " ", "-1"])
def test_devices_that_are_hidden_are_none(tmp_path: Path, hidden: str) -> None:
    put(tmp_path, "sys/module/nvidia/version", "535.54.03\n")
    found = detect(machine(tmp_path, environ={"CUDA_VISIBLE_DEVICES": hidden}))
    assert found.family == ""
    assert "CUDA_VISIBLE_DEVICES" in found.evidence[0]
    shown = detect(machine(tmp_path, environ={"CUDA_VISIBLE_DEVICES": "0"}))
    assert shown.family == "cuda"


def test_the_override_stands_above_everything(tmp_path: Path) -> None:
    put(tmp_path, "sys/module/nvidia/version", "535.54.03\n")
    environ = {"PPM_GPU": "cu121", "CUDA_VISIBLE_DEVICES": ""}
    chosen = choose("auto", BACKENDS, lambda: detect(machine(tmp_path, environ=environ)))
    assert (chosen.backend, chosen.evidence) == ("cu121", ("PPM_GPU=cu121",))
    with pytest.raises(ProjectError, match=r"'cu99' is no GPU backend.*cpu, cu121, cu122"):
        choose("auto", BACKENDS, lambda: detect(machine(tmp_path, environ={"PPM_GPU": "cu99"})))
    automatic = detect(machine(tmp_path, environ={"PPM_GPU": "auto"}))
    assert automatic.family == "cuda"


@pytest.mark.parametrize(
    ("driver", "backend"),
    [
        ("580.65.06", "cu122"),  # CUDA 13 runs what was built for 12
        ("535.54.03", "cu122"),
        ("535.43.02", "cu121"),  # a beta from before 12.2
        ("530.30.02", "cu121"),
        ("525.60.13", "cu121"),  # 12.0: the lowest of its major version
        ("520.61.05", "cpu"),  # 11.8
        ("470.42.01", "cpu"),
        ("", "cpu"),
    ],
)
def test_auto_is_the_highest_backend_that_the_driver_supports(
    tmp_path: Path, driver: str, backend: str
) -> None:
    if driver:
        put(tmp_path, "sys/module/nvidia/version", f"{driver}\n")
    chosen = choose("auto", BACKENDS, lambda: detect(machine(tmp_path)))
    assert chosen.backend == backend
    assert driver in str(chosen.evidence)


def test_without_a_cpu_backend_auto_may_be_none(tmp_path: Path) -> None:
    chosen = choose("auto", ("cu121",), lambda: detect(machine(tmp_path)))
    assert chosen.backend == ""
    with pytest.raises(ProjectError) as raised:
        choose("auto", (), lambda: detect(machine(tmp_path)))
    assert raised.value.code == "UNKNOWN_BACKEND"


def test_a_backend_that_is_named_asks_the_machine_nothing() -> None:
    def never() -> Found:
        raise AssertionError

    assert choose("cpu", BACKENDS, never).backend == "cpu"
    with pytest.raises(ProjectError):
        choose("cu118", BACKENDS, never)


def test_versions_of_names_and_drivers() -> None:
    assert backend_version("cu121", "cuda") == (12, 1)
    assert backend_version("cu92", "cuda") == (9, 2)
    assert backend_version("rocm6.2.4", "rocm") == (6, 2)
    assert backend_version("cpu", "cuda") is None
    assert backend_version("rocm6.2", "cuda") is None
    assert best_backend(("cu118", "cu126"), "cuda", (11, 4)) == "cu118"
    assert best_backend(("cu101", "cu102"), "cuda", (10, 1)) == "cu101"
    assert cuda_of_driver("999.1") == CUDA_DRIVERS[0][1]
    assert [cuda_of_driver(driver) for driver, _ in CUDA_DRIVERS] == [it for _, it in CUDA_DRIVERS]
    assert list(CUDA_DRIVERS) == sorted(CUDA_DRIVERS, key=lambda row: row[1], reverse=True)
