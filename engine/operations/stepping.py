"""Undo and redo: which step comes next."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ppm.engine.errors import ProjectError
from ppm.engine.ledger.tail import from_the_end
from ppm.engine.ports import Ledger
from ppm.engine.transaction import Transaction
from ppm.events.envelope import Record
from ppm.projections.steps import Step, Steps, steps


def step_back(run: Transaction, machine: str) -> Step:
    """The step that undoes the last change of the project.

    Raises:
        ProjectError: ``code="NOTHING_TO_UNDO"``.
    """
    step = _next(run.ledger, machine, lambda found: found.back)
    if step is None:
        raise ProjectError(
            "no command has changed this project yet, or all of them are undone",
            code="NOTHING_TO_UNDO",
            hint="`ppm provenance` shows what was done, `ppm rollback` leads to any point of it",
        )
    return step


def step_forward(run: Transaction, machine: str) -> Step:
    """The step that takes the last undo back.

    Raises:
        ProjectError: ``code="NOTHING_TO_REDO"``.
    """
    step = _next(run.ledger, machine, lambda found: found.forward)
    if step is None:
        raise ProjectError(
            "there is no undo to take back since the project last changed",
            code="NOTHING_TO_REDO",
            hint="`ppm provenance` shows what was done, `ppm rollback` leads to any point of it",
        )
    return step


def last_change(ledger: Ledger, machine: str) -> Step | None:
    """The last command that changed anything, None if none has."""
    return _next(ledger, machine, lambda found: (found.last,) if found.last is not None else ())


def _next(ledger: Ledger, machine: str, choose: Callable[[Steps], tuple[Step, ...]]) -> Step | None:
    def last(records: Iterable[Record], whole: bool) -> Step | None:
        found = steps(records, machine, whole=whole)
        chosen = choose(found)
        return chosen[-1] if chosen and (whole or not found.short) else None

    return from_the_end(ledger, last)
