"""``ppm run``: run a command in the project's environment."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from typing import Annotated, NoReturn

from ppm.commands.options import (
    Argument,
    OfflineOption,
    ProjectOption,
    QuietOption,
    VerboseOption,
    option,
)
from ppm.commands.output import Console
from ppm.commands.selecting import link_mode_of
from ppm.commands.session import actor, asking, changing_at, find_project
from ppm.commands.words import plan_lines
from ppm.engine.clock import SystemClock
from ppm.engine.errors import EnvironmentFailure
from ppm.engine.manifest.read import manifest_path, read_manifest
from ppm.engine.operations.apply import apply
from ppm.engine.operations.currency import why_stale
from ppm.engine.operations.foresee import in_place
from ppm.engine.operations.lock import ensure_locked
from ppm.engine.operations.observe import begin, roots_of, runtime_for, settle, unseen_edits
from ppm.engine.operations.wishing import wish_for
from ppm.engine.paths import ProjectPaths
from ppm.engine.planning import Selection
from ppm.engine.projector import load
from ppm.engine.resolve.problem import Policy
from ppm.engine.transaction import open_ledger


def run(
    command: Annotated[list[str], Argument("CMD…")],
    *,
    no_sync: Annotated[
        bool, option("--no-sync", help="Do not apply first, even if the lock is ahead.")
    ] = False,
    offline: OfflineOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    project: ProjectOption = None,
) -> None:
    """Run CMD in the project's environment, applied first; its exit status is passed on."""
    console = Console(json_output=False, verbose=verbose, quiet=quiet)
    paths = find_project(project)
    if no_sync or _is_applied(paths, console, offline=offline):
        with asking("run", paths.root):
            environment = environment_for(paths, os.environ)
            executable = find_command(command[0], environment, paths)
    else:
        _apply(paths, console, offline=offline)
        environment = environment_for(paths, os.environ)
        executable = find_command(command[0], environment, paths)
    replace_process(executable, command, environment)


def _is_applied(paths: ProjectPaths, console: Console, *, offline: bool) -> bool:
    """Whether nothing is to be done before the command; looks only."""
    clock = SystemClock()
    state = load(paths, open_ledger(paths, clock, actor()))
    manifest = read_manifest(manifest_path(paths.root))
    runtime = runtime_for(
        manifest, clock, console.progress(), root=paths.root, index_url="", offline=offline
    )
    if unseen_edits(paths, state, manifest):
        return False
    settle(runtime, manifest, state.lock)
    here = runtime.interpreter.target
    if why_stale(state.lock, roots_of(manifest), here, paths.root):
        return False
    wish = wish_for(state.lock, runtime, manifest, Selection(), link_mode_of("", manifest))
    return in_place(paths, state, runtime, wish)


def _apply(paths: ProjectPaths, console: Console, *, offline: bool) -> None:
    with changing_at(paths, "run", console) as change:
        manifest, runtime = begin(change.run, change.progress, offline=offline)
        ensure_locked(change.run, runtime, manifest, Policy(), frozen=False)
        mode = link_mode_of("", manifest)
        wish = wish_for(change.run.project.lock, runtime, manifest, Selection(), mode)
        applied = apply(change.run, runtime, wish)
    for line in plan_lines(applied.plan.changes):
        console.note(line)


def environment_for(paths: ProjectPaths, outside: Mapping[str, str]) -> dict[str, str]:
    """The variables a command gets: the environment's programs first, itself active."""
    venv = paths.environment
    scripts = "Scripts" if os.name == "nt" else "bin"
    if not (venv / scripts).is_dir():
        raise EnvironmentFailure(
            f"{paths.root} has no environment", code="NO_ENVIRONMENT", hint="run `ppm apply`"
        )
    inside = {key: value for key, value in outside.items() if key != "PYTHONHOME"}
    inside["VIRTUAL_ENV"] = str(venv)
    inside["PATH"] = os.pathsep.join(filter(None, [str(venv / scripts), outside.get("PATH", "")]))
    return inside


def find_command(name: str, environment: Mapping[str, str], paths: ProjectPaths) -> str:
    """The program that ``name`` is in the environment.

    Raises:
        EnvironmentFailure: ``code="COMMAND_NOT_FOUND"``.
    """
    found = shutil.which(name, path=environment["PATH"])
    if found is None:
        raise EnvironmentFailure(
            f"there is no command {name} in {paths.environment} or on PATH",
            code="COMMAND_NOT_FOUND",
            hint="`ppm add` the package that has it, or check the spelling",
        )
    return found


def replace_process(
    executable: str, command: list[str], environment: Mapping[str, str]
) -> NoReturn:
    """Become the command where the platform can, so that signals and status are its own."""
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "nt":
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        arguments = [executable, *command[1:]]
        done = subprocess.run(arguments, env=environment, check=False)  # noqa: S603 - as asked
        sys.exit(done.returncode)
    os.execve(executable, command, dict(environment))  # noqa: S606 - as asked
