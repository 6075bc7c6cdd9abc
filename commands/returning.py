"""What rollback, undo and redo say when they are there."""

from __future__ import annotations

from collections.abc import Mapping

from ppm.commands.output import Console
from ppm.engine.operations.goback import GoneBack
from ppm.engine.planning import UNBUILT, Selection, selected
from ppm.projections.project import Project
from ppm.projections.state import Environment, Snapshot
from ppm.projections.steps import Step

_NAMED = 5


def name_of(snapshots: Mapping[str, Snapshot], seq: int) -> str:
    """The name of the snapshot that is event ``seq``, ``""`` if none is."""
    return next((name for name, one in snapshots.items() if one.seq == seq), "")


def tell_ahead(project: Project, machine: str, target: str, console: Console) -> None:
    """Say what an apply would bring that the environment has not: its lock may be a later one."""
    locked = selected(project.lock.targets.get(target, {}), Selection())
    there = project.state.environments.get(machine, Environment()).packages
    coming = [
        f"{name} {one.version}"
        for name, one in locked.items()
        if one.version != UNBUILT and (name not in there or there[name].version != one.version)
    ]
    if coming:
        more = f" and {len(coming) - _NAMED} more" if len(coming) > _NAMED else ""
        named = ", ".join(coming[:_NAMED])
        console.say(f"the lock is ahead of it: `ppm apply` would bring back {named}{more}")


def tell_gone_back(
    outcome: GoneBack, name: str, duration_s: float, console: Console, step: Step | None = None
) -> None:
    """Say where the project is now, and answer with ``--json``.

    ``step`` is the step that an undo or redo took.
    """
    seq = outcome.seq
    where = f"{name} (event {seq})" if name and name != str(seq) else f"event {seq}"
    environment = f"generation {outcome.generation[:12]}" if outcome.generation else "none"
    if outcome.moved_to:
        console.note(f".venv was not made by ppm: kept as {outcome.moved_to}")
    console.say(f"back at {where}: environment {outcome.how}, {environment}, {duration_s:.2f} s")
    document: dict[str, object] = {
        "seq": seq,
        "name": name,
        "environment": outcome.how,
        "generation": outcome.generation,
        "moved_aside": outcome.moved_to,
        "duration_ms": round(duration_s * 1000),
    }
    if step is not None:
        document["command"] = {"verb": step.verb, "seq": step.seq, "last_seq": step.last_seq}
    console.answer(document)
