"""``ppm verify``: are files, store and ledger what the history says, or a receipt?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import msgspec

from ppm.commands.options import (
    JsonOption,
    ProjectOption,
    PubOption,
    QuietOption,
    VerboseOption,
    option,
)
from ppm.commands.output import Console
from ppm.commands.session import Question, asking
from ppm.commands.words import plural
from ppm.engine.errors import EnvironmentFailure, LedgerError, StorageError, UsageError
from ppm.engine.hashing.cpu import CpuHasher
from ppm.engine.hashing.files import FileReader
from ppm.engine.ledger.lost import LINES_HINT, lines_lost
from ppm.engine.ledger.verify import examine
from ppm.engine.operations.verifying import (
    environment_event,
    store_differences,
    store_event,
    verify_environment,
    verify_store,
)
from ppm.engine.paths import home_paths
from ppm.engine.plain import clean_line
from ppm.engine.projector import lost_place
from ppm.engine.runtime import Runtime
from ppm.events.upkeep import Difference
from ppm.projections.project import Project, fold

_SHOWN = 20


def verify(
    *,
    env: Annotated[bool, option("--env", help="The installed files only.")] = False,
    store: Annotated[bool, option("--store", help="The whole store only.")] = False,
    ledger: Annotated[bool, option("--ledger", help="The ledger only.")] = False,
    receipt: Annotated[
        Path | None, option("--receipt", help="This receipt and its file; needs no project.")
    ] = None,
    file: Annotated[Path | None, option("--file", help="The file that it is a receipt of.")] = None,
    pub: PubOption = None,
    json_output: JsonOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    project: ProjectOption = None,
) -> None:
    """Prove the installed files, what the store has for them, and the ledger; or a receipt."""
    console = Console(json_output=json_output, verbose=verbose, quiet=quiet)
    everything = not (env or store or ledger)
    if receipt is not None or file is not None or pub:
        if receipt is None or file is None or not everything:
            raise UsageError("a receipt is verified by itself: --receipt R --file F [--pub KEY]")
        from ppm.commands.receipt import check_receipt

        check_receipt(receipt, file, pub or [], project, console)
        return
    with asking("verify", project) as question:
        checks = _Checks(question, console)
        try:
            if ledger or everything:
                checks.ledger()
            if env or everything:
                checks.environment()
            if store or everything:
                checks.store(whole=store)
        finally:
            console.answer(checks.document())
        checks.require_whole()


class _Checks:
    """What was looked at so far, in words and as a document."""

    def __init__(self, question: Question, console: Console) -> None:
        self._question = question
        self._console = console
        self._runtime = Runtime(home_paths(), question.clock, console.progress())
        self._reader = FileReader(CpuHasher())
        self._started = time.monotonic()
        self._told: dict[str, Any] = {"ledger": None, "environment": None, "store": None}
        self._environment: tuple[Difference, ...] = ()
        self._store: tuple[Difference, ...] = ()

    @cached_property
    def _project(self) -> Project:
        """What the events say: a projection on the disk is no witness."""
        return fold(self._question.ledger.read())

    def ledger(self) -> None:
        """Every line; all else rests on it.

        Raises:
            LedgerError: It is not whole.
        """
        try:
            found = examine(self._question.paths.ledger, self._question.ledger)
        except LedgerError as error:
            self._told["ledger"] = {"ok": False, "code": error.code, "problem": error.message}
            raise
        lost = lost_place(self._question.paths, self._question.ledger)
        if lost is not None:
            problem, code = lines_lost(*lost), "LEDGER_LOST_LINES"
            self._told["ledger"] = {"ok": False, "code": code, "problem": problem}
            raise LedgerError(problem, code=code, hint=LINES_HINT)
        head = found.head.digest
        self._console.say(f"ledger: {plural(found.tree.size, 'event')}, head {head[:16]}…: whole")
        self._told["ledger"] = {"ok": True, "size": found.tree.size, "head": head}

    def environment(self) -> None:
        """Every file of the active generation."""
        question, runtime = self._question, self._runtime
        found = verify_environment(question.paths, self._project, runtime, self._reader)
        self._environment = found.differences
        event = environment_event(found, runtime.machine, self._reader.device)
        if found.generation:
            question.found += (event,)
            count = plural(found.files, "file")
            self._say(f"environment {found.generation[:12]}, {count}", found.differences)
        else:
            self._console.say("environment: nothing has been applied yet")
        self._told["environment"] = {
            "ok": not found.differences,
            "generation": found.generation,
            "expected": found.expected,
            "seen": found.seen,
            "files": found.files,
            "differences": msgspec.to_builtins(found.differences),
        }

    def store(self, *, whole: bool) -> None:
        """What the store has for the project, or all of it."""
        question, runtime, before = self._question, self._runtime, self._reader.files
        audit = verify_store(self._project, runtime, self._reader, whole=whole)
        self._store = store_differences(audit)
        files = self._reader.files - before
        event = store_event(audit, runtime.machine, self._reader, files, whole=whole)
        question.found += (event,)
        what = f"{plural(audit.blobs, 'blob')}, {plural(audit.wheels, 'unpacked wheel')}"
        self._say(f"store: {what}, {plural(files, 'file')}", self._store)
        self._told["store"] = {
            "ok": not self._store,
            "scope": event.scope,
            "blobs": audit.blobs,
            "wheels": audit.wheels,
            "files": files,
            "differences": msgspec.to_builtins(self._store),
        }

    def _say(self, what: str, differences: Sequence[Difference]) -> None:
        outcome = f"{len(differences)} differ" if differences else "whole"
        self._console.say(f"{what}: {outcome}")
        shown = differences if self._console.verbose else differences[:_SHOWN]
        for one in shown:
            whose = f" ({one.package})" if one.package else ""
            self._console.say(clean_line(f"  {one.problem} {one.path}{whose}"))
        if len(shown) < len(differences):
            self._console.say(f"  and {len(differences) - len(shown)} more: --verbose, --json")

    def document(self) -> dict[str, Any]:
        """All of it; says the rate, too."""
        duration_s = time.monotonic() - self._started
        rate = round(self._reader.files / duration_s) if duration_s else 0
        whole = all(one is None or one["ok"] for one in self._told.values())
        if self._reader.files:
            count, size = plural(self._reader.files, "file"), self._reader.size / 1e6
            self._console.say(f"{count}, {size:.1f} MB, {rate} files/s on {self._reader.device}")
        return {
            "ok": whole,
            **self._told,
            "files": self._reader.files,
            "size": self._reader.size,
            "files_per_second": rate,
            "device": self._reader.device,
            "duration_ms": round(duration_s * 1000),
        }

    def require_whole(self) -> None:
        """Fail where anything differs.

        Raises:
            EnvironmentFailure: ``code="ENVIRONMENT_CHANGED"``.
            StorageError: ``code="STORE_DAMAGED"``.
        """
        store = plural(len(self._store), "file")
        if self._environment:
            also = f", the store in {store}" if self._store else ""
            raise EnvironmentFailure(
                "the environment differs from what the history recorded in"
                f" {plural(len(self._environment), 'file')}{also}",
                code="ENVIRONMENT_CHANGED",
                hint="`ppm apply --repair` restores them",
            )
        if self._store:
            raise StorageError(
                f"the store differs from what was fetched in {store}",
                code="STORE_DAMAGED",
                hint="`ppm apply --repair` makes them again in each project that uses them;"
                " `ppm gc` removes what no project uses",
            )
