"""Locking: resolve what the manifest asks for, write ``pylock.toml``, record the lock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from ppm.engine.errors import ResolutionError
from ppm.engine.locking import (
    is_current,
    lock_changes,
    locked_packages,
    requirements_digest,
)
from ppm.engine.manifest.model import Manifest
from ppm.engine.operations.currency import why_stale
from ppm.engine.operations.observe import roots_of
from ppm.engine.operations.resolving import resolve_problems
from ppm.engine.resolve.problem import Policy, Preference, Problem, Resolution, RootRequirement
from ppm.engine.runtime import Runtime
from ppm.engine.target import Target
from ppm.engine.transaction import Transaction
from ppm.events.resolution import PackageLocked, PackageUnlocked, ResolutionFailed
from ppm.projections.lock import Lock, LockedPackage
from ppm.projections.project import Project

if TYPE_CHECKING:
    from ppm.engine.network import Record
    from ppm.engine.operations.targeting import Targets

_NOTHING: Mapping[str, str] = {}
_NO_LOCKS: Mapping[str, dict[str, LockedPackage]] = {}


class Locked(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a lock: all packages, and those that differ from before.

    ``packages`` are those of the running machine's target, or of the first where the lock is for
    other machines; ``targets`` has those of all.
    """

    packages: dict[str, LockedPackage]
    targets: dict[str, dict[str, LockedPackage]]
    changes: tuple[PackageLocked | PackageUnlocked, ...]
    warnings: tuple[str, ...]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a lock shall be: ``resolutions`` by target, and the targets that stay as they are."""

    resolutions: dict[str, Resolution]
    kept: dict[str, dict[str, LockedPackage]] = {}
    warnings: tuple[str, ...] = ()

    def locks(self) -> dict[str, dict[str, LockedPackage]]:
        """The packages of every target."""
        new = {name: locked_packages(one) for name, one in self.resolutions.items()}
        return {**self.kept, **new}


def problem_of(
    roots: tuple[RootRequirement, ...],
    lock: Lock,
    target: Target,
    policy: Policy,
    constraints: tuple[str, ...] = (),
    *,
    preferred: Mapping[str, str] = _NOTHING,
    others: Sequence[str] = (),
) -> Problem:
    """What is to be resolved: the requirements, and as preferences what the lock pins.

    ``preferred`` are versions to prefer over those; ``others`` names targets whose pins count where
    this target has none.
    """
    locked: dict[str, LockedPackage] = {}
    for name in (*others[::-1], target.name):
        locked.update(lock.targets.get(name, {}))
    pinned = {**{name: package.version for name, package in locked.items()}, **preferred}
    if not target.builds:
        policy = msgspec.structs.replace(policy, no_build=True)
    return Problem(
        roots=roots,
        target=target,
        constraints=constraints,
        preferences=tuple(
            preference(name, version, locked.get(name)) for name, version in pinned.items()
        ),
        policy=policy,
    )


def preference(name: str, version: str, locked: LockedPackage | None) -> Preference:
    """The version to prefer, and for a direct reference what the lock made of it."""
    if locked is None or not locked.source:
        return Preference(name=name, version=version)
    return Preference(name=name, version=version, source=locked.source, file=locked.files[0])


def resolve_manifest(
    run: Transaction,
    runtime: Runtime,
    manifest: Manifest,
    policy: Policy,
    constraints: tuple[str, ...] = (),
    *,
    preferred: Mapping[str, str] = _NOTHING,
    targets: Targets | None = None,
) -> Found:
    """Resolve what ``manifest`` asks for; a failure is recorded with its explanation.

    ``constraints`` are PEP 508 texts that limit packages without asking for them, ``preferred``
    versions that are taken before those of the lock. ``targets`` are by default those the project
    or the lock names.

    Raises:
        ResolutionError: Nothing fits.
        IndexFailure: The index cannot answer.
    """
    from ppm.engine.operations.targeting import targets_of

    lock, roots = run.project.lock, roots_of(manifest)
    policy = _with_wishes(policy, manifest)
    chosen = targets or targets_of(run.project, manifest, runtime)
    if runtime.interpreter.target in chosen.targets:
        _record_choice(run, runtime)
    leaving = _leaving(lock, chosen)
    problems = [
        problem_of(roots, lock, target, policy, constraints, preferred=preferred, others=leaving)
        for target in chosen.targets
    ]
    with _failure_told(run, roots):
        return _found(chosen, resolve_problems(problems, runtime, run.record))


def resolve_here(
    project: Project, runtime: Runtime, manifest: Manifest, policy: Policy, record: Record
) -> Found:
    """A lock that answers the manifest on the running machine.

    Where the lock answers it for other targets those stay as they are, and this one joins them.

    Raises:
        ResolutionError, IndexFailure: As :func:`resolve_manifest`.
    """
    from ppm.engine.operations.targeting import Targets, targets_of

    lock, here, roots = project.lock, runtime.interpreter.target, roots_of(manifest)
    policy = _with_wishes(policy, manifest)
    chosen = targets_of(project, manifest, runtime, with_here=True)
    others = [target for target in chosen.targets if target.name != here.name]
    stand = here.name not in lock.targets and not any(
        is_current(lock, roots, other) for other in others
    )
    if others and stand:
        names = [target.name for target in others]
        problem = problem_of(roots, lock, here, policy, others=names)
        joined = _found(
            Targets(targets=(here,), warnings=chosen.warnings),
            resolve_problems([problem], runtime, record),
            kept={name: lock.targets[name] for name in names},
        )
        if _are_told_apart([*others, here], joined):
            return joined
    leaving = _leaving(lock, chosen)
    problems = [
        problem_of(roots, lock, target, policy, others=leaving) for target in chosen.targets
    ]
    return _found(chosen, resolve_problems(problems, runtime, record))


def _with_wishes(policy: Policy, manifest: Manifest) -> Policy:
    """The policy with the preferences of the settings."""
    preferences = manifest.settings.preferences
    if not preferences:
        return policy
    wishes = tuple(f"{one.name}{one.specifier}" for one in preferences)
    return msgspec.structs.replace(policy, wishes=wishes)


def _record_choice(run: Transaction, runtime: Runtime) -> None:
    if runtime.choice is not None:
        from ppm.engine.operations.backends import record_choice

        record_choice(run, runtime)


def _leaving(lock: Lock, chosen: Targets) -> list[str]:
    """The targets that leave the lock: what they pin is preferred before anything newer."""
    staying = {target.name for target in chosen.targets}
    return [name for name in sorted(lock.targets) if name not in staying]


def _found(
    chosen: Targets,
    resolutions: Sequence[Resolution],
    kept: Mapping[str, dict[str, LockedPackage]] = _NO_LOCKS,
) -> Found:
    told = dict.fromkeys(words for one in resolutions for words in one.warnings)
    names = [target.name for target in chosen.targets]
    return Found(
        resolutions=dict(zip(names, resolutions, strict=True)),
        kept=dict(kept),
        warnings=(*chosen.warnings, *told),
    )


def _are_told_apart(targets: Sequence[Target], found: Found) -> bool:
    from ppm.engine.lockfile import alike
    from ppm.engine.resolve.several import require_told_apart

    locks = found.locks()
    versions = [{name: one.version for name, one in locks[it.name].items()} for it in targets]
    try:
        require_told_apart(targets, versions, alike)
    except ResolutionError:
        return False
    return True


@contextmanager
def _failure_told(run: Transaction, roots: Sequence[RootRequirement]) -> Iterator[None]:
    try:
        yield
    except ResolutionError as error:
        digest = requirements_digest(roots)
        run.record([ResolutionFailed(requirements=digest, explanation=error.message)])
        raise


def commit(run: Transaction, runtime: Runtime, manifest: Manifest, found: Found) -> Locked:
    """Make ``found`` the lock: write ``pylock.toml`` and record it. No event if all holds."""
    from ppm.engine.operations.lockfiles import pylock_for, record_lock

    here, locks = runtime.interpreter.target, found.locks()
    changes = lock_changes(run.project.lock, locks)
    record_lock(
        run,
        locks,
        data=pylock_for(manifest, locks, here),
        requirements=requirements_digest(roots_of(manifest)),
        resolutions=found.resolutions,
    )
    packages = locks.get(here.name, locks[min(locks)])
    return Locked(packages=packages, targets=locks, changes=changes, warnings=found.warnings)


def resolve_and_lock(
    run: Transaction,
    runtime: Runtime,
    manifest: Manifest,
    policy: Policy,
    targets: Targets | None = None,
) -> Locked:
    """:func:`resolve_manifest`, then :func:`commit`; the lock is as it was if the first fails."""
    found = resolve_manifest(run, runtime, manifest, policy, targets=targets)
    return commit(run, runtime, manifest, found)


def ensure_locked(
    run: Transaction, runtime: Runtime, manifest: Manifest, policy: Policy, *, frozen: bool
) -> tuple[str, ...]:
    """Have a lock that answers the manifest here: the one there is, or with least churn a new one.

    Returns:
        Warnings of the resolution, if there was one.

    Raises:
        ResolutionError: ``code="LOCK_STALE"`` with ``frozen`` where the lock does not answer.
    """
    lock, roots = run.project.lock, roots_of(manifest)
    reasons = why_stale(lock, roots, runtime.interpreter.target, run.paths.root)
    if not reasons:
        return ()
    if frozen:
        raise stale(reasons)
    _record_choice(run, runtime)
    with _failure_told(run, roots):
        found = resolve_here(run.project, runtime, manifest, policy, run.record)
    return commit(run, runtime, manifest, found).warnings


def stale(reasons: list[str]) -> ResolutionError:
    """The error for a lock that does not answer the manifest."""
    return ResolutionError(
        "the lock does not answer the manifest: " + "; ".join(reasons[:5]),
        code="LOCK_STALE",
        hint="run `ppm lock`",
    )
