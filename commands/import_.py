"""``ppm import``: from a name, a script or a requirements file to importable, in one step."""

from __future__ import annotations

import os
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
from ppm.commands.selecting import link_mode_of
from ppm.commands.session import changing_at, find_project, invocation
from ppm.commands.words import applied_document, tell_applied
from ppm.engine.clock import SystemClock
from ppm.engine.errors import ProjectError, UsageError
from ppm.engine.ledger.file import has_records
from ppm.engine.operations.ensuring import ensure
from ppm.engine.operations.importing import asked_for, check_hashes
from ppm.engine.operations.initialise import initialise, make_folder
from ppm.engine.operations.places import Place, hook_into, place_for, python_of
from ppm.engine.paths import ProjectPaths, home_paths
from ppm.engine.transaction import transaction


def import_(
    requirements: Annotated[list[str] | None, Argument("REQ…", help="PEP 508.")] = None,
    *,
    from_file: Annotated[
        Path | None,
        option(
            "--from-file",
            help="A script, a requirements file, pylock.toml, pypm.toml or pyproject.toml.",
        ),
    ] = None,
    note: NoteOption = "",
    index_url: IndexOption = None,
    offline: OfflineOption = False,
    json_output: JsonOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    project: ProjectOption = None,
) -> None:
    """Resolve, fetch, verify and make importable.

    In the project's environment, else in the active virtual environment, else in one that all your
    imports share.
    """
    started = time.monotonic()
    if not requirements and from_file is None:
        raise UsageError("name requirements, or a file with --from-file")
    console = Console(json_output=json_output, verbose=verbose, quiet=quiet)
    own = _project(project)
    asked = asked_for(requirements or [], from_file, own.root if own is not None else None)
    for warning in asked.warnings:
        console.warn(warning)
    place = place_for(own, home_paths(), os.environ)
    _prepare(place, console)
    with changing_at(place.paths, "import", console, note=note) as change:
        applied, site_packages = ensure(
            change.run,
            change.progress,
            asked.requirements,
            lambda manifest: link_mode_of("", manifest),
            index_url=index_url or asked.index_url,
            offline=offline,
            constraints=asked.constraints,
            python=python_of(place.venv) if place.venv else None,
            accept=lambda lock: check_hashes(asked, lock),
        )
        if place.venv is not None:
            hook_into(place.venv, place.paths, site_packages)
    duration_s = time.monotonic() - started
    for name, version in applied.plan.packages.items():
        if console.verbose:
            console.note(f"imported {name}=={version}")
    tell_applied(applied, duration_s, console)
    _tell_place(place, console)
    document = applied_document(applied, duration_s)
    console.answer({**document, "place": place.kind, "environment": str(place.paths.environment)})


def _project(directory: Path | None) -> ProjectPaths | None:
    try:
        return find_project(directory)
    except ProjectError:
        if directory is not None:
            raise
        return None


def _prepare(place: Place, console: Console) -> None:
    """Make the shared or the virtual environment's own project on first use."""
    if has_records(place.paths.ledger):
        return
    place.paths.root.mkdir(parents=True, exist_ok=True)
    make_folder(place.paths)
    clock = SystemClock()
    with transaction(place.paths, clock, invocation("init")) as run:
        initialise(run, clock.new_id())
    if console.verbose:
        console.note(f"made {place.paths.root}")


def _tell_place(place: Place, console: Console) -> None:
    python = python_of(place.venv or place.paths.environment)
    if place.kind != "project":
        console.say(f"importable in {python}")
