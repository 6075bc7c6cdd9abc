"""What rollback, undo and redo say when they are there."""

from __future__ import annotations

from collections.abc import Mapping

from ppm.commands.output import Console
from ppm.engine.operations.goback import GoneBack
from ppm.projections.state import Snapshot
from ppm.projections.steps import Step


def name_of(snapshots: Mapping[str, Snapshot], seq: int) -> str:
    """The name of the snapshot that is event ``seq``, ``""`` if none is."""
    return next((name for name, one in snapshots.items() if one.seq == seq), "")


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
