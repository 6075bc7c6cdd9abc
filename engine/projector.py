"""Projection files: loaded as a starting point, written after a command, compared in an audit."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from ppm.engine.files import read_regular, storage_errors, write_atomic
from ppm.engine.manifest.read import MANIFESTS
from ppm.engine.manifest.shared import is_shared
from ppm.engine.paths import ProjectPaths
from ppm.engine.ports import Ledger
from ppm.events.envelope import Head, Record
from ppm.projections.project import Project, fold
from ppm.projections.render import parse, render


def load(paths: ProjectPaths, ledger: Ledger) -> Project:
    """The project as of the ledger's head.

    Starts from the projection files where they are whole, belong together and name a place of this
    ledger; else from the first event.

    Raises:
        LedgerError: The ledger is corrupt.
    """
    return load_both(paths, ledger)[0]


def load_both(paths: ProjectPaths, ledger: Ledger) -> tuple[Project, Project | None]:
    """As :func:`load`; also the project that the files tell, None where they are of another ledger.

    Another ledger stands there where git checked out another branch of a shared one.
    """
    known = _stored(paths)
    if known is not None and not ledger.holds(known.head):
        known = None
    start = known or Project()
    return fold(ledger.read(start.head), start), known


def _stored(paths: ProjectPaths) -> Project | None:
    try:
        return parse(
            read_regular(paths.data / "state.json"), read_regular(paths.data / "lock.json")
        )
    except OSError:
        return None  # Missing or unreadable projections are rebuilt from the ledger.


def lost_place(paths: ProjectPaths, ledger: Ledger) -> tuple[Head, int] | None:
    """The place that the files were folded up to, and the ledger's size, if it has it no more.

    Files are written after the events they tell are synced, so no crash leaves them ahead: lines
    were cut off or replaced. Of a ledger that a team commits nothing is told, since git replaces it
    (and without a manifest nobody knows whether one does).

    Raises:
        LedgerError: A line was changed.
    """
    told = _stored(paths)
    if told is None or ledger.holds(told.head):
        return None
    if is_shared(paths.root) or not any((paths.root / name).exists() for name in MANIFESTS):
        return None
    records = list(ledger.read())
    same = fold(records).state.ledger == told.state.ledger
    return (told.head, len(records)) if same else None


def write(paths: ProjectPaths, project: Project, *, before: Project | None = None) -> None:
    """Write every projection file whose bytes changed; remove snapshot files without a snapshot.

    Not synced: a power loss may lose them, and then they are folded again. ``before`` is the
    project that the files tell, if they do; snapshots it already had are not read again, which
    keeps an apply in a project with thousands of them quick (``ppm replay`` looks at all).

    Raises:
        StorageError: The disk refused.
    """
    old = before.state.snapshots if before is not None else {}
    now = project.state.snapshots
    with storage_errors(paths.data):
        paths.snapshots.mkdir(exist_ok=True)
        there = set(os.listdir(paths.snapshots))  # noqa: PTH208 - names, not paths
    same = {name for name in old if old[name] == now.get(name) and f"{name}.json" in there}
    files = render(project, without=same)
    for name, data in files.items():
        path = paths.data / name
        if _bytes_of(path) != data:
            write_atomic(path, data, durable=False)
    if before is None:
        for path in _snapshot_files(paths):
            if f"snapshots/{path.name}" not in files:
                with storage_errors(path):
                    path.unlink()


def _bytes_of(path: Path) -> bytes | None:
    try:
        return read_regular(path)
    except OSError:
        return None  # Whatever stands there is replaced.


def _snapshot_files(paths: ProjectPaths) -> list[Path]:
    return sorted(paths.snapshots.glob("*.json")) if paths.snapshots.is_dir() else []


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A projection file that is not what the ledger folds to.

    ``problem`` is ``missing``, ``extra`` or ``differs``; ``keys`` are the dotted places.
    """

    file: str
    problem: str
    keys: tuple[str, ...]


def compare(paths: ProjectPaths, project: Project) -> list[Difference]:
    """How the files on disk differ from the project folded from the ledger; empty when equal."""
    expected = render(project)
    found: list[Difference] = []
    for name, data in sorted(expected.items()):
        actual = _bytes_of(paths.data / name)
        if actual is None:
            found.append(Difference(file=name, problem="missing", keys=()))
        elif actual != data:
            keys = tuple(differing_keys(actual, data))
            found.append(Difference(file=name, problem="differs", keys=keys))
    extra = [f"snapshots/{path.name}" for path in _snapshot_files(paths)]
    found.extend(
        Difference(file=name, problem="extra", keys=()) for name in extra if name not in expected
    )
    return found


def differing_keys(actual: bytes, expected: bytes) -> Iterator[str]:
    """Dotted keys at which two JSON documents differ, else ``(not JSON)`` or ``(form)``."""
    import json

    try:
        left, right = json.loads(actual), json.loads(expected)
    except (ValueError, RecursionError):
        yield "(not JSON)"
        return
    keys = list(_walk(left, right, ""))
    yield from keys or ["(form)"]


def _walk(left: Any, right: Any, at: str) -> Iterator[str]:
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted(left.keys() | right.keys()):
            yield from _walk(left.get(key), right.get(key), f"{at}.{key}" if at else key)
    elif left != right:
        yield at


def fold_until(records: Iterator[Record], seq: int) -> Project:
    """The project as it was just after record ``seq`` (or after the last one before it)."""

    def until() -> Iterator[Record]:
        for record in records:
            if record.seq > seq:
                return
            yield record

    return fold(until())
