"""``ppm bisect``: the first point of history at which a command fails."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Annotated

import msgspec

from ppm.commands.options import (
    Argument,
    IndexOption,
    JsonOption,
    OfflineOption,
    ProjectOption,
    QuietOption,
    VerboseOption,
    option,
)
from ppm.commands.output import Console
from ppm.commands.run import environment_for, find_command
from ppm.commands.session import Question, asking
from ppm.engine.errors import EnvironmentFailure, ProjectError
from ppm.engine.manifest.read import manifest_path, read_manifest
from ppm.engine.moments import moment
from ppm.engine.operations.bisecting import (
    Stand,
    Stands,
    Verdict,
    Workshop,
    first_bad,
    stands_between,
    workshop,
)
from ppm.engine.operations.observe import runtime_for
from ppm.projections.history import Operation, operations

SKIP_STATUS = 125
_NOT_FOUND_STATUS = 127


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the command at an event; a negative ``status`` is a signal."""

    seq: int
    status: int
    verdict: Verdict
    duration_ms: int


def bisect(
    command: Annotated[list[str], Argument("CMD…")],
    *,
    good: Annotated[str, option("--good", help="A point at which CMD succeeds.")],
    bad: Annotated[
        str | None, option("--bad", help="A later point at which it fails; now by default.")
    ] = None,
    index_url: IndexOption = None,
    offline: OfflineOption = False,
    json_output: JsonOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    project: ProjectOption = None,
) -> None:
    """Find the first change of the environment at which CMD fails, each tried in one of its own."""
    console = Console(json_output=json_output, verbose=verbose, quiet=quiet)
    with asking("bisect", project) as question:
        manifest = read_manifest(manifest_path(question.paths.root))
        runtime = runtime_for(
            manifest,
            question.clock,
            console.progress(),
            root=question.paths.root,
            index_url=index_url or "",
            offline=offline,
        )
        stands = _stands(question, good, bad, runtime.machine)
        with workshop(runtime, stands.origins) as room:
            trials = Trials(room, stands.stands, command, console)
            trials.check_ends()
            found = first_bad(len(stands.stands), trials.judge)
        runs = {one.run: one for one in operations(question.ledger.read())}
        suspects = [runs[one.run] for one in stands.stands[found.good + 1 : found.bad + 1]]
        console.answer(
            {
                "good": stands.stands[found.good].seq,
                "bad": stands.stands[found.bad].seq,
                "first_bad": suspects[0] if len(suspects) == 1 else None,
                "suspects": suspects,
                "trials": trials.done,
            }
        )
        _tell(suspects, console)


def _stands(question: Question, good: str, bad: str | None, machine: str) -> Stands:
    known = question.project()
    first = moment(good, known, question.ledger)
    last = moment(bad, known, question.ledger) if bad is not None else known.head.seq
    return stands_between(question.ledger.read(), first, last, machine)


class Trials:
    """Runs the command at one place after another and keeps what came of it."""

    def __init__(
        self, room: Workshop, stands: Sequence[Stand], command: list[str], console: Console
    ) -> None:
        self._room = room
        self._stands = stands
        self._command = command
        self._console = console
        self.done: list[Trial] = []

    def check_ends(self) -> None:
        """Make sure that the command succeeds at the first place and fails at the last.

        Raises:
            ProjectError: ``code="BISECT_ENDS"``.
        """
        first, last = self._stands[0], self._stands[-1]
        if self.judge(0) != "good":
            raise ProjectError(
                f"the command does not succeed at event {first.seq}, which was called good",
                code="BISECT_ENDS",
                hint="name an earlier point, or look at what it prints (-v)",
            )
        if self.judge(len(self._stands) - 1) != "bad":
            raise ProjectError(
                f"the command does not fail at event {last.seq}, as the environment was then",
                code="BISECT_ENDS",
                hint="name a later point; what fails may lie outside the environment",
            )

    def judge(self, place: int) -> Verdict:
        """Try the command at one place."""
        stand = self._stands[place]
        self._room.stand(stand.environment)
        started = time.monotonic()
        status = self._status()
        verdict: Verdict = "bad" if status else "good"
        if status == SKIP_STATUS:
            verdict = "skip"
        duration_ms = round((time.monotonic() - started) * 1000)
        trial = Trial(seq=stand.seq, status=status, verdict=verdict, duration_ms=duration_ms)
        self.done.append(trial)
        self._console.note(f"event {stand.seq}: {verdict} (status {status}, {duration_ms} ms)")
        return verdict

    def _status(self) -> int:
        environment = environment_for(self._room.paths, os.environ)
        try:
            executable = find_command(self._command[0], environment, self._room.paths)
        except EnvironmentFailure:
            return _NOT_FOUND_STATUS
        # Standard output is for the answer.
        output = sys.stderr if self._console.verbose else subprocess.DEVNULL
        done = subprocess.run(  # noqa: S603 - as asked
            [executable, *self._command[1:]],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        )
        return done.returncode


def _tell(suspects: list[Operation], console: Console) -> None:
    if len(suspects) > 1:
        console.say("the first bad point is one of these; those between could not be judged:")
    for one in suspects:
        note = f" ({one.note})" if one.note else ""
        words = shlex.join(["ppm", one.verb, *one.argv])
        console.say(
            f"{'first bad: ' if len(suspects) == 1 else '  '}event {one.seq}, {words}{note}"
        )
        console.say(f"  {one.time[:19].replace('T', ' ')} UTC, {one.actor}")
        for change in one.changes:
            console.say(f"  {change}")
