"""The history of a project as one HTML page that needs nothing else: no network, no other file.

The page says what the ledger says and nothing of the moment it was made in, so that the same
ledger gives the same bytes. Every text of the ledger is escaped; a content security policy names
the page's own style and script by digest and allows nothing besides.
"""

from __future__ import annotations

import shlex
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from html import escape
from itertools import groupby
from pathlib import Path

import msgspec

from ppm.engine.plain import clean
from ppm.projections.history import CUT_SHORT, Operation
from ppm.projections.project import Project

_CHANGES_SHOWN = 12
_KINDS = {"+": "added", "-": "removed"}


class History(msgspec.Struct, frozen=True, kw_only=True):
    """What the page tells.

    ``project`` is the fold of a ledger whose whole chain was checked while it was read.
    ``operations`` are oldest first.
    """

    project: Project
    operations: Sequence[Operation]


def history_page(history: History) -> bytes:
    """The page, in UTF-8."""
    style, script = _own("history.css"), _own("history.js")
    name = _text(history.project.state.name)
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    page = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        '<meta name="generator" content="ppm provenance --html">',
        f"<title>{name}: history</title>",
        f"<style>{style}</style>",
        "</head>",
        "<body>",
        *_header(history, name),
        *_filters(history.operations),
        "<main>",
        *_days(history.operations),
        '<p id="nothing" hidden>No operation fits this filter.</p>',
        "</main>",
        f"<script>{script}</script>",
        "</body>",
        "</html>",
    ]
    return ("\n".join(page) + "\n").encode()


def _own(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()


def _text(text: str) -> str:
    return escape(clean(text))


def _header(history: History, name: str) -> Iterator[str]:
    operations, head = history.operations, history.project.head
    yield "<header>"
    yield f"<h1>{name} <small>history</small></h1>"
    yield '<dl class="status">'
    yield _fact("Ledger", '<span class="ok">chain verified</span>')
    yield _fact("Events", f"{head.seq:,}")
    yield _fact("Operations", f"{len(operations):,}")
    if operations:
        first, last = operations[0].time[:10], operations[-1].time[:10]
        span = f"<span>{first}</span>" + (f" to <span>{last}</span>" if first != last else "")
        yield _fact("Days (UTC)", span)
    yield _fact("Head", f"<code>{head.digest}</code>", "head")
    yield _fact("Ledger id", f"<code>{_text(history.project.state.ledger)}</code>", "id")
    yield "</dl>"
    yield (
        f"<p>When this page was written, each of the {head.seq:,} events up to the head named the "
        "SHA-256 of the one before it. <code>ppm ledger verify</code> checks it again.</p>"
    )
    yield "</header>"


def _fact(name: str, value: str, shape: str = "fact") -> str:
    return f'<div class="{shape}"><dt>{name}</dt><dd>{value}</dd></div>'


def _filters(operations: Iterable[Operation]) -> Iterator[str]:
    verbs = sorted({one.verb for one in operations if one.verb})
    statuses = sorted({_status(one) for one in operations})
    # Without a script there is nothing to filter with.
    yield '<form id="filters" role="search" hidden>'
    yield (
        '<input id="words" type="search" aria-label="Filter by text" autocomplete="off" '
        'placeholder="Filter: package, note, person …">'
    )
    yield from _choice("verb", "Any command", verbs)
    yield from _choice("status", "Any status", statuses)
    yield '<output id="count" aria-live="polite"></output>'
    yield "</form>"


def _choice(name: str, everything: str, values: Iterable[str]) -> Iterator[str]:
    yield f'<select id="{name}" aria-label="{everything}">'
    yield f'<option value="">{everything}</option>'
    yield from (f"<option>{_text(value)}</option>" for value in values)
    yield "</select>"


def _days(operations: Sequence[Operation]) -> Iterator[str]:
    newest_first = list(operations)[::-1]
    for day, of_day in groupby(newest_first, key=lambda one: one.time[:10]):
        yield f"<section><h2>{_text(day)}</h2>"
        yield "<ol>"
        for operation in of_day:
            yield from _operation(operation)
        yield "</ol></section>"


def _operation(one: Operation) -> Iterator[str]:
    status = _status(one)
    yield (
        f'<li id="e{one.seq}" class="{status.replace(" ", "-")}" '
        f'data-verb="{_text(one.verb)}" data-status="{status}">'
    )
    yield f'<time datetime="{_text(one.time)}">{_text(one.time[11:19])}</time>'
    yield "<article>"
    yield f"<h3><code>{_text(_command(one))}</code>{_badge(one)}</h3>"
    if one.note:
        yield f'<p class="note">{_text(one.note)}</p>'
    if one.message:
        yield f'<p class="message">{_text(one.message)}</p>'
    yield from _changes(one.changes)
    events = (
        f"event {one.seq}" if one.seq == one.last_seq else f"events {one.seq} to {one.last_seq}"
    )
    duration = f" · {_duration(one.duration_us)}" if one.duration_us else ""
    yield f'<p class="by">{_text(one.actor)} · {events}{duration}</p>'
    yield "</article></li>"


def _command(one: Operation) -> str:
    """The command line; its note is shown by itself."""
    words = list(one.argv)
    for place, word in enumerate(words[:-1]):
        if word == "--note" and words[place + 1] == one.note:
            del words[place : place + 2]
            break
    return shlex.join(["ppm", one.verb, *words]) if one.verb else "(no command)"


def _status(one: Operation) -> str:
    """``done``, ``failed`` or ``cut short``."""
    return one.status.partition("[")[0]


def _badge(one: Operation) -> str:
    if one.status == "done":
        return ""
    words = one.status if one.status == CUT_SHORT else one.status.removeprefix("failed").strip("[]")
    return f' <strong class="badge">{_text(words)}</strong>'


def _changes(changes: Sequence[str]) -> Iterator[str]:
    if not changes:
        return
    shown, hidden = changes[:_CHANGES_SHOWN], changes[_CHANGES_SHOWN:]
    yield f'<ul class="changes">{"".join(map(_change, shown))}</ul>'
    if hidden:
        yield f"<details><summary>{len(hidden)} more</summary>"
        yield f'<ul class="changes">{"".join(map(_change, hidden))}</ul></details>'


def _change(words: str) -> str:
    kind = "changed" if " → " in words else _KINDS.get(words[:1], "other")
    return f'<li class="{kind}">{_text(words)}</li>'


def _duration(duration_us: int) -> str:
    seconds = duration_us / 1e6
    return f"{seconds:.1f} s" if seconds >= 1 else f"{duration_us // 1000} ms"
