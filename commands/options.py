"""The options that every verb takes, and what they make."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on standard output.")
]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Tell each step on standard error.")
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
ProjectOption = Annotated[
    Path | None,
    typer.Option("--project", help="The project's folder; found by climbing otherwise."),
]
OfflineOption = Annotated[bool, typer.Option("--offline", help="Use what is cached; no network.")]
IndexOption = Annotated[
    str | None,
    typer.Option("--index-url", help="The package index; pip's configured one otherwise."),
]
GroupOption = Annotated[
    str | None, typer.Option("--group", help="A dependency group of the manifest.")
]
DevOption = Annotated[bool, typer.Option("--dev", help="The dependency group `dev`.")]
OptionalOption = Annotated[
    str | None, typer.Option("--optional", help="An optional dependency (extra) of the project.")
]


def chosen_group(*, dev: bool, group: str | None, optional: str | None) -> str:
    """The one requirement group that the three options name; ``""`` for the project's own.

    Raises:
        typer.BadParameter: More than one of them was given.
    """
    named = [
        *(["dev"] if dev else []),
        *([group] if group is not None else []),
        *([f"extra:{optional}"] if optional is not None else []),
    ]
    if len(named) > 1:
        raise typer.BadParameter("--dev, --group and --optional exclude each other")
    return named[0] if named else ""
