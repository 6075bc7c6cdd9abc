"""``ppm log``: the events themselves."""

from __future__ import annotations

import fnmatch
import time
from collections.abc import Iterable, Iterator
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
from ppm.engine.moments import moment
from ppm.events.envelope import Head, Record

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
        after = moment(since, question.project(), question.ledger) if since is not None else 0
        head = _show(question.ledger.read(), after, wanted, console)
        while follow and console.heard:
            time.sleep(_POLL_S)
            head = _show(question.ledger.read(head), after, wanted, console, head)


class Filter:
    """Which records a person asked for."""

    def __init__(self, type_glob: str, package: str | None) -> None:
        self._glob = type_glob
        self._package = package.lower().replace("_", "-").replace(".", "-") if package else None

    def __call__(self, record: Record) -> bool:
        """Whether the record is wanted."""
        if not fnmatch.fnmatchcase(record.event.type, self._glob):
            return False
        return self._package is None or getattr(record.event, "name", None) == self._package


def _show(
    records: Iterable[Record],
    after: int,
    wanted: Filter,
    console: Console,
    head: Head | None = None,
) -> Head:
    head = head or Head()
    for record in records:
        head = Head(record.seq, record.digest, record.end)
        if record.seq > after and wanted(record):
            if console.json_output:
                console.document(as_document(record))
            else:
                console.say(_line(record))
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
