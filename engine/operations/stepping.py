"""Undo and redo: which step comes next."""

from __future__ import annotations

from ppm.engine.errors import ProjectError
from ppm.engine.transaction import Transaction
from ppm.projections.steps import Step, steps


def step_back(run: Transaction, machine: str) -> Step:
    """The step that undoes the last change of the project.

    Raises:
        ProjectError: ``code="NOTHING_TO_UNDO"``.
    """
    found = steps(run.ledger.read(), machine).back
    if not found:
        raise ProjectError(
            "no command has changed this project yet, or all of them are undone",
            code="NOTHING_TO_UNDO",
            hint="`ppm provenance` shows what was done, `ppm rollback` leads to any point of it",
        )
    return found[-1]


def step_forward(run: Transaction, machine: str) -> Step:
    """The step that takes the last undo back.

    Raises:
        ProjectError: ``code="NOTHING_TO_REDO"``.
    """
    found = steps(run.ledger.read(), machine).forward
    if not found:
        raise ProjectError(
            "there is no undo to take back since the project last changed",
            code="NOTHING_TO_REDO",
            hint="`ppm provenance` shows what was done, `ppm rollback` leads to any point of it",
        )
    return found[-1]
