"""``ppm apply``: make the environment what the lock says."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

from ppm.commands.options import (
    Argument,
    IndexOption,
    JsonOption,
    NoteOption,
    OfflineOption,
    ProjectOption,
    QuietOption,
    VerboseOption,
    option,
)
from ppm.commands.output import Console
from ppm.commands.selecting import (
    ExtraOption,
    LinkModeOption,
    NoDevOption,
    OnlyGroupOption,
    link_mode_of,
    selection_of,
)
from ppm.commands.session import changing
from ppm.commands.words import applied_document, tell_applied
from ppm.engine.operations.apply import apply as apply_wish
from ppm.engine.operations.apply import plan_for
from ppm.engine.operations.lock import ensure_locked
from ppm.engine.operations.observe import begin
from ppm.engine.operations.wishing import check_plan_file, wish_for
from ppm.engine.resolve.problem import Policy


def apply(
    plan: Annotated[
        Path | None, Argument("PLAN", help="A file written by `ppm plan --out`.")
    ] = None,
    *,
    note: NoteOption = "",
    frozen: Annotated[
        bool, option("--frozen", help="Fail if the lock does not answer the manifest.")
    ] = False,
    compile_bytecode: Annotated[
        bool, option("--compile", help="Compile to byte code now.")
    ] = False,
    repair: Annotated[
        bool, option("--repair", help="Make what is damaged again, from the store or the index.")
    ] = False,
    no_dev: NoDevOption = False,
    only_group: OnlyGroupOption = None,
    extra: ExtraOption = None,
    link_mode: LinkModeOption = "",
    index_url: IndexOption = None,
    offline: OfflineOption = False,
    json_output: JsonOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    project: ProjectOption = None,
) -> None:
    """Fetch, verify and install what is locked, and switch .venv to it in one step."""
    started = time.monotonic()
    console = Console(json_output=json_output, verbose=verbose, quiet=quiet)
    selection = selection_of(no_dev=no_dev, only_group=only_group, extra=extra)
    with changing("apply", project, console, note=note) as change:
        manifest, runtime = begin(
            change.run, change.progress, index_url=index_url or "", offline=offline
        )
        warnings = ensure_locked(
            change.run, runtime, manifest, Policy(), frozen=frozen or plan is not None
        )
        mode = link_mode_of(link_mode, manifest)
        wish = wish_for(change.run.project.lock, runtime, manifest, selection, mode)
        if plan is not None:
            check_plan_file(plan, plan_for(change.run, runtime, wish))
        repaired = None
        if repair:
            from ppm.engine.operations.repairing import repair as repair_wish

            applied, repaired = repair_wish(
                change.run, runtime, wish, compile_bytecode=compile_bytecode
            )
        else:
            applied = apply_wish(change.run, runtime, wish, compile_bytecode=compile_bytecode)
    for warning in warnings:
        console.warn(warning)
    duration_s = time.monotonic() - started
    document = applied_document(applied, duration_s)
    if repaired is None:
        tell_applied(applied, duration_s, console)
    else:
        from ppm.commands.repaired import repaired_document, tell_repaired

        tell_repaired(repaired, console)
        tell_applied(applied, duration_s, console)
        document["repaired"] = repaired_document(repaired)
    console.answer(document)
