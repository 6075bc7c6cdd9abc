"""What an interpreter says of itself, asked in a process of its own.

The question runs with ``-I -S``: no environment variables, no user site, no ``sitecustomize``, so
that what is installed there cannot colour the answer. It is written for Python 3.6 and later.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from ppm.engine.errors import EnvironmentFailure

QUESTION = r"""
import json, os, platform, re, subprocess, sys, sysconfig

def version(info):
    text = "%d.%d.%d" % tuple(info)[:3]
    return text if info.releaselevel == "final" else text + info.releaselevel[0] + str(info.serial)

def glibc():
    try:
        return os.confstr("CS_GNU_LIBC_VERSION").split()[-1]
    except (AttributeError, OSError, ValueError, IndexError):
        return ""

def musl():
    try:
        with open("/proc/self/maps") as maps:
            loaders = re.findall(r"(/\S*ld-musl-\S+)", maps.read())
    except (OSError, ValueError):
        return ""
    if not loaders:
        return ""
    loader = subprocess.Popen(
        [loaders[0]], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, universal_newlines=True
    )
    found = re.search(r"Version (\d+\.\d+)", loader.communicate()[1])
    return found.group(1) if found else ""

names = sysconfig.get_scheme_names()
scheme = next(n for n in ("venv", "posix_prefix", "nt") if n in names)
root = {"base": "@", "platbase": "@", "installed_base": "@", "installed_platbase": "@"}
paths = sysconfig.get_paths(scheme, vars=root)
variable = sysconfig.get_config_var
print(json.dumps({
    "executable": getattr(sys, "_base_executable", sys.executable) or sys.executable,
    "prefix": sys.base_prefix,
    "release": list(sys.version_info[:2]),
    "implementation": sys.implementation.name,
    "implementation_version": version(sys.implementation.version),
    "python_implementation": platform.python_implementation(),
    "python_full_version": platform.python_version(),
    "os_name": os.name,
    "sys_platform": sys.platform,
    "system": platform.system(),
    "machine": platform.machine(),
    "system_release": platform.release(),
    "system_version": platform.version(),
    "platform": sysconfig.get_platform(),
    "is_32bit": sys.maxsize <= 2 ** 32,
    "debug": bool(variable("Py_DEBUG") or hasattr(sys, "gettotalrefcount")),
    "free_threaded": bool(variable("Py_GIL_DISABLED")),
    "extension_suffix": variable("EXT_SUFFIX") or "",
    "multiarch": variable("MULTIARCH") or "",
    "nodot": str(variable("py_version_nodot") or ""),
    "glibc": glibc(),
    "musl": musl(),
    "mac_version": platform.mac_ver()[0],
    "mac_machine": platform.mac_ver()[2],
    "purelib": paths["purelib"][2:].replace(os.sep, "/"),
    "scripts": paths["scripts"][2:].replace(os.sep, "/"),
}))
"""

_PATIENCE = 30.0


class Facts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The answer. ``purelib`` and ``scripts`` are relative to an environment's root.

    ``glibc`` and ``musl`` are versions (``2.36``), empty for the libc it does not run on.
    """

    executable: str
    prefix: str
    release: tuple[int, int]
    implementation: str
    implementation_version: str
    python_implementation: str
    python_full_version: str
    os_name: str
    sys_platform: str
    system: str
    machine: str
    system_release: str
    system_version: str
    platform: str
    is_32bit: bool
    debug: bool
    free_threaded: bool
    extension_suffix: str
    multiarch: str
    nodot: str
    glibc: str
    musl: str
    mac_version: str
    mac_machine: str
    purelib: str
    scripts: str


def ask(executable: Path) -> Facts:
    """Run the question in ``executable``.

    Raises:
        EnvironmentFailure: ``code="INTERPRETER_UNUSABLE"``: it does not start, does not answer, or
            is no Python that PPM can work with.
    """
    import subprocess

    # Without the variable a Python built on an old SDK calls every macOS 10.16.
    environment = {**os.environ, "SYSTEM_VERSION_COMPAT": "0"}
    try:
        answer = subprocess.run(  # noqa: S603 - an interpreter the user or the PATH names
            [str(executable), "-I", "-S", "-c", QUESTION],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=_PATIENCE,
            env=environment,
        )
        return msgspec.json.decode(answer.stdout, type=Facts)
    except subprocess.CalledProcessError as error:
        words = error.stderr.decode("utf-8", "replace").strip().splitlines()
        raise _unusable(executable, words[-1] if words else f"status {error.returncode}") from error
    except (OSError, subprocess.TimeoutExpired, msgspec.MsgspecError) as error:
        raise _unusable(executable, str(error)) from error


def _unusable(executable: Path, reason: str) -> EnvironmentFailure:
    return EnvironmentFailure(
        f"{executable} is no Python interpreter that can be used: {reason}",
        code="INTERPRETER_UNUSABLE",
        hint="name another one with the python setting, or repair this one",
    )
