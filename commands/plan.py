"""``ppm plan``: what ``ppm apply`` would do, as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import msgspec

from ppm.commands.options import (
    IndexOption,
    JsonOption,
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
from ppm.commands.session import asking
from ppm.commands.words import plan_document
from ppm.engine.operations.foresee import foresee
from ppm.engine.outputs import write_output


def plan(
    *,
    out: Annotated[
        Path | None, option("--out", help="Write the plan here, for `ppm apply PLAN`.")
    ] = None,
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
    """Print what `ppm apply` would do; changes nothing. The answer is JSON in any case."""
    console = Console(json_output=json_output, verbose=verbose, quiet=quiet)
    selection = selection_of(no_dev=no_dev, only_group=only_group, extra=extra)
    progress = console.progress()
    try:
        with asking("plan", project) as question:
            found = foresee(
                question.paths,
                question.project(),
                question.clock,
                progress,
                selection,
                link_mode=lambda manifest: link_mode_of(link_mode, manifest),
                index_url=index_url or "",
                offline=offline,
            )
    finally:
        progress.close()
    document = plan_document(found)
    if out is not None:
        write_output(out, json.dumps(msgspec.to_builtins(document), indent=2).encode() + b"\n")
    console.document(document)
