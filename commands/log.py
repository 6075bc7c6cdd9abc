"""``ppm log``: the events themselves."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from fnmatch import fnmatchcase
from typing import Annotated

import msgspec

from ppm.commands.options import (
    JsonOption,
    ProjectOption,
    QuietOption,
    VerboseOption,
    option,
)
from ppm.commands.output import Console
from ppm.commands.session import asking
from ppm.engine.ledger.tail import place_before
from ppm.engine.manifest.names import normalise_name
from ppm.engine.moments import beginning
from ppm.engine.plain import clean_line
from ppm.events.artifact import ArtifactBuilt, ArtifactFetched, ArtifactRefused
from ppm.events.envelope import Head, Record
from ppm.events.environment import PackageInstalled, PackageRemoved
from ppm.events.requirement import RequirementAdded, RequirementRemoved
from ppm.events.resolution import CandidateRejected, PackageLocked, PackageUnlocked

_POLL_S = 0.2


def log(
    *,
    type_glob: Annotated[str, option("--type", help="Only these types, e.g. 'artifact.*'.")] = "*",
    since: Annotated[
        str | None, option("--since", help="After this seq, time or snapshot.")
    ] = None,
    package: Annotated[str | None, option("--package", help="Only this package.")] = None,
    follow: Annotated[bool, option("--follow", "-f", help="Wait for more.")] = False,
    json_output: JsonOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    project: ProjectOption = None,
) -> None:
    """Print the ledger's events, oldest first; with --json one JSON document a line."""
    console = Console(json_output=json_output, verbose=verbose, quiet=quiet)
    wanted = Filter(type_glob, package)
    with asking("log", project) as question:
        after = beginning(since, question.project(), question.ledger) if since is not None else 0
        start = place_before(question.ledger, after + 1)
        head = _show(question.ledger.read(start), after, wanted, console, start)
        # Ctrl-C is how a person says that it was enough.
        with suppress(KeyboardInterrupt):
            while follow and console.heard:
                time.sleep(_POLL_S)
                head = _show(question.ledger.read(head), after, wanted, console, head)


_OF_PACKAGES = (
    RequirementAdded
    | RequirementRemoved
    | PackageLocked
    | PackageUnlocked
    | CandidateRejected
    | ArtifactFetched
    | ArtifactBuilt
    | ArtifactRefused
    | PackageInstalled
    | PackageRemoved
)
"""The events that are about the one package that they name."""


class Filter:
    """Which records a person asked for.

    Args:
        type_glob: A pattern for the type word, with or without its version.
        package: A package's name in any spelling; None for all events.
    """

    def __init__(self, type_glob: str, package: str | None) -> None:
        self._glob = type_glob
        self._package = normalise_name(package) if package is not None else None

    def __call__(self, record: Record) -> bool:
        """Whether the record is wanted."""
        word = record.event.type
        if not any(fnmatchcase(one, self._glob) for one in (word, word.partition("/")[0])):
            return False
        if self._package is None:
            return True
        return isinstance(record.event, _OF_PACKAGES) and record.event.name == self._package


def _show(
    records: Iterable[Record],
    after: int,
    wanted: Filter,
    console: Console,
    head: Head,
) -> Head:
    for record in records:
        head = Head(record.seq, record.digest, record.end)
        if record.seq > after and wanted(record):
            if console.json_output:
                console.document(as_document(record))
            else:
                console.say(clean_line(_line(record)))
    return head


def as_document(record: Record) -> dict[str, object]:
    """A record as JSON shows it: the line's fields and its digest."""
    return {
        "seq": record.seq,
        "id": record.id,
        "time": record.time,
        "type": record.event.type,
        "run": record.run,
        "actor": record.actor,
        "prev": record.prev,
        "digest": record.digest,
        "data": msgspec.to_builtins(record.event),
    }


def _line(record: Record) -> str:
    fields = " ".join(_fields(record))
    return f"{record.seq:>6}  {record.time[:19]}Z  {record.event.type:<26}  {fields}"


def _fields(record: Record) -> Iterator[str]:
    for name, value in msgspec.structs.asdict(record.event).items():
        if value in ("", (), 0):
            continue
        if isinstance(value, tuple):
            yield f"{name}={len(value)}" if len(value) > 3 else f"{name}={_short(value)}"  # noqa: PLR2004
        else:
            yield f"{name}={value}"


def _short(values: tuple[object, ...]) -> str:
    return ",".join(str(getattr(value, "filename", value)) for value in values)
