"""Naming points of history. Pure: what to record for a snapshot."""

from __future__ import annotations

import re

from ppm.engine.errors import ProjectError
from ppm.events.snapshot import SnapshotTaken
from ppm.projections.lock import content_digest
from ppm.projections.project import Project
from ppm.projections.state import Environment

_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
_ONLY_DIGITS = r"[0-9]+"


def take(project: Project, name: str, machine: str) -> tuple[SnapshotTaken, ...]:
    """The event that names this point ``name``; nothing if that name stands for the same already.

    Raises:
        ProjectError: The name is no name, or is taken by another point.
    """
    if not re.fullmatch(_NAME, name) or re.fullmatch(_ONLY_DIGITS, name):
        raise ProjectError(
            f"{name!r} cannot name a snapshot",
            code="INVALID_NAME",
            hint="use letters, digits, '.', '_' and '-', not digits alone",
        )
    event = _event(project, name, machine, automatic=False)
    taken = project.state.snapshots.get(name)
    if taken is None:
        return (event,)
    if (taken.generation, taken.lock) == (event.generation, event.lock):
        return ()
    raise ProjectError(
        f"snapshot {name} already names event {taken.seq}",
        code="NAME_TAKEN",
        hint="choose another name",
    )


def take_automatically(project: Project, now: str, machine: str) -> SnapshotTaken:
    """The event of the snapshot before an apply, named after ``now`` (RFC 3339) to the minute."""
    stem = f"auto-{now[:10]}-{now[11:13]}-{now[14:16]}"
    name, number = stem, 1
    while name in project.state.snapshots:
        number += 1
        name = f"{stem}-{number}"
    return _event(project, name, machine, automatic=True)


def _event(project: Project, name: str, machine: str, *, automatic: bool) -> SnapshotTaken:
    environment = project.state.environments.get(machine, Environment())
    return SnapshotTaken(
        name=name,
        automatic=automatic,
        machine=machine,
        generation=environment.active,
        lock=content_digest(project.lock),
        packages=len(environment.packages),
    )
