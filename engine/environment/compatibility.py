"""From an interpreter's facts to a target: marker environment, wheel tags, name.

The tags are those of :mod:`packaging.tags`, with every question it would ask of the running
interpreter answered from the facts. Linux platforms are listed here, because packaging looks at
the running process for them (PEP 600, PEP 656).
"""

from __future__ import annotations

from collections.abc import Iterator

from ppm.engine.environment.facts import Facts
from ppm.engine.target import Target

_LEGACY_MANYLINUX = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
_MANYLINUX_MACHINES = frozenset(
    {
        *("x86_64", "i686", "aarch64", "armv7l", "armv8l", "ppc64", "ppc64le"),
        *("s390x", "loongarch64", "riscv64"),
    }
)
_X86 = frozenset({"x86_64", "i686"})
_NARROWED = {"x86_64": "i686", "aarch64": "armv8l"}
_SHORT_NAMES = {"cpython": "cp", "pypy": "pp", "ironpython": "ip", "jython": "jy", "python": "py"}
_SYSTEM_NAMES = {"darwin": "macos", "win32": "windows"}


def target_of(facts: Facts) -> Target:
    """The target that the interpreter runs on."""
    return Target(
        name=target_name(facts),
        python_full_version=facts.python_full_version,
        markers=marker_environment(facts),
        tags=tuple(wheel_tags(facts)),
    )


def target_name(facts: Facts) -> str:
    """Such as ``linux-x86_64-py3.11``; ``linux-musl-…`` on musl, ``py3.13t`` without the GIL."""
    system = _SYSTEM_NAMES.get(facts.sys_platform, facts.sys_platform)
    libc = "-musl" if facts.musl and not facts.glibc else ""
    machine = _linux_machine(facts) if system == "linux" else facts.machine.lower()
    machine = "x86_64" if (system, machine) == ("windows", "amd64") else machine
    short = "py" if facts.implementation == "cpython" else _short_name(facts)
    suffix = "t" if facts.free_threaded else ""
    return f"{system}{libc}-{machine}-{short}{facts.release[0]}.{facts.release[1]}{suffix}"


def marker_environment(facts: Facts) -> dict[str, str]:
    """The environment that PEP 508 markers are judged in, without ``extra``."""
    return {
        "implementation_name": facts.implementation,
        "implementation_version": facts.implementation_version,
        "os_name": facts.os_name,
        "platform_machine": facts.machine,
        "platform_release": facts.system_release,
        "platform_system": facts.system,
        "platform_version": facts.system_version,
        "python_full_version": facts.python_full_version,
        "platform_python_implementation": facts.python_implementation,
        "python_version": "{}.{}".format(*facts.release),
        "sys_platform": facts.sys_platform,
    }


def wheel_tags(facts: Facts) -> Iterator[str]:
    """Tags of wheels that can be installed, most preferred first."""
    from packaging import tags

    platforms = list(platform_tags(facts))
    short = _short_name(facts)
    if short == "cp":
        yield from map(str, tags.cpython_tags(facts.release, _cpython_abis(facts), platforms))
        interpreter = f"cp{facts.nodot}"
    else:
        abis = _generic_abis(facts)
        yield from map(str, tags.generic_tags(f"{short}{facts.nodot}", abis, platforms))
        interpreter = "pp3" if short == "pp" else ""
    yield from map(str, tags.compatible_tags(facts.release, interpreter or None, platforms))


def platform_tags(facts: Facts) -> Iterator[str]:
    """The platform part of the tags; never empty (packaging would take the host's own)."""
    if facts.sys_platform.startswith("linux"):
        yield from linux_platforms(
            _linux_machine(facts),
            glibc=facts.glibc,
            musl=facts.musl,
            hard_float=facts.multiarch.endswith("hf"),
        )
    elif facts.sys_platform == "darwin":
        from packaging import tags

        major, minor = (int(part) for part in f"{facts.mac_version}.0".split(".")[:2])
        yield from tags.mac_platforms((major, minor), facts.mac_machine)
    elif _normalized(facts.platform).startswith("pyemscripten_"):
        yield _normalized(facts.platform)  # PEP 783, and the name before it.
        yield _normalized(facts.platform).replace("pyemscripten_", "pyodide_", 1)
    else:
        yield _normalized(facts.platform)


def linux_platforms(
    machine: str, *, glibc: str = "", musl: str = "", hard_float: bool = True
) -> Iterator[str]:
    """Platform tags of a Linux machine with the given libc versions (``2.36``; empty for none).

    ``hard_float`` matters on 32-bit ARM only: manylinux there means the hard-float ABI.
    """
    machines = ["armv8l", "armv7l"] if machine == "armv8l" else [machine]
    for name in machines:
        yield f"linux_{name}"
    manylinux = machine in _MANYLINUX_MACHINES and (hard_float or "armv7l" not in machines)
    for name in machines:
        if glibc and manylinux:
            yield from _manylinux(name, glibc)
    for name in machines:
        if musl:
            major, minor = musl.split(".")[:2]
            for lower in range(int(minor), -1, -1):
                yield f"musllinux_{major}_{lower}_{name}"


def _manylinux(machine: str, glibc: str) -> Iterator[str]:
    oldest = 5 if machine in _X86 else 17
    for minor in range(int(glibc.split(".")[1]), oldest - 1, -1):
        yield f"manylinux_2_{minor}_{machine}"
        if minor in _LEGACY_MANYLINUX:
            yield f"{_LEGACY_MANYLINUX[minor]}_{machine}"


def _linux_machine(facts: Facts) -> str:
    machine = _normalized(facts.platform).removeprefix("linux_")
    return _NARROWED.get(machine, machine) if facts.is_32bit else machine


def _cpython_abis(facts: Facts) -> list[str]:
    plain = f"cp{facts.release[0]}{facts.release[1]}{'t' if facts.free_threaded else ''}"
    if facts.release < (3, 8):
        return [f"{plain}{'d' if facts.debug else ''}m"]
    # A debug build can also load what was built for the other one.
    return [f"{plain}d", plain] if facts.debug else [plain]


def _generic_abis(facts: Facts) -> list[str]:
    """The ABI in ``.pypy310-pp73-x86_64-linux-gnu.so`` or ``.graalpy-38-native-….so``."""
    parts = facts.extension_suffix.split(".")
    if len(parts) < 3:  # noqa: PLR2004 - empty, ABI and file type
        return []
    words = parts[1].split("-")
    if words[0].startswith("pypy"):
        words = words[:2]
    elif words[0].startswith("graalpy"):
        words = words[:3]
    return [_normalized("-".join(words))]


def _short_name(facts: Facts) -> str:
    return _SHORT_NAMES.get(facts.implementation, facts.implementation)


def _normalized(text: str) -> str:
    return text.replace(".", "_").replace("-", "_").replace(" ", "_")
