"""From a resolution to the events of a lock, and from edited files to the events that admit it.

Pure: what to record. The effects around it are in :mod:`ppm.engine.operations`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256

import msgspec

from ppm.engine.errors import ProjectError
from ppm.engine.manifest.model import Manifest
from ppm.engine.redact import public_text
from ppm.engine.resolve.problem import Resolution, ResolvedPackage, RootRequirement
from ppm.engine.target import Target
from ppm.events.catalog import AnyEvent
from ppm.events.project import ManifestChanged
from ppm.events.requirement import RequirementAdded, RequirementRemoved
from ppm.events.resolution import (
    CandidateRejected,
    LockAdopted,
    LockedFile,
    PackageLocked,
    PackageUnlocked,
    PreferenceReleased,
    ResolutionCompleted,
)
from ppm.projections.lock import Lock, LockedPackage
from ppm.projections.state import State


def requirements_digest(roots: Sequence[RootRequirement]) -> str:
    """SHA-256 over what is asked for, whatever its order in the manifest."""
    asked = sorted((root.group, public_text(root.requirement)) for root in roots)
    return sha256(msgspec.json.encode(asked)).hexdigest()


def observe_manifest(state: State, manifest: Manifest) -> tuple[AnyEvent, ...]:
    """The events that bring the ledger up to a manifest somebody edited; none if nobody did."""
    if manifest.sha256 == state.manifest_sha256:
        return ()
    changes = requirement_changes(state, manifest)
    return (
        ManifestChanged(
            path=manifest.path,
            sha256=manifest.sha256,
            added=tuple(one.requirement for one in changes if isinstance(one, RequirementAdded)),
            removed=tuple(
                one.requirement for one in changes if isinstance(one, RequirementRemoved)
            ),
        ),
        *changes,
    )


def requirement_changes(
    state: State, manifest: Manifest
) -> tuple[RequirementAdded | RequirementRemoved, ...]:
    """The requirements that the manifest has and the state has not, and the reverse."""
    recorded = {
        (group, text): name
        for group, requirements in state.requirements.items()
        for text, name in requirements.items()
    }
    actual = {(one.group, public_text(one.requirement)): one.name for one in manifest.requirements}
    removed = [
        RequirementRemoved(group=group, name=recorded[group, text], requirement=text)
        for group, text in sorted(recorded.keys() - actual.keys())
    ]
    added = [
        RequirementAdded(group=group, name=name, requirement=text)
        for (group, text), name in actual.items()
        if (group, text) not in recorded
    ]
    return (*removed, *added)


def locked_packages(resolution: Resolution) -> dict[str, LockedPackage]:
    """The packages of a resolution as a lock holds them."""
    return {package.name: _locked(package) for package in resolution.packages}


def _locked(package: ResolvedPackage) -> LockedPackage:
    file = package.file
    return LockedPackage(
        name=package.name,
        version=package.version,
        index=package.index,
        extras=package.extras,
        groups=package.groups,
        requires_python=package.requires_python,
        dependencies=package.dependencies,
        files=(
            LockedFile(
                filename=file.filename,
                url=file.url,
                sha256=file.sha256,
                size=file.size,
                kind=file.kind,
            ),
        ),
        source=package.source,
    )


def package_changes(
    lock: Lock, target: str, packages: Mapping[str, LockedPackage]
) -> tuple[PackageLocked | PackageUnlocked, ...]:
    """The package events that lead from the lock's packages for ``target`` to ``packages``."""
    before = lock.targets.get(target, {})
    left = [
        PackageUnlocked(target=target, name=name, version=before[name].version)
        for name in sorted(before.keys() - packages.keys())
    ]
    entered = [
        _package_locked(target, package, before.get(name))
        for name, package in sorted(packages.items())
        if before.get(name) != package
    ]
    return (*left, *entered)


def _package_locked(
    target: str, package: LockedPackage, before: LockedPackage | None
) -> PackageLocked:
    return PackageLocked(
        target=target,
        name=package.name,
        version=package.version,
        previous=before.version if before is not None else "",
        index=package.index,
        extras=package.extras,
        groups=package.groups,
        requires_python=package.requires_python,
        dependencies=package.dependencies,
        files=package.files,
        source=package.source,
    )


def lock_changes(
    lock: Lock, locks: Mapping[str, Mapping[str, LockedPackage]]
) -> tuple[PackageLocked | PackageUnlocked, ...]:
    """The package events that lead to ``locks``, target by target."""
    return tuple(
        change
        for target, packages in sorted(locks.items())
        for change in package_changes(lock, target, packages)
    )


