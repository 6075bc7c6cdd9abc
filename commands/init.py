"""``ppm init``: make a folder a project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from ppm.commands.options import (
    Argument,
    JsonOption,
    QuietOption,
    VerboseOption,
)
from ppm.commands.output import Console
from ppm.commands.session import asking, changing_at
from ppm.commands.words import plural
from ppm.engine.files import storage_errors
from ppm.engine.ledger.file import has_records
from ppm.engine.manifest.read import PYPM
from ppm.engine.operations.initialise import (
    initialise,
    is_manifest_gone,
    make_folder,
    restore_manifest,
)
from ppm.engine.paths import ProjectPaths

_TREE = """{root}
└── .ppm/
    ├── ledger.jsonl
    ├── lock.json
    ├── state.json
    └── snapshots/"""


def init(
    directory: Annotated[Path, Argument("DIR", help="The folder.")] = Path(),
    *,
    json_output: JsonOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
) -> None:
    """Make DIR (the working directory) a ppm project. Again: only a lost manifest is written."""
    console = Console(json_output=json_output, verbose=verbose, quiet=quiet)
    paths = ProjectPaths(directory.absolute())
    if has_records(paths.ledger):
        if is_manifest_gone(paths.root):
            _restore(paths, console)
            return
        with asking("init", paths.root) as question:
            question.project()  # Refuses a ledger that somebody changed.
            console.say(f"{paths.root} is a ppm project already")
            console.answer({"root": str(paths.root), "created": False, "written": []})
        return
    with storage_errors(paths.root):
        paths.root.mkdir(parents=True, exist_ok=True)
    make_folder(paths)
    with changing_at(paths, "init", console) as change:
        written = initialise(change.run, change.clock.new_id())
    console.say(_TREE.format(root=paths.root))
    for name in written:
        console.say(f"wrote {name}")
    console.answer({"root": str(paths.root), "created": True, "written": list(written)})


def _restore(paths: ProjectPaths, console: Console) -> None:
    with changing_at(paths, "init", console) as change:
        count = restore_manifest(change.run)
    known = plural(count, "requirement")
    console.say(f"wrote {PYPM} anew, with the {known} that the history knows")
    console.note("settings of the lost manifest are not in the history: write them in again")
    console.answer({"root": str(paths.root), "created": False, "written": [PYPM]})
