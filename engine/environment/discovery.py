"""Finding an interpreter that a project's ``python`` setting accepts.

Asked in this order, each only when the ones before did not fit: the Python that runs PPM, those on
the ``PATH``, those that pyenv installed, newest first.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from ppm.engine.environment.interpreter import Interpreter, current, probe
from ppm.engine.errors import EnvironmentFailure
from ppm.engine.manifest.specifier import specifier_of

_EXECUTABLE = re.compile(r"python(\d+(?:\.\d+)?)?t?\Z")
_RELEASE = re.compile(r"\d+\.\d+")
_PRE_RELEASE = re.compile(r"[a-z]")
# No series of Python has had as many patch releases.
_PATCHES = 64


def find(wish: str, home: Path, environ: Mapping[str, str] = os.environ) -> Interpreter:
    """The first interpreter whose version satisfies ``wish``.

    Args:
        wish: PEP 440 specifiers, ``^3.10``, ``~3.11``, ``3.12``; ``""`` for any.
        home: ``PPM_HOME``.
        environ: Names ``PATH``, ``PYENV_ROOT`` and ``HOME``.

    Raises:
        EnvironmentFailure: ``code="NO_INTERPRETER"`` if none fits, ``code="INVALID_PYTHON"`` if
            ``wish`` is no version.
    """
    try:
        specifier = specifier_of(wish) if wish else ""
    except ValueError as error:
        raise EnvironmentFailure(f"python = {wish!r}: {error}", code="INVALID_PYTHON") from error
    running = current(home)
    seen = {running.path: running.version}
    if accepts(specifier, running.version):
        return running
    for path in candidates(environ):
        if not _promising(specifier, path):
            continue
        try:
            interpreter = probe(path, home)
        except EnvironmentFailure:
            continue  # A shim that leads nowhere or a broken install: others may fit.
        seen[interpreter.path] = interpreter.version
        if accepts(specifier, interpreter.version):
            return interpreter
    raise _none_fits(wish, seen)


def accepts(specifier: str, version: str) -> bool:
    """Whether a PEP 440 specifier set holds ``version``, pre-releases included."""
    if not specifier:
        return True
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return SpecifierSet(specifier).contains(version, prereleases=True)
    except InvalidSpecifier as error:
        raise EnvironmentFailure(
            f"python = {specifier!r} is no version specifier", code="INVALID_PYTHON"
        ) from error


def candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    """Executables that may be interpreters, each once, without pyenv's shims."""
    pyenv = Path(environ.get("PYENV_ROOT") or Path(environ.get("HOME", "/")) / ".pyenv")
    met: set[str] = set()
    for path in (*_on_path(environ.get("PATH", ""), pyenv / "shims"), *_of_pyenv(pyenv)):
        real = os.path.realpath(path)
        if real not in met and os.access(path, os.X_OK):
            met.add(real)
            yield path


def _on_path(variable: str, shims: Path) -> Iterator[Path]:
    for entry in variable.split(os.pathsep):
        directory = Path(entry)
        if directory.is_absolute() and directory != shims:
            yield from sorted(filter(_is_python, _listed(directory)), key=_newest_first)


def _of_pyenv(root: Path) -> Iterator[Path]:
    for version in sorted(_listed(root / "versions"), key=_newest_first):
        yield version / "bin" / "python"


def _listed(directory: Path) -> list[Path]:
    try:
        return list(directory.iterdir())
    except OSError:
        return []  # The PATH may name what is missing or not ours to read.


def _is_python(path: Path) -> bool:
    return _EXECUTABLE.match(path.name) is not None


def _newest_first(path: Path) -> tuple[int, ...]:
    return tuple(-int(part) for part in re.findall(r"\d+", path.name)) or (0,)


def _promising(specifier: str, path: Path) -> bool:
    """Whether the name says nothing against ``path``: ``python3.9`` need not be asked for 3.12."""
    named = path.parent.parent.name if path.name == "python" else path.name
    release = _RELEASE.search(named)
    if release is None or _PRE_RELEASE.search(specifier):
        return True
    return any(accepts(specifier, f"{release[0]}.{patch}") for patch in range(_PATCHES))


def _none_fits(wish: str, seen: Mapping[str, str]) -> EnvironmentFailure:
    listed = ", ".join(f"{version} ({path})" for path, version in sorted(seen.items()))
    return EnvironmentFailure(
        f"no Python {wish} was found; there is {listed}",
        code="NO_INTERPRETER",
        hint="install one, put it on the PATH, or change the python setting",
    )
