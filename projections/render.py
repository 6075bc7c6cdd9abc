"""The canonical bytes of projections: one way to write each, and how to read it back.

Files are JSON indented by two spaces with a final newline; keys of maps are sorted, fields of
structures keep their order. ``digest`` guards against a file changed by hand: it is the SHA-256 of
the body in compact form.
"""

from __future__ import annotations

from collections.abc import Collection
from hashlib import sha256

import msgspec

from ppm.events.envelope import Head
from ppm.projections.lock import Lock, LockedPackage, content_digest
from ppm.projections.project import Project
from ppm.projections.state import Environment, Snapshot, State, TrustedKey

STATE_FORMAT = "ppm-state/1"
LOCK_FORMAT = "ppm-lock/1"
SNAPSHOT_FORMAT = "ppm-snapshot/1"

_ENCODER = msgspec.json.Encoder(order="deterministic")


class StateBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What ``state.json`` says; fields as in :class:`State`.

    ``lock_file`` is the digest of ``lock.json`` as of the same place.
    """

    ledger: str
    name: str
    manifest: str
    manifest_sha256: str
    lock_file: str
    requirements: dict[str, dict[str, str]]
    environments: dict[str, Environment]
    snapshots: dict[str, Snapshot]
    keys: dict[str, TrustedKey]


class StateFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``state.json``: the place folded up to (``seq``, line digest, byte offset) and the body."""

    format: str
    seq: int
    head: str
    end: int
    digest: str
    state: StateBody


class LockFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``lock.json``.

    ``seq`` is the event that last changed the lock, ``content`` the digest of what it pins.
    """

    format: str
    seq: int
    content: str
    requirements: str
    pylock: str
    targets: dict[str, dict[str, LockedPackage]]


class SnapshotFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``snapshots/<name>.json``: a reference to a place of the ledger."""

    format: str
    name: str
    snapshot: Snapshot


def _pretty(value: msgspec.Struct) -> bytes:
    return msgspec.json.format(_ENCODER.encode(value), indent=2) + b"\n"


def render_lock(lock: Lock) -> bytes:
    """The bytes of ``lock.json``."""
    return _pretty(
        LockFile(
            format=LOCK_FORMAT,
            seq=lock.seq,
            content=content_digest(lock),
            requirements=lock.requirements,
            pylock=lock.pylock,
            targets=lock.targets,
        )
    )


def render_state(project: Project, lock_file: bytes) -> bytes:
    """The bytes of ``state.json``; ``lock_file`` are those of ``lock.json``."""
    state = project.state
    body = StateBody(
        ledger=state.ledger,
        name=state.name,
        manifest=state.manifest,
        manifest_sha256=state.manifest_sha256,
        lock_file=sha256(lock_file).hexdigest(),
        requirements=state.requirements,
        environments=state.environments,
        snapshots=state.snapshots,
        keys=state.keys,
    )
    return _pretty(
        StateFile(
            format=STATE_FORMAT,
            seq=project.head.seq,
            head=project.head.digest,
            end=project.head.end,
            digest=_body_digest(body),
            state=body,
        )
    )


def render_snapshot(name: str, snapshot: Snapshot) -> bytes:
    """The bytes of ``snapshots/<name>.json``."""
    return _pretty(SnapshotFile(format=SNAPSHOT_FORMAT, name=name, snapshot=snapshot))


def render(project: Project, without: Collection[str] = ()) -> dict[str, bytes]:
    """Every projection file of the project by its path below ``.ppm``.

    The files of the snapshots ``without`` are left out.
    """
    lock_file = render_lock(project.lock)
    files = {"lock.json": lock_file, "state.json": render_state(project, lock_file)}
    for name, snapshot in project.state.snapshots.items():
        if name not in without:
            files[f"snapshots/{name}.json"] = render_snapshot(name, snapshot)
    return files


def parse(state_file: bytes, lock_file: bytes) -> Project | None:
    """The project that the two files were rendered from, or None if they are not such files.

    None for another format or version, a changed byte, or two files that do not belong together;
    the caller then folds from the start. Whether the place is in the ledger is the caller's check.
    """
    try:
        state = msgspec.json.decode(state_file, type=StateFile)
        lock = msgspec.json.decode(lock_file, type=LockFile)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    body = state.state
    if state.format != STATE_FORMAT or lock.format != LOCK_FORMAT:
        return None
    if _body_digest(body) != state.digest or body.lock_file != sha256(lock_file).hexdigest():
        return None
    return Project(
        head=Head(state.seq, state.head, state.end),
        state=State(
            ledger=body.ledger,
            name=body.name,
            manifest=body.manifest,
            manifest_sha256=body.manifest_sha256,
            requirements=body.requirements,
            environments=body.environments,
            snapshots=body.snapshots,
            keys=body.keys,
        ),
        lock=Lock(
            seq=lock.seq,
            requirements=lock.requirements,
            pylock=lock.pylock,
            targets=lock.targets,
        ),
    )


def _body_digest(body: StateBody) -> str:
    return sha256(_ENCODER.encode(body)).hexdigest()
