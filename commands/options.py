"""Options and arguments as verbs declare them in their signatures.

``Option`` and ``Argument`` are notes in ``Annotated`` types. :mod:`ppm.commands.arguments` reads a
plain command line by them at once; everything else (help, mistakes, completion) is typer's, which
:mod:`ppm.commands.explain` loads when it is needed. They are plain classes: making a named tuple
takes a hundred times as long, and every verb waits for these.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from ppm.engine.errors import UsageError


class Option:
    """An option: its names, what it is for, and for numbers the least allowed."""

    __slots__ = ("help", "minimum", "names")

    def __init__(self, names: tuple[str, ...], help: str, minimum: int | None = None) -> None:  # noqa: A002 - typer's word
        self.names = names
        self.help = help
        self.minimum = minimum


class Argument:
    """A positional argument: its name in the usage line and what it is for."""

    __slots__ = ("help", "metavar")

    def __init__(self, metavar: str, help: str = "") -> None:  # noqa: A002 - typer's word
        self.metavar = metavar
        self.help = help


def option(*names: str, help: str, minimum: int | None = None) -> Option:  # noqa: A002 - typer's word
    """Declare an option."""
    return Option(names, help, minimum)


JsonOption = Annotated[bool, option("--json", help="Print one JSON document on standard output.")]
VerboseOption = Annotated[bool, option("--verbose", "-v", help="Tell each step on standard error.")]
QuietOption = Annotated[bool, option("--quiet", "-q", help="Print errors only.")]
ProjectOption = Annotated[
    Path | None, option("--project", help="The project's folder; found by climbing otherwise.")
]
OfflineOption = Annotated[bool, option("--offline", help="Use what is cached; no network.")]
IndexOption = Annotated[
    str | None, option("--index-url", help="The package index; pip's configured one otherwise.")
]
GpuOption = Annotated[
    str, option("--gpu", help="The GPU backend: auto, or one of [tool.ppm.backends].")
]
NoteOption = Annotated[str, option("--note", help="Why; kept in the ledger.")]
GroupOption = Annotated[str | None, option("--group", help="A dependency group of the manifest.")]
DevOption = Annotated[bool, option("--dev", help="The dependency group `dev`.")]
OptionalOption = Annotated[
    str | None, option("--optional", help="An optional dependency (extra) of the project.")
]
EditableOption = Annotated[
    bool, option("--editable", "-e", help="Folders: their changes take effect at once (PEP 660).")
]
LockOption = Annotated[bool, option("--lock", help="Resolve and lock as well.")]
AgainstOption = Annotated[
    Path | None, option("--against", help="A checkpoint of this ledger that was kept.")
]
PubOption = Annotated[
    list[str] | None,
    option("--pub", help="Who may have signed: a public key (PEM), or `name+hash+key`."),
]
SecretKeyOption = Annotated[
    Path, option("--sk", help="The private key to sign with (Ed25519, PEM).")
]
OutOption = Annotated[Path | None, option("--out", help="Write into this file.")]
RequirementsArgument = Annotated[list[str], Argument("REQ…", help="PEP 508.")]


def chosen_group(*, dev: bool, group: str | None, optional: str | None) -> str:
    """The one requirement group that the three options name; ``""`` for the project's own.

    Raises:
        UsageError: More than one of them was given.
    """
    named = [
        *(["dev"] if dev else []),
        *([group] if group is not None else []),
        *([f"extra:{optional}"] if optional is not None else []),
    ]
    if len(named) > 1:
        raise UsageError("--dev, --group and --optional exclude each other")
    return named[0] if named else ""
