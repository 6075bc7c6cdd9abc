"""The most used backend, with and without a build-system table."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PublishedIndex
from support.sdists import build_sdist
from unit.build.workbench import Workbench

PIP_DOWNLOAD = (sys.executable, "-m", "pip", "download")

SETUP = """
from setuptools import setup
setup(name="legacy-demo", version="1.0", packages=["legacy_demo"], install_requires=["left>=1"])
"""

EXTENSION = """
#include <Python.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "fast_demo", 0, -1, 0};
PyMODINIT_FUNC PyInit_fast_demo(void) { return PyModule_Create(&module); }
"""

PYPROJECT = """
[build-system]
requires = ["setuptools>=70.1"]
build-backend = "setuptools.build_meta"
[project]
name = "fast-demo"
version = "1.0"
[tool.setuptools]
ext-modules = [{name = "fast_demo", sources = ["fast_demo.c"]}]
"""


@pytest.fixture
def setuptools_wheel(tmp_path: Path) -> Path:
    """A wheel of setuptools that needs no other, from the configured index."""
    folder = tmp_path / "downloaded"
    options = ["--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--retries=0"]
    download = subprocess.run(
        [*PIP_DOWNLOAD, *options, "--timeout=10", "--dest", str(folder), "setuptools>=70.1"],
        capture_output=True,
        text=True,
        check=False,
    )
    if download.returncode:
        pytest.skip(f"no index gives a wheel of setuptools: {download.stderr[-200:]}")
    return next(folder.iterdir())


@pytest.fixture
def setuptools(setuptools_wheel: Path, local_index: PublishedIndex) -> None:
    """Setuptools on the index of the test."""
    shutil.copy(setuptools_wheel, local_index.folder)
    local_index.refresh()


@pytest.mark.network
@pytest.mark.usefixtures("setuptools")
def test_a_setup_py_from_before_build_systems_is_built(bench: Workbench, sources: Path) -> None:
    files = {"setup.py": SETUP, "legacy_demo/__init__.py": ""}
    sdist = build_sdist(sources, "legacy-demo", "1.0", files=files)
    assert bench.metadata(sdist).requires_dist == ("left>=1",)
    wheel = bench.build(sdist)
    assert wheel.record.filename == "legacy_demo-1.0-py3-none-any.whl"
    assert wheel.record.backend == "setuptools.build_meta:__legacy__"
    assert [text.partition("==")[0] for text in wheel.record.requires] == ["setuptools"]
    assert bench.rooms == []


@pytest.mark.network
@pytest.mark.usefixtures("setuptools")
@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler here")
def test_an_extension_in_c_is_built(bench: Workbench, sources: Path) -> None:
    files = {"pyproject.toml": PYPROJECT, "fast_demo.c": EXTENSION}
    sdist = build_sdist(sources, "fast-demo", "1.0", files=files)
    wheel = bench.build(sdist)
    assert not wheel.tree.purelib
    assert any(file.path.startswith("fast_demo.") for file in wheel.tree.files)
