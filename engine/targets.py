"""Targets by name, for Pythons and platforms other than the running machine's.

    linux-x86_64-py3.12                  glibc 2.28 or newer; linux-x86_64-glibc2.35-py3.12
    linux-musl-x86_64-py3.12             musl 1.2 or newer; linux-musl1.1-x86_64-py3.12
    macos-arm64-py3.13                   macOS 13.0 or newer; macos14.0-arm64-py3.13
    windows-x86_64-py3.12                also windows-arm64 and windows-x86
    linux-x86_64-py3.13t                 without the GIL
    linux-x86_64-py3.12.4                where the patch release matters; else it is .0
    wasm32-pyodide_2025                  Pyodide's ABI of a year, which names its Python (PEP 783)
    linux-x86_64-py3.12-cu121            with the builds of a GPU backend of the project

Markers and tags are made as for a real interpreter, from the facts that one would tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from ppm.engine.environment.compatibility import target_of
from ppm.engine.environment.facts import Facts
from ppm.engine.errors import ProjectError
from ppm.engine.target import Target, split_backend

GLIBC, MUSL, MACOS = "2.28", "1.2", "13.0"
"""The versions that a name means which says none: those that most wheels are built for today."""

EXAMPLES = (
    "linux-x86_64-py3.12",
    "linux-x86_64-glibc2.35-py3.12",
    "linux-musl-x86_64-py3.12",
    "macos-arm64-py3.13",
    "macos14.0-arm64-py3.13",
    "windows-x86_64-py3.12",
    "wasm32-pyodide_2025",
    "linux-x86_64-py3.12-cu121",
)

_OLDEST_PYTHON = 8
_ALIASES = {
    "linux": {"amd64": "x86_64", "arm64": "aarch64"},
    "macos": {"amd64": "x86_64", "aarch64": "arm64"},
    "windows": {"amd64": "x86_64", "aarch64": "arm64", "i686": "x86"},
}
_MACHINES = {
    "linux": (
        *("x86_64", "aarch64", "i686", "armv7l", "ppc64", "ppc64le"),
        *("s390x", "riscv64", "loongarch64"),
    ),
    "macos": ("arm64", "x86_64"),
    "windows": ("x86_64", "arm64", "x86"),
}
_WINDOWS = {
    "x86_64": ("AMD64", "win-amd64"),
    "arm64": ("ARM64", "win-arm64"),
    "x86": ("x86", "win32"),
}
_PYODIDE = {("2024", "0"): "3.12", ("2025", "0"): "3.13", ("2026", "0"): "3.14"}


class _Python(msgspec.Struct, frozen=True):
    release: tuple[int, int]
    patch: int
    free_threaded: bool

    @property
    def name(self) -> str:
        patch = f".{self.patch}" if self.patch else ""
        return "py{}.{}".format(*self.release) + patch + ("t" if self.free_threaded else "")


class _UnknownError(Exception):
    """What is wrong with a name, in words."""


def parse_target(name: str) -> Target:
    """The target that ``name`` means, under its one spelling.

    Raises:
        ProjectError: ``code="UNKNOWN_TARGET"``.
    """
    try:
        return _parse(name.strip().lower())
    except _UnknownError as error:
        raise ProjectError(
            f"{name!r} is no target: {error}",
            code="UNKNOWN_TARGET",
            hint=f"understood are names such as {', '.join(EXAMPLES)}",
        ) from None


def parse_targets(names: Iterable[str], here: Target) -> tuple[Target, ...]:
    """Each target once; ``here`` and the name of the running machine's target stand for that.

    Raises:
        ProjectError: ``code="UNKNOWN_TARGET"``.
    """
    found = (here if name in {"here", here.plain_name} else _either(name, here) for name in names)
    return tuple({one.name: here if one.name == here.name else one for one in found}.values())


def _either(name: str, here: Target) -> Target:
    """The running machine, maybe with another backend, or a target that only a name tells of."""
    plain, backend = split_backend(name)
    return here.on(backend) if plain == here.plain_name else parse_target(name)


def known_target(name: str, here: Target) -> Target | None:
    """The target that a lock calls ``name``, or None where this machine cannot tell."""
    try:
        found = _either(name, here)
    except ProjectError:
        return None
    return found if found.name == name else None


def _parse(name: str) -> Target:
    plain, backend = split_backend(name)
    if backend and not re.fullmatch(r"[a-z][a-z0-9._]*", backend):
        raise _UnknownError(f"{backend!r} is no name of a GPU backend")
    return _parse_plain(plain).on(backend)


def _parse_plain(name: str) -> Target:
    words = name.split("-")
    if words[0] == "wasm32":
        return _pyodide(words[1:])
    *words, last = words
    python = _python(last)
    system, version = _system(words[0] if words else "")
    libc = [word for word in words[1:] if re.fullmatch(r"(glibc|musl)[0-9.]*", word)]
    machine = _machine(system, [word for word in words[1:] if word not in libc])
    if system == "linux":
        return _linux(machine, _libc([*libc, version] if version else libc), python)
    if libc:
        raise _UnknownError(f"{libc[0]} is a C library of Linux")
    return _macos(machine, version, python) if system == "macos" else _windows(machine, python)


def _system(word: str) -> tuple[str, str]:
    """``linux``, ``macos`` or ``windows``, and what stands for its version."""
    if re.fullmatch(r"musl[0-9.]*", word):
        return "linux", word
    found = re.fullmatch(r"(?:macos|darwin)([0-9]+(?:\.[0-9]+)?)?", word)
    if found:
        return "macos", found[1] or MACOS
    if word in {"linux", "windows"}:
        return word, ""
    raise _UnknownError(f"{word!r} is none of linux, macos, windows and wasm32")


def _machine(system: str, words: list[str]) -> str:
    names = [_ALIASES[system].get(word, word) for word in words]
    if len(names) != 1 or names[0] not in _MACHINES[system]:
        known = ", ".join(_MACHINES[system])
        raise _UnknownError(f"{'-'.join(words) or 'nothing'} is no machine of {system} ({known})")
    return names[0]


def _libc(words: list[str]) -> tuple[str, str]:
    if len(words) > 1:
        raise _UnknownError(f"{' and '.join(words)} are two C libraries")
    word = words[0] if words else "glibc"
    kind = "glibc" if word.startswith("glibc") else "musl"
    version = word.removeprefix(kind) or (GLIBC if kind == "glibc" else MUSL)
    major = GLIBC[0] if kind == "glibc" else MUSL[0]
    if not re.fullmatch(rf"{major}\.[0-9]{{1,2}}", version):
        raise _UnknownError(f"{word} is no {kind} {major}")
    return kind, version


def _python(word: str) -> _Python:
    found = re.fullmatch(r"py3\.([0-9]{1,2})(?:\.([0-9]{1,2}))?(t?)", word)
    if not found or int(found[1]) < _OLDEST_PYTHON:
        raise _UnknownError(f"{word!r} is no Python such as py3.12 (3.{_OLDEST_PYTHON} or later)")
    return _Python((3, int(found[1])), int(found[2] or 0), bool(found[3]))


def _linux(machine: str, libc: tuple[str, str], python: _Python) -> Target:
    kind, version = libc
    usual = version == (GLIBC if kind == "glibc" else MUSL)
    named = kind if usual else f"{kind}{version}"
    order = [machine] if libc == ("glibc", GLIBC) else [machine, named]
    order = [named, machine] if kind == "musl" else order
    return _target(
        "-".join(["linux", *order]),
        python,
        os_name="posix",
        sys_platform="linux",
        system="Linux",
        machine=machine,
        platform=f"linux-{machine}",
        multiarch="arm-linux-gnueabihf" if machine == "armv7l" else "",
        glibc=version if kind == "glibc" else "",
        musl=version if kind == "musl" else "",
    )


def _macos(machine: str, version: str, python: _Python) -> Target:
    version = version if "." in version else f"{version}.0"
    if int(version.split(".")[0]) < (11 if machine == "arm64" else 10):
        raise _UnknownError(f"macOS {version} does not run on {machine}")
    return _target(
        f"macos{'' if version == MACOS else version}-{machine}",
        python,
        os_name="posix",
        sys_platform="darwin",
        system="Darwin",
        machine=machine,
        platform=f"macosx-{version}-{machine}",
        mac_version=version,
        mac_machine=machine,
    )


def _windows(machine: str, python: _Python) -> Target:
    processor, platform = _WINDOWS[machine]
    return _target(
        f"windows-{machine}",
        python,
        os_name="nt",
        sys_platform="win32",
        system="Windows",
        machine=processor,
        platform=platform,
    )


def _pyodide(words: list[str]) -> Target:
    """``pyodide_2025`` or PEP 783's ``pyemscripten_2025_0``."""
    found = re.fullmatch(r"(?:pyodide|pyemscripten)_([0-9]{4})(?:_([0-9]+))?", "-".join(words))
    abi = (found[1], found[2] or "0") if found else ("", "")
    if abi not in _PYODIDE:
        known = ", ".join(f"pyodide_{year}" for year, _ in _PYODIDE)
        raise _UnknownError(f"{'-'.join(words) or 'nothing'} is none of {known}")
    return _target(
        f"wasm32-pyodide_{abi[0]}",
        _python(f"py{_PYODIDE[abi]}"),
        with_python=False,
        os_name="posix",
        sys_platform="emscripten",
        system="Emscripten",
        machine="wasm32",
        platform=f"pyemscripten_{abi[0]}_{abi[1]}_wasm32",
    )


def _target(
    name: str,
    python: _Python,
    *,
    with_python: bool = True,
    os_name: str,
    sys_platform: str,
    system: str,
    machine: str,
    platform: str,
    multiarch: str = "",
    glibc: str = "",
    musl: str = "",
    mac_version: str = "",
    mac_machine: str = "",
) -> Target:
    version = "{}.{}".format(*python.release) + f".{python.patch}"
    facts = Facts(
        executable="",
        prefix="",
        release=python.release,
        implementation="cpython",
        implementation_version=version,
        python_implementation="CPython",
        python_full_version=version,
        os_name=os_name,
        sys_platform=sys_platform,
        system=system,
        machine=machine,
        system_release="",
        system_version="",
        platform=platform,
        is_32bit=False,
        debug=False,
        free_threaded=python.free_threaded,
        extension_suffix="",
        multiarch=multiarch,
        nodot="{}{}".format(*python.release),
        glibc=glibc,
        musl=musl,
        mac_version=mac_version,
        mac_machine=mac_machine,
        purelib="",
        scripts="",
    )
    full_name = f"{name}-{python.name}" if with_python else name
    return msgspec.structs.replace(target_of(facts), name=full_name)
