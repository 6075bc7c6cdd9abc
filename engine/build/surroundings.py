"""The environment variables that a build backend sees."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

SOURCE_DATE_EPOCH = "1580601600"
"""2020-02-02: later than the first day a zip archive can name, also west of Greenwich."""

_OURS = ("PYTHON", "PIP_", "UV_", "PPM_", "PYP_", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__", "CONDA_")


def build_environ(environ: Mapping[str, str], python: Path, temporary: Path) -> dict[str, str]:
    """``environ`` without what belongs to other Pythons and package managers.

    What compilers read stays. Settings of package managers may hold logins, which the code that is
    built has no business to know.

    Args:
        environ: Of this process.
        python: The interpreter of the isolated environment.
        temporary: A folder for temporary files that goes away with the build.
    """
    kept = {name: value for name, value in environ.items() if not name.startswith(_OURS)}
    path = kept.get("PATH", os.defpath)
    return {
        **kept,
        "PATH": f"{python.parent}{os.pathsep}{path}",
        "VIRTUAL_ENV": str(python.parent.parent),
        "PYTHONNOUSERSITE": "1",
        # The order of sets goes into what some backends write.
        "PYTHONHASHSEED": "0",
        # What it says last shall be there when it is killed, and in order.
        "PYTHONUNBUFFERED": "1",
        "PIP_CONFIG_FILE": os.devnull,
        "SOURCE_DATE_EPOCH": environ.get("SOURCE_DATE_EPOCH") or SOURCE_DATE_EPOCH,
        "TMPDIR": str(temporary),
    }
