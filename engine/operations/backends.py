"""Which GPU backend this machine's part of the lock uses, and where its index is."""

from __future__ import annotations

from ppm.engine.gpu.choose import Choice, choose
from ppm.engine.gpu.detect import detect, this_machine
from ppm.engine.manifest.model import Manifest
from ppm.engine.redact import public_text
from ppm.engine.runtime import Runtime
from ppm.engine.target import Target, split_backend
from ppm.engine.transaction import Transaction
from ppm.events.resolution import BackendChosen
from ppm.projections.lock import Lock


def settle_backend(runtime: Runtime, manifest: Manifest, lock: Lock, asked: str) -> None:
    """Let ``runtime`` use the backend that was asked for, else the lock's, else the settings'.

    Raises:
        ProjectError: ``code="UNKNOWN_BACKEND"``.
    """
    names = tuple(runtime.backends)
    default = manifest.settings.default_gpu
    kept = "" if asked else _locked(lock, runtime.interpreter.target, names, default)
    choice = None
    if not kept and (asked or default):
        choice = choose(asked or default, names, lambda: detect(this_machine()))
        told = f"GPU backend {choice.backend or 'none'}: {'; '.join(choice.evidence)}"
        runtime.progress.detail(told)
    runtime.choice = choice
    runtime.take_backend(choice.backend if choice is not None else kept)


def _locked(lock: Lock, here: Target, names: tuple[str, ...], default: str) -> str:
    """The backend that the lock has for this machine: what was chosen once stays."""
    parts = [split_backend(name) for name in sorted(lock.targets)]
    found = [backend for plain, backend in parts if plain == here.plain_name and backend in names]
    if not found and len(parts) == 1:
        # A lock for one target follows the machine to another Python, with its backend.
        plain, backend = parts[0]
        same = plain.rpartition("-")[0] == here.plain_name.rpartition("-")[0]
        found = [backend] if same and backend in names else []
    return default if default in found else next(iter(found), "")


def locked_here(lock: Lock, here: Target) -> str:
    """The target under which the lock has this machine's packages, with whatever backend."""
    if here.name in lock.targets:
        return here.name
    same = (name for name in sorted(lock.targets) if split_backend(name)[0] == here.plain_name)
    return next(same, here.name)


def record_choice(run: Transaction, runtime: Runtime) -> None:
    """Record the choice, where the lock is not for that backend already."""
    choice = runtime.choice
    if choice is None or runtime.interpreter.target.name in run.project.lock.targets:
        return
    run.record([chosen_event(choice, runtime)])


def chosen_event(choice: Choice, runtime: Runtime) -> BackendChosen:
    """The choice as the ledger has it; the index loses its login."""
    return BackendChosen(
        backend=choice.backend,
        index=public_text(runtime.indexes(choice.backend)[0]),
        asked=choice.asked,
        evidence=choice.evidence,
    )
