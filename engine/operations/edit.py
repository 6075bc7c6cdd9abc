"""Changing the manifest: resolve first where a lock is wanted, write, record."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ppm.engine.files import write_atomic
from ppm.engine.locking import requirement_changes
from ppm.engine.manifest.model import Manifest
from ppm.engine.manifest.read import check_requirements, parse_manifest
from ppm.engine.operations.lock import Locked, commit, resolve_manifest
from ppm.engine.resolve.problem import Policy
from ppm.engine.runtime import Runtime
from ppm.engine.transaction import Transaction
from ppm.events.project import ManifestWritten
from ppm.events.requirement import RequirementAdded, RequirementRemoved
from ppm.projections.lock import LockedPackage

Accept = Callable[[Mapping[str, LockedPackage]], None]
"""Looks at the packages of a new lock and raises if they must not be."""


def edit_manifest(
    run: Transaction,
    runtime: Runtime,
    manifest: Manifest,
    data: bytes,
    policy: Policy | None,
    *,
    constraints: tuple[str, ...] = (),
    preferred: Mapping[str, str] | None = None,
    accept: Accept | None = None,
    with_here: bool = False,
) -> tuple[Manifest, Locked | None, tuple[RequirementAdded | RequirementRemoved, ...]]:
    """Make the manifest's bytes ``data`` and, with a ``policy``, lock what it then asks for.

    Nothing is written where the new requirements do not parse or do not resolve, or where
    ``accept`` refuses what they resolve to by raising. ``with_here`` says that the running machine
    needs the lock, whatever targets it is for.

    Returns:
        The manifest as it is now, the lock if one was asked for, and what changed.
    """
    path = run.paths.root / manifest.path
    edited = parse_manifest(data, file_name=path.name, directory=run.paths.root)
    check_requirements(edited)
    found = None
    if policy is not None:
        from ppm.engine.operations.targeting import targets_of

        targets = targets_of(run.project, edited, runtime, with_here=with_here)
        found = resolve_manifest(
            run, runtime, edited, policy, constraints, preferred=preferred or {}, targets=targets
        )
        if accept is not None:
            accept(found.locks().get(runtime.interpreter.target.name, {}))
    changes = write_manifest(run, manifest, edited, data)
    locked = commit(run, runtime, edited, found) if found is not None else None
    return edited, locked, changes


def write_manifest(
    run: Transaction, manifest: Manifest, edited: Manifest, data: bytes
) -> tuple[RequirementAdded | RequirementRemoved, ...]:
    """Write the manifest if its bytes changed, and record what changed in it."""
    if edited.sha256 == manifest.sha256:
        return ()
    changes = requirement_changes(run.project.state, edited)
    run.record([])  # The intent is on the disk before the effect.
    write_atomic(run.paths.root / manifest.path, data)
    run.record([ManifestWritten(path=edited.path, sha256=edited.sha256), *changes])
    return changes
