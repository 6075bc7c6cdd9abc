"""Taking another history of the project's ledger into this one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Literal

import msgspec

from ppm.engine.errors import LedgerError, ProjectError
from ppm.engine.ledger.other import OtherLedger
from ppm.engine.locking import is_current, observe_manifest
from ppm.engine.manifest.model import Manifest
from ppm.engine.manifest.read import manifest_path, read_manifest
from ppm.engine.meeting import Meeting, meet
from ppm.engine.merging import (
    Conflict,
    Requested,
    Side,
    Wish,
    ahead,
    conflicts,
    decide,
    merged_events,
    preferred,
)
from ppm.engine.operations.edit import edit_manifest
from ppm.engine.operations.following import edited_manifest, require_sound
from ppm.engine.operations.forwarding import forward
from ppm.engine.operations.lock import Locked
from ppm.engine.operations.observe import (
    observe,
    pylock_bytes,
    roots_of,
    runtime_for,
    settle,
    share,
    unseen_edits,
)
from ppm.engine.paths import ProjectPaths
from ppm.engine.ports import Progress
from ppm.engine.resolve.problem import Policy
from ppm.engine.runtime import Runtime
from ppm.engine.target import Target
from ppm.engine.transaction import Transaction
from ppm.events.project import LedgerMerged
from ppm.events.requirement import IntentMerged


class Choosing(msgspec.Struct, frozen=True, kw_only=True):
    """Who decides conflicts: ``side`` all of them, else ``ask`` each; it may leave one open."""

    side: Side | None
    ask: Callable[[Conflict], Side | None]


class Merged(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome.

    ``how`` is ``nothing``, ``forwarded`` (their lines continue ours and were appended) or
    ``merged``. ``changes`` are the requirements that changed here.
    """

    how: Literal["nothing", "forwarded", "merged"]
    meeting: Meeting
    changes: tuple[Requested, ...] = ()
    intents: tuple[IntentMerged, ...] = ()
    locked: Locked | None = None


def merge(
    run: Transaction,
    progress: Progress,
    other: OtherLedger,
    choosing: Choosing,
    *,
    index_url: str = "",
    offline: bool = False,
) -> Merged:
    """Take in what ``other`` asked for since the histories parted.

    What can fail comes first: nothing is changed by a ledger that is not whole, a conflict that
    nobody decides, or requirements that do not resolve together.

    Raises:
        LedgerError: ``other`` is not whole, or ``LEDGER_UNRELATED``, ``MERGE_CONFLICT``,
            ``MERGE_INVALID``.
        ProjectError: The manifest cannot be read or edited.
        ResolutionError, IndexFailure, StorageError: As for every lock.
    """
    meeting = meet(run.ledger.read, other.read())
    _require_related(meeting, other)
    if meeting.merged or meeting.their.head.seq <= meeting.fork.seq:
        return Merged(how="nothing", meeting=meeting)
    manifest = _whole_manifest(run.paths)
    runtime = runtime_for(
        manifest,
        run.clock,
        progress,
        root=run.paths.root,
        index_url=index_url,
        offline=offline,
    )
    settle(runtime, manifest, run.project.lock)
    share(run.paths, manifest)
    if meeting.ours == meeting.fork and not unseen_edits(run.paths, run.project, manifest):
        changes = ahead(run.project, meeting.their)
        require_sound(changes)
        data = edited_manifest(run.paths, manifest, run.project, changes)
        forward(run, manifest, meeting, other, data=data, here=runtime.interpreter.target)
        return Merged(how="forwarded", meeting=meeting, changes=changes)
    _observe(run, manifest, runtime.interpreter.target)
    return _merge(run, runtime, manifest, meeting, choosing)


def _require_related(meeting: Meeting, other: OtherLedger) -> None:
    if meeting.fork.seq == 0:
        raise LedgerError(
            f"{other.name} is not a history of this project's ledger: their first lines differ",
            code="LEDGER_UNRELATED",
            hint="only copies of one ledger can be merged; each `ppm init` begins a new one",
        )


def _merge(
    run: Transaction, runtime: Runtime, manifest: Manifest, meeting: Meeting, choosing: Choosing
) -> Merged:
    before, target = run.project, runtime.interpreter.target
    open_ones = conflicts(meeting, before, target.name)
    choices = _chosen(open_ones, choosing)
    changes = decide(meeting, before, target.name, choices)
    require_sound(changes)
    data = edited_manifest(run.paths, manifest, before, changes)
    versions = preferred(meeting, before, target.name, theirs=choosing.side == "theirs")
    locked: Locked | None = None
    if changes or _must_lock(run, manifest, meeting, target, versions):
        policy = Policy() if before.lock.targets or meeting.their.lock.targets else None
        _, locked, _ = edit_manifest(run, runtime, manifest, data, policy, preferred=versions)
    done = merged_events(meeting, before, run.project, target.name)
    run.record(done)
    intents = tuple(one for one in done if not isinstance(one, LedgerMerged))
    return Merged(how="merged", meeting=meeting, changes=changes, intents=intents, locked=locked)


def _chosen(open_ones: Sequence[Conflict], choosing: Choosing) -> dict[Wish, Side]:
    choices: dict[Wish, Side] = {}
    undecided = []
    for one in open_ones:
        side = choosing.side or choosing.ask(one)
        if side is None:
            undecided.append(one)
        else:
            choices[one.group, one.name] = side
    if undecided:
        listed = "\n  ".join(conflict_words(one) for one in undecided)
        raise LedgerError(
            f"both sides changed what is required:\n  {listed}",
            code="MERGE_CONFLICT",
            hint="--ours keeps ours, --theirs takes theirs; what is no conflict is merged either "
            "way. Or edit the manifest to what theirs says, and merge again",
        )
    return choices


def conflict_words(one: Conflict) -> str:
    """One line that tells a conflict."""
    from ppm.engine.plain import clean_line

    place = f" ({one.group})" if one.group else ""
    sides = {"ours": one.ours, "theirs": one.theirs, "before": one.base}
    told = ", ".join(f"{side} {' and '.join(texts) or 'none'}" for side, texts in sides.items())
    return clean_line(f"{one.name}{place}: {told}")


def _must_lock(
    run: Transaction,
    manifest: Manifest,
    meeting: Meeting,
    target: Target,
    versions: Mapping[str, str],
) -> bool:
    lock = run.project.lock
    if not (lock.targets or meeting.their.lock.targets):
        return False
    data = pylock_bytes(run.paths)
    written = data is not None and sha256(data).hexdigest() == lock.pylock
    return bool(versions or not written or is_current(lock, roots_of(manifest), target))


def _observe(run: Transaction, manifest: Manifest, target: Target) -> None:
    """As every command does first; a ``pylock.toml`` in conflict will be written anew."""
    if _is_in_conflict(pylock_bytes(run.paths) or b""):
        events = observe_manifest(run.project.state, manifest)
        if events:
            run.record(events)
    else:
        observe(run, manifest, target)


def _whole_manifest(paths: ProjectPaths) -> Manifest:
    path = manifest_path(paths.root)
    try:
        return read_manifest(path)
    except ProjectError as error:
        if error.code == "MANIFEST_INVALID" and _is_in_conflict(path.read_bytes()):
            raise ProjectError(
                f"{path.name} holds merge-conflict markers",
                code="MANIFEST_INVALID",
                hint=f"solve them first: `git checkout --ours {path.name}` keeps ours, and the "
                "merge of the ledgers then adds what theirs asks for",
            ) from error
        raise


def _is_in_conflict(data: bytes) -> bool:
    return b"\n<<<<<<< " in b"\n" + data
