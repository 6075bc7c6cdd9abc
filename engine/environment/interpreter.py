"""Base interpreters: what an environment is made for, asked once and remembered.

The answer is kept in ``PPM_HOME/interpreters`` under the interpreter's path and holds as long as
the file behind that path, the kernel and the C library are the same ones, so that a warm command
starts no process and imports neither packaging nor sysconfig.
"""

from __future__ import annotations

import contextlib
import os
import sys
from hashlib import sha256
from pathlib import Path

import msgspec

from ppm.engine.environment.facts import Facts, ask
from ppm.engine.errors import EnvironmentFailure, StorageError
from ppm.engine.files import write_atomic
from ppm.engine.target import Target

_FORMAT = 1


class Interpreter(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A Python that is not itself a virtual environment.

    ``path`` is its executable, unresolved, so that it survives a package manager's upgrades;
    ``version`` such as ``3.11.7``; ``site_packages`` and ``scripts`` are relative to an
    environment's root, with ``/``. ``key`` changes whenever an environment made for it would have
    to be made anew.
    """

    path: str
    version: str
    release: tuple[int, int]
    implementation: str
    prefix: str
    free_threaded: bool
    is_32bit: bool
    site_packages: str
    scripts: str
    target: Target
    key: str

    @property
    def abi_version(self) -> str:
        """``3.11``, or ``3.13t`` without the GIL, as it stands in names of files."""
        return "{}.{}".format(*self.release) + ("t" if self.free_threaded else "")

    @property
    def build_key(self) -> str:
        """Changes whenever a wheel would have to be built anew: builds see a backend's packages."""
        return f"{self.key}-{self.target.backend}" if self.target.backend else self.key


class _Remembered(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    fingerprint: tuple[str, ...]
    interpreter: Interpreter


def current(home: Path) -> Interpreter:
    """The base interpreter of the Python that runs PPM."""
    return probe(Path(getattr(sys, "_base_executable", None) or sys.executable), home)


def probe(path: Path, home: Path) -> Interpreter:
    """The base interpreter behind ``path``, which may be that of a virtual environment.

    Args:
        path: An executable.
        home: ``PPM_HOME``, where the answer is remembered.

    Raises:
        EnvironmentFailure: ``code="INTERPRETER_UNUSABLE"``.
    """
    base = base_executable(Path(os.path.abspath(path)))  # noqa: PTH100 - resolves no link
    memory = home / "interpreters" / f"{sha256(os.fsencode(base)).hexdigest()[:32]}.json"
    fingerprint = _fingerprint(base)
    remembered = _recall(memory)
    if remembered is not None and remembered.fingerprint == fingerprint:
        return remembered.interpreter
    interpreter = _interpreter(base, ask(base))
    # A shim decides anew at each call what it runs: nothing to remember under its name.
    if os.path.realpath(interpreter.path) == fingerprint[1]:
        _remember(memory, _Remembered(fingerprint=fingerprint, interpreter=interpreter))
    return interpreter


def base_executable(path: Path) -> Path:
    """Follow ``pyvenv.cfg`` from an environment's executable to that of its base.

    Raises:
        EnvironmentFailure: ``code="INTERPRETER_UNUSABLE"``: the environment's base is gone.
    """
    for _ in range(8):
        home = _home_of(path)
        if home is None:
            return path
        names = (path.name, Path(os.path.realpath(path)).name, "python3", "python")
        found = next((home / name for name in names if (home / name).is_file()), None)
        if found is None:
            raise _gone(path, f"its base in {home} is gone")
        path = found
    raise _gone(path, "its pyvenv.cfg leads round in circles")


def _home_of(path: Path) -> Path | None:
    for directory in (path.parent, path.parent.parent):
        try:
            lines = (directory / "pyvenv.cfg").read_text("utf-8", "surrogateescape").splitlines()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise _gone(path, str(error)) from error
        for key, _, value in (line.partition("=") for line in lines):
            if key.strip().lower() == "home":
                return Path(value.strip())
    return None


def _fingerprint(path: Path) -> tuple[str, ...]:
    """What the answer depends on besides our own code: the file, the kernel, the C library."""
    real = Path(os.path.realpath(path))
    try:
        status = real.stat()
    except OSError as error:
        raise _gone(path, error.strerror or str(error)) from error
    system = os.uname()
    return (
        str(_FORMAT),
        str(real),
        f"{status.st_mtime_ns}",
        f"{status.st_size}",
        f"{system.sysname} {system.release} {system.version} {system.machine}",
        _libc(),
    )


def _libc() -> str:
    known = "CS_GNU_LIBC_VERSION" in getattr(os, "confstr_names", {})
    return (os.confstr("CS_GNU_LIBC_VERSION") or "") if known else ""


def _interpreter(asked: Path, facts: Facts) -> Interpreter:
    from ppm.engine.environment.compatibility import target_of

    path = _stable_path(Path(facts.executable or asked), facts)
    identity = (
        *(path, facts.python_full_version, facts.implementation, facts.prefix),
        *(facts.purelib, facts.platform, facts.extension_suffix),
    )
    return Interpreter(
        path=path,
        version=facts.python_full_version,
        release=facts.release,
        implementation=facts.implementation,
        prefix=facts.prefix,
        free_threaded=facts.free_threaded,
        is_32bit=facts.is_32bit,
        site_packages=facts.purelib,
        scripts=facts.scripts,
        target=target_of(facts),
        key=sha256(msgspec.json.encode(identity)).hexdigest()[:32],
    )


def _stable_path(path: Path, facts: Facts) -> str:
    """``python3.11`` beside ``path`` where that is the same file: one name for one interpreter."""
    suffix = "t" if facts.free_threaded else ""
    versioned = path.with_name("python{}.{}".format(*facts.release) + suffix)
    same = versioned.exists() and versioned.samefile(path)
    return str(versioned if same else path)


def _recall(memory: Path) -> _Remembered | None:
    try:
        return msgspec.json.decode(memory.read_bytes(), type=_Remembered)
    except (OSError, msgspec.MsgspecError):
        return None  # Missing or of another shape: it is only a memory, ask again.


def _remember(memory: Path, remembered: _Remembered) -> None:
    # Where nothing can be written the next command asks again; that is all.
    with contextlib.suppress(StorageError, OSError):
        memory.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(memory, msgspec.json.encode(remembered), durable=False)


def _gone(path: Path, reason: str) -> EnvironmentFailure:
    return EnvironmentFailure(
        f"{path} cannot be used: {reason}",
        code="INTERPRETER_UNUSABLE",
        hint="name another interpreter with the python setting",
    )
