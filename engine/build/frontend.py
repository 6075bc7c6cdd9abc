"""Calling a build backend's hooks, each in a process of its own (PEP 517).

The hooks run in the throw-away environment that ``provision`` makes; the backend may name further
requirements, and then gets an environment that has those as well.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TypeVar

import anyio
import anyio.to_thread
import msgspec
from anyio.lowlevel import checkpoint_if_cancelled
from pyproject_hooks import (
    BackendUnavailable,
    BuildBackendHookCaller,
    BuildBackendWarning,
    HookMissing,
)

from ppm.engine.build.model import (
    MIB,
    BackendWheel,
    BuildEnvironment,
    BuildSystem,
    HookLimits,
    Provision,
)
from ppm.engine.build.process import HookFailed, HookProcess, HookTimedOut
from ppm.engine.build.surroundings import build_environ
from ppm.engine.build.system import read_build_system
from ppm.engine.errors import ArtifactError, BuildError
from ppm.engine.files import storage_errors
from ppm.engine.redact import redact_text
from ppm.engine.store.paths import check_paths

T = TypeVar("T")

_WHEEL = ".whl"
_METADATA_FOLDER = ".dist-info"
_LARGEST_METADATA = 16 * MIB
_TAIL_LINES = 40
_TAIL_SIZE = 6000
_TELL_AUTHORS = "tell the project's authors, or choose a version that has a wheel"


class Workplace(msgspec.Struct, frozen=True, kw_only=True):
    """Where and how one source distribution is built.

    ``label`` names it in messages. ``source`` is its unpacked tree; ``output`` and ``temporary``
    are folders for results and temporary files. ``slots`` bounds the hooks that run at once; it is
    held only while one does, so that builds which wait for each other's results never wait for
    a slot, too.
    """

    label: str
    source: Path
    output: Path
    temporary: Path
    limits: HookLimits = HookLimits()
    slots: anyio.CapacityLimiter | None = None


async def build_wheel(place: Workplace, provision: Provision) -> BackendWheel:
    """Build the wheel into ``place.output``.

    Raises:
        BuildError: ``BUILD_SYSTEM``, ``BUILD_FAILED``, ``BUILD_TIMEOUT`` or ``BUILD_BACKEND`` (the
            backend cannot be loaded, or does not do what PEP 517 says).
        PpmError: As ``provision`` raises it.
    """
    backend = await _prepared(place, provision)
    name = await backend.call("build_wheel", str, str(place.output))
    path = await anyio.to_thread.run_sync(backend.made, name, _WHEEL)
    return BackendWheel(
        path=path, backend=backend.system.backend, requires=backend.environment.requires
    )


async def build_editable(place: Workplace, provision: Provision) -> BackendWheel:
    """Build the wheel that leads to ``place.source`` into ``place.output`` (PEP 660).

    Raises:
        BuildError: ``BUILD_EDITABLE``: the backend cannot; else as :func:`build_wheel`.
    """
    backend = await _prepared(place, provision, "get_requires_for_build_editable")
    try:
        name = await backend.call("build_editable", str, str(place.output))
    except HookMissing as error:
        raise BuildError(
            f"{place.label} cannot be installed editable: {backend.system.backend} does not offer"
            " that",
            code="BUILD_EDITABLE",
            hint="ask for it without editable",
        ) from error
    path = await anyio.to_thread.run_sync(backend.made, name, _WHEEL)
    return BackendWheel(
        path=path, backend=backend.system.backend, requires=backend.environment.requires
    )


async def build_metadata(place: Workplace, provision: Provision) -> bytes | None:
    """The METADATA that the wheel would have; ``None`` if only the wheel itself can tell.

    Raises:
        PpmError: As :func:`build_wheel`.
    """
    backend = await _prepared(place, provision)
    try:
        name = await backend.call(
            "prepare_metadata_for_build_wheel", str, str(place.output), _allow_fallback=False
        )
    except HookMissing:
        return None
    return await anyio.to_thread.run_sync(backend.metadata, name)


async def _prepared(
    place: Workplace, provision: Provision, requires_hook: str = "get_requires_for_build_wheel"
) -> _Backend:
    """The backend in an environment that has everything it asks for."""
    system = await anyio.to_thread.run_sync(read_build_system, place.source)
    backend = _Backend(place, system, await provision(system.requires))
    asked = await backend.call(requires_hook, list[str])
    further = tuple(text for text in asked if text not in system.requires)
    if not further:
        return backend
    return _Backend(place, system, await provision((*system.requires, *further)))


class _Backend:
    """A backend in an environment."""

    def __init__(
        self, place: Workplace, system: BuildSystem, environment: BuildEnvironment
    ) -> None:
        self.system = system
        self.environment = environment
        self._place = place

    async def call(self, hook: str, kind: type[T], *arguments: str, **options: bool) -> T:
        """Call a hook; cancelling kills its processes.

        Raises:
            BuildError: As :func:`build_wheel`.
            HookMissing: The backend does not have it and there is no default.
        """
        environ = build_environ(os.environ, self.environment.python, self._place.temporary)
        process = HookProcess(environ, self._place.limits)
        outcome: T | Exception
        async with self._place.slots or nullcontext(), anyio.create_task_group() as tasks:
            await tasks.start(process.kill_when_cancelled)
            # Not to be abandoned: it ends soon after the kill, and then nothing runs any more.
            outcome = await anyio.to_thread.run_sync(
                _outcome, lambda: self._run(process, hook, arguments, options)
            )
            tasks.cancel_scope.cancel()
        # If it was killed because of that, how it ended is of no interest.
        await checkpoint_if_cancelled()
        if isinstance(outcome, HookMissing):
            raise outcome
        if isinstance(outcome, Exception):
            raise self._failure(hook, process, outcome) from outcome
        try:
            return msgspec.convert(outcome, kind)
        except msgspec.ValidationError as error:
            raise self._misbehaved(f"{hook} returned {str(outcome)[:80]!a}") from error

    def _run(
        self,
        process: HookProcess,
        hook: str,
        arguments: tuple[str, ...],
        options: dict[str, bool],
    ) -> Any:
        # They would go to the standard error of the program; the filter is set once.
        warnings.filterwarnings("ignore", category=BuildBackendWarning)
        caller = BuildBackendHookCaller(
            str(self._place.source),
            self.system.backend,
            self.system.backend_path,
            process.run,
            str(self.environment.python),
        )
        return getattr(caller, hook)(*arguments, **options)

    def _failure(self, hook: str, process: HookProcess, error: Exception) -> BuildError:
        label, backend = self._place.label, self.system.backend
        said = _tail(process.log)
        if isinstance(error, HookTimedOut):
            minutes = self._place.limits.seconds / 60
            return BuildError(
                f"{label} was not built within {minutes:g} minutes: {hook} of {backend} "
                f"was stopped{said}",
                code="BUILD_TIMEOUT",
                hint="choose a version that has a wheel, or build where there is more power",
            )
        if isinstance(error, HookFailed):
            return BuildError(
                f"{label} does not build: {hook} of {backend} {_ended(error.status)}{said}",
                code="BUILD_FAILED",
                hint="the lines above are the backend's own; a compiler or a system library "
                "may be missing",
            )
        if isinstance(error, BackendUnavailable):
            return self._misbehaved(f"it cannot be loaded{_tail(error.traceback)}")
        return self._misbehaved(f"{hook} left no answer ({error}){said}")

    def _misbehaved(self, what: str) -> BuildError:
        return BuildError(
            f"the build backend {self.system.backend} of {self._place.label} does not work: {what}",
            code="BUILD_BACKEND",
            hint=_TELL_AUTHORS,
        )

    def made(self, name: str, suffix: str) -> Path:
        """What a hook says it made in ``output``: a name there, not a way to somewhere else."""
        path = self._place.output / name
        try:
            check_paths([name])
        except ArtifactError as error:
            raise self._misbehaved(f"it returned no usable name: {error.message}") from error
        if "/" in name or not name.endswith(suffix):
            raise self._misbehaved(f"it returned {name[:80]!a}, no name of a {suffix}")
        is_there = path.is_file() if suffix == _WHEEL else path.is_dir()
        if path.is_symlink() or not is_there:
            raise self._misbehaved(f"it did not make {name!a}")
        return path

    def metadata(self, name: str) -> bytes:
        """The content of METADATA in the folder that a hook made."""
        path = self.made(name, _METADATA_FOLDER) / "METADATA"
        with storage_errors(path):
            if path.is_symlink() or not path.is_file():
                raise self._misbehaved(f"it did not make METADATA in {name!a}")
            with path.open("rb") as file:
                data = file.read(_LARGEST_METADATA + 1)
        if len(data) > _LARGEST_METADATA:
            raise self._misbehaved("its METADATA is too large")
        return data


def _outcome(call: Callable[[], Any]) -> Any:
    """What ``call`` returns, or how it failed, as a value: a task group would wrap it."""
    try:
        return call()
    except (
        *(HookFailed, HookTimedOut, HookMissing, BackendUnavailable),
        *(OSError, ValueError, KeyError),  # an answer that is missing or broken
    ) as error:
        return error


def _ended(status: int) -> str:
    return f"ended with status {status}" if status >= 0 else f"was killed by signal {-status}"


def _tail(log: str) -> str:
    """The last lines of a log, without logins, below what goes before it; or nothing."""
    lines = redact_text(log).strip().splitlines()[-_TAIL_LINES:]
    return ":\n" + "\n".join(lines)[-_TAIL_SIZE:] if lines else ""
