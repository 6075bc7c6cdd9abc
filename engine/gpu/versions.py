"""CUDA and ROCm versions: of drivers, and of the backends that are named after them.

The driver of a CUDA release is that of NVIDIA's "CUDA Toolkit Release Notes", table "CUDA Toolkit
and Corresponding Driver Versions", column Linux, for each release's first version. Drivers run
what was built for older releases.
"""

from __future__ import annotations

import re

Release = tuple[int, int]

CUDA_DRIVERS: tuple[tuple[str, Release], ...] = (
    ("580.65.06", (13, 0)),
    ("575.51.03", (12, 9)),
    ("570.26", (12, 8)),
    ("560.28.03", (12, 6)),
    ("555.42.02", (12, 5)),
    ("550.54.14", (12, 4)),
    ("545.23.06", (12, 3)),
    ("535.54.03", (12, 2)),
    ("530.30.02", (12, 1)),
    ("525.60.13", (12, 0)),
    ("520.61.05", (11, 8)),
    ("515.43.04", (11, 7)),
    ("510.39.01", (11, 6)),
    ("495.29.05", (11, 5)),
    ("470.42.01", (11, 4)),
    ("465.19.01", (11, 3)),
    ("460.27.03", (11, 2)),
    ("455.23", (11, 1)),
    ("450.51.05", (11, 0)),
    ("440.33", (10, 2)),
    ("418.39", (10, 1)),
    ("410.48", (10, 0)),
    ("396.26", (9, 2)),
)

_FIRST_WITHIN_MAJOR = 11
"""From here on a driver of a major version runs all of it (NVIDIA, "Minor Version
Compatibility")."""


def cuda_of_driver(driver: str) -> Release | None:
    """The CUDA version that an NVIDIA driver (``535.54.03``) is for; None for none known."""
    numbers = _numbers(driver)
    return next((cuda for least, cuda in CUDA_DRIVERS if numbers >= _numbers(least)), None)


def backend_version(backend: str, family: str) -> Release | None:
    """``cu121`` is ``(12, 1)``, ``rocm6.2`` is ``(6, 2)``; None for another family's names."""
    rocm = r"rocm([0-9]+)\.([0-9]+)(?:\.[0-9]+)?"
    pattern = r"cu([0-9]{1,2})([0-9])" if family == "cuda" else rocm
    found = re.fullmatch(pattern, backend)
    return (int(found[1]), int(found[2])) if found else None


def best_backend(backends: tuple[str, ...], family: str, supported: Release) -> str:
    """The highest backend that ``supported`` covers, ``""`` for none.

    Where all of that major version are newer it is the lowest of them, if drivers promise that.
    """
    versions = {name: known for name in backends if (known := backend_version(name, family))}
    covered = [name for name, version in versions.items() if version <= supported]
    newer = [name for name, version in versions.items() if version[0] == supported[0]]
    best = max(covered, key=versions.__getitem__, default="")
    promised = family == "cuda" and supported[0] >= _FIRST_WITHIN_MAJOR
    if promised and newer and (not best or versions[best][0] < supported[0]):
        return min(newer, key=versions.__getitem__)
    return best


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"[0-9]+", version))
