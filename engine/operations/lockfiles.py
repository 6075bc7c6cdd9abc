"""The lock on the disk and in the ledger: one ``pylock.toml`` for all targets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256

from ppm.engine.files import write_atomic
from ppm.engine.lockfile import render_target_pylock
from ppm.engine.locking import lock_events
from ppm.engine.manifest.groups import EXTRA
from ppm.engine.manifest.model import Manifest
from ppm.engine.operations.observe import pylock_bytes
from ppm.engine.resolve.problem import Resolution
from ppm.engine.target import Target
from ppm.engine.transaction import Transaction
from ppm.projections.lock import LockedPackage

_NO_RESOLUTIONS: Mapping[str, Resolution] = {}


def record_lock(
    run: Transaction,
    locks: Mapping[str, Mapping[str, LockedPackage]],
    *,
    data: bytes,
    requirements: str,
    resolutions: Mapping[str, Resolution] = _NO_RESOLUTIONS,
) -> None:
    """Make ``data`` the ``pylock.toml`` and record the lock, each where it changed."""
    events = lock_events(
        run.project.lock,
        locks,
        requirements=requirements,
        pylock=sha256(data).hexdigest(),
        resolutions=resolutions,
    )
    if pylock_bytes(run.paths) != data:
        run.record([])  # The intent is on the disk before the effect.
        write_atomic(run.paths.pylock, data)
    if events:
        run.record(events)


def pylock_for(
    manifest: Manifest, locks: Mapping[str, Mapping[str, LockedPackage]], here: Target
) -> bytes:
    """The ``pylock.toml`` of a lock.

    Without a target that is understood here it has one target's packages and says nothing of where
    they hold.
    """
    extras = [group.removeprefix(EXTRA) for group in manifest.groups if group.startswith(EXTRA)]
    groups = [group for group in manifest.groups if group and not group.startswith(EXTRA)]
    targets = _understood(locks, here)
    listed = {name: list(packages.values()) for name, packages in locks.items()}
    names = [target.name for target in targets] or [min(locks)]
    return render_target_pylock(
        {name: listed[name] for name in names},
        targets,
        requires_python=manifest.requires_python,
        extras=extras,
        dependency_groups=groups,
    )


def _understood(names: Iterable[str], here: Target) -> list[Target]:
    if set(names) == {here.name}:
        return [here]
    from ppm.engine.targets import known_target

    return [target for name in sorted(names) if (target := known_target(name, here)) is not None]
