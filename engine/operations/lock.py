"""Locking: resolve what the manifest asks for, write ``pylock.toml``, record the lock."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

import msgspec

from ppm.engine.errors import ResolutionError
from ppm.engine.files import write_atomic
from ppm.engine.lockfile import render_pylock, render_target_pylock
from ppm.engine.locking import (
    is_current,
    lock_events,
    locked_packages,
    package_changes,
    requirements_digest,
)
from ppm.engine.manifest.groups import EXTRA
from ppm.engine.manifest.model import Manifest
from ppm.engine.operations.observe import pylock_bytes, roots_of
from ppm.engine.operations.resolving import resolve_problem
from ppm.engine.resolve.problem import Policy, Preference, Problem, Resolution, RootRequirement
from ppm.engine.runtime import Runtime
from ppm.engine.target import Target
from ppm.engine.transaction import Transaction
from ppm.events.resolution import PackageLocked, PackageUnlocked, ResolutionFailed
from ppm.projections.lock import Lock, LockedPackage

_NOTHING: Mapping[str, str] = {}


class Locked(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a lock: all packages, and those that differ from before."""

    packages: dict[str, LockedPackage]
    changes: tuple[PackageLocked | PackageUnlocked, ...]
    warnings: tuple[str, ...]


def problem_of(
    roots: tuple[RootRequirement, ...],
    lock: Lock,
    runtime: Runtime,
    policy: Policy,
    constraints: tuple[str, ...] = (),
    *,
    preferred: Mapping[str, str] = _NOTHING,
) -> Problem:
    """What is to be resolved: the requirements, and as preferences what the lock pins.

    ``preferred`` are versions to prefer over those.
    """
    target = runtime.interpreter.target
    locked = lock.targets.get(target.name, {})
    pinned = {**{name: package.version for name, package in locked.items()}, **preferred}
    return Problem(
        roots=roots,
        target=target,
        constraints=constraints,
        preferences=tuple(
            Preference(name=name, version=version) for name, version in pinned.items()
        ),
        policy=policy,
    )


def resolve_manifest(
    run: Transaction,
    runtime: Runtime,
    manifest: Manifest,
    policy: Policy,
    constraints: tuple[str, ...] = (),
    *,
    preferred: Mapping[str, str] = _NOTHING,
) -> Resolution:
    """Resolve what ``manifest`` asks for; a failure is recorded with its explanation.

    ``constraints`` are PEP 508 texts that limit packages without asking for them, ``preferred``
    versions that are taken before those of the lock.

    Raises:
        ResolutionError: Nothing fits.
        IndexFailure: The index cannot answer.
    """
    roots = roots_of(manifest)
    problem = problem_of(roots, run.project.lock, runtime, policy, constraints, preferred=preferred)
    return _resolve(run, runtime, problem)


def commit(
    run: Transaction, runtime: Runtime, manifest: Manifest, resolution: Resolution
) -> Locked:
    """Make ``resolution`` the lock: write ``pylock.toml`` and record it. No event if all holds."""
    packages = locked_packages(resolution)
    target = runtime.interpreter.target
    changes = package_changes(run.project.lock, target.name, packages)
    record_lock(
        run,
        packages,
        target=target.name,
        data=pylock_for(manifest, packages, target),
        requirements=requirements_digest(roots_of(manifest)),
        resolution=resolution,
    )
    return Locked(packages=packages, changes=changes, warnings=resolution.warnings)


def resolve_and_lock(
    run: Transaction, runtime: Runtime, manifest: Manifest, policy: Policy
) -> Locked:
    """:func:`resolve_manifest`, then :func:`commit`; the lock is as it was if the first fails."""
    return commit(run, runtime, manifest, resolve_manifest(run, runtime, manifest, policy))


def _resolve(run: Transaction, runtime: Runtime, problem: Problem) -> Resolution:
    try:
        return resolve_problem(problem, runtime, run.record)
    except ResolutionError as error:
        digest = requirements_digest(problem.roots)
        run.record([ResolutionFailed(requirements=digest, explanation=error.message)])
        raise


def record_lock(
    run: Transaction,
    packages: Mapping[str, LockedPackage],
    *,
    target: str,
    data: bytes,
    requirements: str,
    resolution: Resolution | None,
) -> None:
    """Make ``data`` the ``pylock.toml`` and record the lock, each where it changed."""
    events = lock_events(
        run.project.lock,
        target,
        packages,
        requirements=requirements,
        pylock=sha256(data).hexdigest(),
        resolution=resolution,
    )
    if pylock_bytes(run.paths) != data:
        run.record([])  # The intent is on the disk before the effect.
        write_atomic(run.paths.pylock, data)
    if events:
        run.record(events)


def pylock_for(
    manifest: Manifest, packages: Mapping[str, LockedPackage], target: Target | None
) -> bytes:
    """The ``pylock.toml`` of ``packages``; without a target it says nothing of where it holds."""
    listed = list(packages.values())
    extras = [group.removeprefix(EXTRA) for group in manifest.groups if group.startswith(EXTRA)]
    groups = [group for group in manifest.groups if group and not group.startswith(EXTRA)]
    if target is None:
        return render_pylock(
            listed,
            requires_python=manifest.requires_python,
            extras=extras,
            dependency_groups=groups,
        )
    return render_target_pylock(
        {target.name: listed},
        [target],
        requires_python=manifest.requires_python,
        extras=extras,
        dependency_groups=groups,
    )


def ensure_locked(
    run: Transaction, runtime: Runtime, manifest: Manifest, policy: Policy, *, frozen: bool
) -> tuple[str, ...]:
    """Have a lock that answers the manifest: the one there is, or with least churn a new one.

    Returns:
        Warnings of the resolution, if there was one.

    Raises:
        ResolutionError: ``code="LOCK_STALE"`` with ``frozen`` where the lock does not answer.
    """
    target = runtime.interpreter.target
    reasons = is_current(run.project.lock, roots_of(manifest), target)
    if not reasons:
        return ()
    if frozen:
        raise stale(reasons)
    return resolve_and_lock(run, runtime, manifest, policy).warnings


def stale(reasons: list[str]) -> ResolutionError:
    """The error for a lock that does not answer the manifest."""
    return ResolutionError(
        "the lock does not answer the manifest: " + "; ".join(reasons[:5]),
        code="LOCK_STALE",
        hint="run `ppm lock`",
    )
