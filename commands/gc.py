"""``ppm gc``: take away generations and store entries that nothing needs."""

from __future__ import annotations

from typing import Annotated, Any

from ppm.commands.options import JsonOption, ProjectOption, QuietOption, VerboseOption, option
from ppm.commands.output import Console
from ppm.commands.session import asking, changing
from ppm.commands.words import plural
from ppm.engine.durations import seconds
from ppm.engine.environment.machine import machine_id
from ppm.engine.operations.collecting import Collection, Collector, Rules
from ppm.engine.paths import ProjectPaths, home_paths
from ppm.engine.ports import Clock

_KEEP = 3


def gc(
    *,
    keep: Annotated[
        int, option("--keep", help=f"So many generations stay ({_KEEP}).", minimum=1)
    ] = _KEEP,
    older_than: Annotated[
        str, option("--older-than", help="Only what is older, such as 30d or 12h.")
    ] = "",
    dry_run: Annotated[bool, option("--dry-run", help="Tell, and change nothing.")] = False,
    json_output: JsonOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    project: ProjectOption = None,
) -> None:
    """Remove generations of this project, and store entries that no project needs any more."""
    console = Console(json_output=json_output, verbose=verbose, quiet=quiet)
    rules = Rules(keep=keep, older_than_s=seconds(older_than) if older_than else 0)
    if dry_run:
        with asking("gc", project) as question:
            found = _collector(question.paths, question.clock, rules).foresee(question.ledger)
        _tell(found, None, console)
        return
    with changing("gc", project, console) as change:

        def waiting() -> None:
            console.note("waiting for another ppm that is using the store …")

        found, freed = _collector(change.paths, change.clock, rules).collect(change.run, waiting)
    _tell(found, freed, console)


def _collector(paths: ProjectPaths, clock: Clock, rules: Rules) -> Collector:
    home = home_paths()
    return Collector(paths, home, machine=machine_id(home.root), clock=clock, rules=rules)


def _tell(found: Collection, freed: int | None, console: Console) -> None:
    """Say what went, or would go where ``freed`` is None."""
    for name in found.generations:
        console.say(f"- generation {name[:12]}")
    if console.verbose:
        for kind, digests in (("blob", found.blobs), ("wheel", found.wheels)):
            for sha256 in digests:
                console.say(f"- {kind} {sha256}")
    for file in found.forgotten:
        console.note(f"a project is gone, and forgotten: {file.name}")
    store = f"{plural(len(found.blobs), 'blob')}, {plural(len(found.wheels), 'unpacked wheel')}"
    left = plural(len(found.leavings), "temporary file")
    console.say(
        f"{plural(len(found.generations), 'generation')}, {store}, {left}"
        f" that none of {plural(found.projects, 'project')} needs"
    )
    if freed is None:
        console.say(
            f"nothing was removed: a dry run; the store would lose {found.size / 1e6:.1f} MB"
        )
    else:
        console.say(f"{freed / 1e6:.1f} MB freed")
    console.answer(_document(found, freed))


def _document(found: Collection, freed: int | None) -> dict[str, Any]:
    return {
        "dry_run": freed is None,
        "generations": found.generations,
        "kept": found.kept,
        "blobs": found.blobs,
        "wheels": found.wheels,
        "temporaries": len(found.leavings),
        "size": found.size,
        "freed": freed or 0,
        "projects": found.projects,
        "forgotten": [file.name for file in found.forgotten],
    }
