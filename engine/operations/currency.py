"""Whether the lock is what a resolution would start from: manifest and local folders unchanged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ppm.engine.locking import is_current
from ppm.engine.resolve.problem import RootRequirement
from ppm.engine.target import Target
from ppm.projections.lock import Lock


def why_stale(
    lock: Lock, roots: Sequence[RootRequirement], target: Target, folder: Path
) -> list[str]:
    """Why the lock does not answer the project in ``folder`` on ``target``; empty if it does.

    Raises:
        ArtifactError: A folder that is locked is gone.
    """
    return is_current(lock, roots, target) or list(_changed(lock, target, folder))


def _changed(lock: Lock, target: Target, folder: Path) -> Iterator[str]:
    for name, package in lock.targets[target.name].items():
        if package.source and package.files[0].kind in {"directory", "editable"}:
            from ppm.engine.direct.changed import has_changed  # Few projects have any.

            if has_changed(package.files[0], folder):
                yield f"the sources of {name} changed since they were locked"
