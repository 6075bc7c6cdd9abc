"""The benchmark of the GPU: what it prints without one, and its rows over the host's lanes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import bench_gpu
import pytest
from support.host_lanes import host_library

SCRIPT = Path(bench_gpu.__file__)


def test_without_a_gpu_the_processor_is_measured_and_all_is_well(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, SCRIPT, "--size", "1", "--library", tmp_path / "missing.so"],
        env={**os.environ, "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr.startswith("no GPU is measured: ")
    assert "No GPU: the processor alone; not measured on a GPU yet." in result.stdout
    assert "| batch | messages | one core | all cores |" in result.stdout
    for shape in bench_gpu.SHAPES:
        assert f"| {shape.name}, " in result.stdout


def test_every_row_of_a_device_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_gpu, "RUNS", 1)
    monkeypatch.setattr(bench_gpu, "CROSSOVER_SIZES", (256, 65536))
    text = bench_gpu.report(host_library(), 256 * 1024, 1024 * 1024)
    assert "host-lanes, driver" in text
    for words in ("pinned copy", "messages of 4096 bytes", "GPU, pinned", "GPU wins from"):
        assert words in text
    assert "of 900.00 GB/s" not in text, "that figure is for another chip"


def test_the_report_is_written_between_its_marks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "gpu.md"
    page.write_text(f"before\n{bench_gpu.BEGIN}\nold\n{bench_gpu.END}\nafter\n")
    monkeypatch.setattr(bench_gpu, "PAGE", page)
    for text in ("one", "two"):
        bench_gpu.write(text)
    assert page.read_text() == f"before\n{bench_gpu.BEGIN}\ntwo\n{bench_gpu.END}\nafter\n"


def test_the_page_has_the_marks() -> None:
    text = Path(bench_gpu.__file__).parents[1].joinpath("docs/gpu.md").read_text()
    assert text.count(bench_gpu.BEGIN) == text.count(bench_gpu.END) == 1
