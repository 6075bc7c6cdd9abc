"""Another history that continues ours: its lines as they are, and the files that go with them.

The files come first. A crash before the lines are there leaves edits that the next command records
as somebody's, and the merge that is run again finds what it would do done already.
"""

from __future__ import annotations

from ppm.engine.files import storage_errors, write_atomic
from ppm.engine.ledger.extend import extend
from ppm.engine.ledger.other import OtherLedger
from ppm.engine.locking import requirement_changes
from ppm.engine.manifest.model import Manifest
from ppm.engine.manifest.read import check_requirements, parse_manifest
from ppm.engine.meeting import Meeting
from ppm.engine.operations.lockfiles import pylock_for, record_lock
from ppm.engine.operations.observe import pylock_bytes
from ppm.engine.target import Target
from ppm.engine.transaction import Transaction
from ppm.events.project import ManifestWritten


def forward(
    run: Transaction,
    manifest: Manifest,
    meeting: Meeting,
    other: OtherLedger,
    *,
    data: bytes,
    here: Target,
) -> None:
    """Append the lines of ``other`` after ours; ``data`` is the manifest that they speak of.

    ``here`` is the target of this machine.

    Raises:
        LedgerError: ``code="LEDGER_MOVED"``.
        ProjectError: The manifest would not be one.
        StorageError: The disk refused.
    """
    root, lock = run.paths.root, meeting.their.lock
    edited = parse_manifest(data, file_name=manifest.path, directory=root)
    check_requirements(edited)
    pylock = pylock_for(edited, lock.targets, here) if lock.targets else None
    if edited.sha256 != manifest.sha256:
        write_atomic(root / manifest.path, data)
    if pylock is None:
        with storage_errors(run.paths.pylock):
            run.paths.pylock.unlink(missing_ok=True)
    elif pylock_bytes(run.paths) != pylock:
        write_atomic(run.paths.pylock, pylock)
    extend(run.paths, meeting.fork, other.lines_after(meeting.fork))
    run.record([])
    if edited.sha256 != run.project.state.manifest_sha256:
        changes = requirement_changes(run.project.state, edited)
        run.record([ManifestWritten(path=edited.path, sha256=edited.sha256), *changes])
    if pylock is not None:
        record_lock(run, lock.targets, data=pylock, requirements=lock.requirements)
