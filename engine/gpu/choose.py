"""From what was asked for and found to one of the project's backends. Pure."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ppm.engine.errors import ProjectError
from ppm.engine.gpu.detect import Found
from ppm.engine.gpu.versions import best_backend

AUTO = "auto"
CPU = "cpu"


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A backend, ``""`` for none, what was asked for, and what speaks for it."""

    backend: str
    asked: str
    evidence: tuple[str, ...]


def choose(asked: str, backends: tuple[str, ...], detect: Callable[[], Found]) -> Choice:
    """The backend that ``asked`` means: one of ``backends``, or for ``auto`` the best of them.

    Raises:
        ProjectError: ``code="UNKNOWN_BACKEND"``.
    """
    if asked != AUTO:
        require_known(asked, backends)
        return Choice(backend=asked, asked=asked, evidence=(f"asked for {asked}",))
    if not backends:
        require_known(asked, backends)
    found = detect()
    if found.override:
        require_known(found.override, backends)
        return Choice(backend=found.override, asked=asked, evidence=found.evidence)
    best = best_backend(backends, found.family, found.supported) if found.family else ""
    evidence = found.evidence
    if found.family and not best:
        evidence = (*evidence, f"no backend for {found.family} {_dotted(found.supported)}")
    fallback = CPU if CPU in backends else ""
    return Choice(backend=best or fallback, asked=asked, evidence=evidence)


def require_known(backend: str, backends: tuple[str, ...]) -> None:
    """Refuse a backend that the project does not configure.

    Raises:
        ProjectError: ``code="UNKNOWN_BACKEND"``.
    """
    if backend in backends:
        return
    known = ", ".join(sorted(backends)) or "none"
    raise ProjectError(
        f"{backend!r} is no GPU backend of this project, which has: {known}",
        code="UNKNOWN_BACKEND",
        hint="name one of them, or add its index to [tool.ppm.backends]: cu121.index = URL",
    )


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