def lock_events(
    lock: Lock,
    locks: Mapping[str, Mapping[str, LockedPackage]],
    *,
    requirements: str,
    pylock: str,
    resolutions: Mapping[str, Resolution],
) -> tuple[AnyEvent, ...]:
    """The events of a lock; none if the lock already is exactly that.

    Args:
        lock: The lock today.
        locks: What the lock shall hold, by the target's name; other targets leave it.
        requirements: The digest of what was resolved.
        pylock: The digest of the ``pylock.toml`` that was written.
        resolutions: Where the packages come from, by target; none for targets that stay as they
            are, and for a return to an earlier lock.
    """
    changes = lock_changes(lock, locks)
    same = (lock.requirements, lock.pylock, lock.targets.keys()) == (
        requirements,
        pylock,
        locks.keys(),
    )
    if same and not changes:
        return ()
    completed = ResolutionCompleted(
        targets=tuple(sorted(locks)),
        requirements=requirements,
        pylock=pylock,
        packages=len({(one.name, one.version) for held in locks.values() for one in held.values()}),
        rounds=sum(one.rounds for one in resolutions.values()),
        metadata=sum(one.metadata_count for one in resolutions.values()),
    )
    return (*_released(resolutions), *_rejected(changes, resolutions), *changes, completed)


def _released(resolutions: Mapping[str, Resolution]) -> tuple[PreferenceReleased, ...]:
    """The preferences that were given up; once, if for several targets for the same reason."""
    released = (
        PreferenceReleased(requirement=one.wish, reason=one.reason)
        for _, resolution in sorted(resolutions.items())
        for one in resolution.given_up
    )
    return tuple(dict.fromkeys(released))


def _rejected(
    changes: Sequence[PackageLocked | PackageUnlocked], resolutions: Mapping[str, Resolution]
) -> tuple[CandidateRejected, ...]:
    """What was passed over for the packages that changed; once, if for several targets alike."""
    changed = {(change.target, change.name) for change in changes}
    rejected = [
        CandidateRejected(name=one.name, version=one.version, reason=one.reason)
        for target, resolution in sorted(resolutions.items())
        for one in resolution.rejections
        if (target, one.name) in changed
    ]
    told = {(one.name, one.version, one.reason): one for one in rejected}
    return tuple(told.values())


def observe_pylock(lock: Lock, data: bytes, here: Target) -> tuple[AnyEvent, ...]:
    """The events that adopt a ``pylock.toml`` which is not the one the ledger last recorded.

    It is adopted for all targets that PPM wrote it for, a file of another tool for the running
    machine's, ``here``. None where that is not among those it is for, or none is understood.

    Raises:
        ProjectError: ``code="LOCK_INVALID"``.
    """
    locks: dict[str, dict[str, LockedPackage]] = {}
    for target in _targets_in(data, here):
        from ppm.engine.lockfile import parse_pylock

        try:
            packages = parse_pylock(data, target)
        except ProjectError as error:
            if error.code != "LOCK_NOT_FOR_TARGET":
                raise
        else:
            locks[target.name] = {package.name: package for package in packages}
    if not locks:
        return ()
    adopted = LockAdopted(
        path="pylock.toml", sha256=sha256(data).hexdigest(), targets=tuple(sorted(locks))
    )
    return (*lock_changes(lock, locks), adopted)


def _targets_in(data: bytes, here: Target) -> list[Target]:
    from ppm.engine.lockfile_reader import named_targets

    names = named_targets(data)
    if names in {(), (here.name,)}:
        return [here]
    from ppm.engine.targets import known_target

    return [target for name in names if (target := known_target(name, here)) is not None]


def is_current(lock: Lock, roots: Sequence[RootRequirement], target: Target) -> list[str]:
    """Why the lock does not answer the requirements on ``target``; empty if it does."""
    packages = lock.targets.get(target.name)
    if packages is None:
        names = ", ".join(sorted(lock.targets))
        return [f"nothing is locked for {target.name}" + (f", only for {names}" if names else "")]
    if lock.requirements == requirements_digest(roots):
        return []
    from ppm.engine.resolve.satisfied import LockedPin, lock_satisfies

    pins = {
        name: LockedPin(
            version=package.version,
            extras=package.extras,
            dependencies=package.dependencies,
            source=package.source,
        )
        for name, package in packages.items()
    }
    return lock_satisfies(roots, pins, target)
