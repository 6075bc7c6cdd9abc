"""``ppm ensure``: have packages, and do nothing at all where they are there."""

from __future__ import annotations

import time
from pathlib import Path

from ppm.commands.options import (
    GpuOption,
    IndexOption,
    JsonOption,
    NoteOption,
    OfflineOption,
    ProjectOption,
    QuietOption,
    RequirementsArgument,
    VerboseOption,
)
from ppm.commands.output import Console
from ppm.commands.selecting import link_mode_of
from ppm.commands.session import changing
from ppm.commands.words import applied_document, tell_applied
from ppm.engine.direct.naming import named
from ppm.engine.operations.ensuring import ensure as ensure_requirements


def ensure(
    requirements: RequirementsArgument,
    *,
    note: NoteOption = "",
    gpu: GpuOption = "",
    index_url: IndexOption = None,
    offline: OfflineOption = False,
    json_output: JsonOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    project: ProjectOption = None,
) -> None:
    """Add, lock and apply what is missing of REQ…; nothing, without network, if it all holds."""
    started = time.monotonic()
    console = Console(json_output=json_output, verbose=verbose, quiet=quiet)
    with changing("ensure", project, console, note=note) as change:
        applied, _ = ensure_requirements(
            change.run,
            change.progress,
            named(requirements, Path.cwd(), change.paths.root),
            lambda manifest: link_mode_of("", manifest),
            index_url=index_url or "",
            offline=offline,
            gpu=gpu,
        )
    duration_s = time.monotonic() - started
    tell_applied(applied, duration_s, console)
    console.answer(applied_document(applied, duration_s))
