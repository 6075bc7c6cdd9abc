"""``ppm ledger merge``: two histories of one project meet."""

from __future__ import annotations

import sys
from typing import Annotated, Any

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
from ppm.commands.session import changing
from ppm.commands.words import locked_document, plural, tell_lock
from ppm.engine.errors import UsageError
from ppm.engine.ledger.other import open_other
from ppm.engine.merging import Conflict, Side
from ppm.engine.operations.merging import Choosing, Merged, conflict_words, merge
from ppm.engine.plain import clean_line
from ppm.events.envelope import Head
from ppm.projections.history import change


def ledger_merge(
    other: Annotated[
        str, Argument("OTHER", help="A ledger file, a project's folder, or a git revision.")
    ],
    *,
    ours: Annotated[bool, option("--ours", help="In a conflict keep what ours says.")] = False,
    theirs: Annotated[bool, option("--theirs", help="In a conflict take what OTHER says.")] = False,
    note: NoteOption = "",
    index_url: IndexOption = None,
    offline: OfflineOption = False,
    json_output: JsonOption = False,
    verbose: VerboseOption = False,
    quiet: QuietOption = False,
    project: ProjectOption = None,
) -> None:
    """Take what OTHER asked for since the histories parted into this one, and lock once."""
    if ours and theirs:
        raise UsageError("--ours and --theirs exclude each other")
    console = Console(json_output=json_output, verbose=verbose, quiet=quiet)
    side: Side | None = "ours" if ours else "theirs" if theirs else None
    choosing = Choosing(side=side, ask=_Asker(console))
    with (
        changing("ledger merge", project, console, note=note) as opened,
        open_other(other, opened.paths) as there,
    ):
        merged = merge(
            opened.run,
            opened.progress,
            there,
            choosing,
            index_url=index_url or "",
            offline=offline,
        )
    _tell(merged, other, console)
    console.answer(_document(merged))


class _Asker:
    """Asks a person who sits at the terminal; answers nothing where there is none."""

    def __init__(self, console: Console) -> None:
        self._console = console
        seen = sys.stdin.isatty() and sys.stderr.isatty()
        self._there = seen and not (console.json_output or console.quiet)

    def __call__(self, conflict: Conflict) -> Side | None:
        while self._there:
            self._console.note(conflict_words(conflict))
            self._console.note("keep ours (o) or take theirs (t)?")
            words = sys.stdin.readline()
            answer = words.strip().lower()
            if answer in ("o", "ours"):
                return "ours"
            if answer in ("t", "theirs"):
                return "theirs"
            self._there = bool(words)
        return None


def _tell(merged: Merged, other: str, console: Console) -> None:
    meeting = merged.meeting
    if merged.how == "nothing":
        console.say(clean_line(f"nothing to merge: {other} has nothing that is not here"))
        return
    count = plural(meeting.theirs.seq - meeting.fork.seq, "event")
    if merged.how == "forwarded":
        console.say(clean_line(f"took {count} of {other}: it continues this ledger"))
    else:
        console.say(clean_line(f"merged {count} of {other} after event {meeting.fork.seq}"))
    for one in merged.changes:
        console.say(clean_line(change(one)))
    for intent in merged.intents:
        if intent.outcome == "declined":
            console.say(clean_line(f"not taken: {_asked(intent.kind)} {intent.requirement}"))
    if merged.locked is not None:
        tell_lock(merged.locked, console)


def _asked(kind: str) -> str:
    return {"added": "require", "removed": "drop", "locked": "lock"}[kind]


def _document(merged: Merged) -> dict[str, Any]:
    meeting = merged.meeting
    return {
        "how": merged.how,
        "fork": _place(meeting.fork),
        "ours": _place(meeting.ours),
        "theirs": _place(meeting.theirs),
        "changes": [change(one) for one in merged.changes],
        "intents": list(merged.intents),
        "lock": locked_document(merged.locked) if merged.locked is not None else None,
    }


def _place(head: Head) -> dict[str, Any]:
    return {"seq": head.seq, "digest": head.digest}
