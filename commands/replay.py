"""``ppm replay``: rebuild the projections from the ledger, or audit them against it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from ppm.commands.options import (
    JsonOption,
    ProjectOption,
    QuietOption,
    VerboseOption,
    option,
)
from ppm.commands.output import Console
from ppm.commands.session import Question, asking
from ppm.engine.errors import PpmError, UsageError
from ppm.engine.files import storage_errors
from ppm.engine.moments import moment
from ppm.engine.outputs import write_output
from ppm.engine.projector import compare, fold_until, write
from ppm.engine.transaction import quiescent
from ppm.projections.project import Project, fold
from ppm.projections.render import render


def replay(
    *,
    check: Annotated[bool, option("--check", help="Compare only; exit 1 if unequal.")] = False,
    at: Annotated[
        str | None, option("--at", help="The state as of a seq, time or snapshot.")
    ] = None,
    until: Annotated[int | None, option("--until", minimum=1, help="Stop after this seq.")] = None,
    out: Annotated[
        Path | None, option("--out", help="Write the projections into this folder.")
    ] = None,
    json_output: JsonOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    project: ProjectOption = None,
) -> None:
    """Fold every event from the first one and rebuild state, lock and snapshots to the byte."""
    console = Console(json_output=json_output, verbose=verbose, quiet=quiet)
    if at is not None and until is not None:
        raise UsageError("--at and --until exclude each other")
    if check and (at is not None or until is not None):
        raise UsageError("--check compares today's files: leave --at and --until out")
    with asking("replay", project) as question, quiescent(question.paths):
        folded = _folded(question, at, until)
        if check:
            _check(question, folded, console)
        elif out is not None:
            _write_to(out, folded, console)
        elif at is not None or until is not None:
            _print(folded, console)
        else:
            write(question.paths, folded)
            _tell(folded, "rebuilt", console)


def _folded(question: Question, at: str | None, until: int | None) -> Project:
    if at is None and until is None:
        return fold(question.ledger.read())
    today = fold(question.ledger.read())
    seq = moment(str(until) if until is not None else at or "", today, question.ledger)
    return fold_until(question.ledger.read(), seq)


def _check(question: Question, folded: Project, console: Console) -> None:
    differences = compare(question.paths, folded)
    console.answer(
        {
            "ok": not differences,
            "seq": folded.head.seq,
            "head": folded.head.digest,
            "differences": [msgspec.to_builtins(difference) for difference in differences],
        }
    )
    if not differences:
        _tell(folded, "equal to the byte", console, answered=True)
        return
    for difference in differences:
        keys = ", ".join(difference.keys)
        console.say(f"{difference.file}: {difference.problem}" + (f" at {keys}" if keys else ""))
    raise PpmError(
        f"{len(differences)} projection file(s) are not what the ledger folds to",
        code="PROJECTION_DIFFERS",
        hint="`ppm replay` rebuilds them",
    )


def _write_to(out: Path, folded: Project, console: Console) -> None:
    for name, data in render(folded).items():
        path = out / name
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_output(path, data)
    _tell(folded, f"written to {out}", console)


def _print(folded: Project, console: Console) -> None:
    files = render(folded)
    state = msgspec.json.decode(files["state.json"])
    lock = msgspec.json.decode(files["lock.json"])
    console.document({"state": state, "lock": lock})


def _tell(folded: Project, outcome: str, console: Console, *, answered: bool = False) -> None:
    files = render(folded)
    seq, head = folded.head.seq, folded.head.digest
    console.say(f"{len(files)} projections from {seq} events, head {head[:16]}…: {outcome}")
    if not answered:
        console.answer({"ok": True, "seq": seq, "head": head, "files": sorted(files)})
