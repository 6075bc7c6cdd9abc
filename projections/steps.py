"""The steps that can be undone and redone, as an editor has them. A pure fold.

Every command that changed requirements, lock or environment is a step, rollbacks included. An undo
takes the last step back, so that undo after undo goes back step by step; a redo takes back the last
undo; any other step leaves nothing to redo. A step leads to the point just before its command did
anything of its own: what it first recorded of files that somebody else had edited stays.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ppm.events.command import CommandCompleted, CommandStarted
from ppm.events.envelope import Record
from ppm.events.environment import EnvironmentSwitched
from ppm.events.project import ManifestChanged, ManifestWritten, ProjectInitialized
from ppm.events.requirement import RequirementAdded, RequirementRemoved
from ppm.events.resolution import LockAdopted, ResolutionCompleted

UNDO, REDO = "undo", "redo"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A step that can be taken.

    ``point`` is the ``seq`` it leads to; ``seq`` and ``verb`` tell the command that is undone (or
    done again) by it, and ``last_seq`` that command's last event.
    """

    point: int
    seq: int
    last_seq: int
    verb: str


class Steps(msgspec.Struct, frozen=True, kw_only=True):
    """The steps back and forward from here, the next one last.

    ``last`` is the last command that changed anything, be it an undo or a redo; its ``point`` is
    before it. ``short`` where an undo or redo took a step that these records do not have: then they
    are not the whole ledger, and both lists may be wrong.
    """

    back: tuple[Step, ...] = ()
    forward: tuple[Step, ...] = ()
    last: Step | None = None
    short: bool = False


class _Run(msgspec.Struct, kw_only=True):
    """A command while its records are read. ``first`` where the ledger began with it."""

    step: Step
    first: bool = False
    changed: bool = False
    completed: bool = False


def steps(records: Iterable[Record], machine: str, *, whole: bool = True) -> Steps:
    """The steps of ``records`` as ``machine`` sees them.

    Where the records are not the ``whole`` ledger but its end, commands that began before it are
    left out.
    """
    runs: dict[str, _Run] = {}
    for record in records:
        run = runs.get(record.run)
        if run is None:
            step = Step(point=record.seq - 1, seq=record.seq, last_seq=record.seq, verb="")
            run = runs[record.run] = _Run(step=step)
        _take_in(run, record, machine)
    known = [run for run in runs.values() if whole or run.step.verb]
    back: list[Step] = []
    forward: list[Step] = []
    short = False
    for run in known:
        if run.step.verb in (UNDO, REDO):
            # One that failed or was cut short has not been taken: it is taken again.
            source, target = (back, forward) if run.step.verb == UNDO else (forward, back)
            short = short or (run.completed and not source)
            if run.completed and source:
                target.append(msgspec.structs.replace(source.pop(), point=run.step.point))
        elif run.changed and not run.first:
            back.append(run.step)
            forward.clear()
    changes = [run.step for run in known if run.changed and not run.first]
    return Steps(
        back=tuple(back),
        forward=tuple(forward),
        last=changes[-1] if changes else None,
        short=short,
    )


def _take_in(run: _Run, record: Record, machine: str) -> None:
    point = run.step.point
    verb = run.step.verb
    match event := record.event:
        case CommandStarted():
            verb = event.verb
        case ProjectInitialized():
            run.first = True
        case ManifestWritten() | ResolutionCompleted():
            run.changed = True
        case EnvironmentSwitched():
            run.changed = run.changed or event.machine == machine
        case ManifestChanged() | RequirementAdded() | RequirementRemoved() | LockAdopted():
            # Before its first change of its own a command records the edits of others.
            point = point if run.changed else record.seq
        case CommandCompleted():
            run.completed = True
        case _:
            pass
    run.step = msgspec.structs.replace(run.step, point=point, verb=verb, last_seq=record.seq)
