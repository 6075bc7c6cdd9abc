"""Making a folder a project."""

from __future__ import annotations

import os
from pathlib import Path

from ppm.engine.errors import LedgerError, ProjectError
from ppm.engine.files import storage_errors, write_atomic
from ppm.engine.ledger.lost import HINT, is_lost
from ppm.engine.locking import observe_manifest, requirement_changes
from ppm.engine.manifest.edit import add_requirements, render_new_manifest
from ppm.engine.manifest.names import normalise_name
from ppm.engine.manifest.read import MANIFESTS, PYPM, manifest_path, read_manifest
from ppm.engine.operations.gitfiles import write_git_files
from ppm.engine.paths import ProjectPaths
from ppm.engine.transaction import Transaction
from ppm.events.catalog import AnyEvent
from ppm.events.project import ManifestWritten, ProjectInitialized


def make_folder(paths: ProjectPaths) -> None:
    """Create ``.ppm``; the first events follow in a transaction.

    Raises:
        ProjectError: ``code="NOT_A_FOLDER"`` where something else stands there.
        LedgerError: ``code="LEDGER_LOST"`` where there was a history.
        StorageError: The disk refused.
    """
    if paths.data.is_symlink() or (paths.data.exists() and not paths.data.is_dir()):
        raise ProjectError(
            f"{paths.data} exists and is no folder",
            code="NOT_A_FOLDER",
            hint="move it away and run `ppm init` again",
        )
    if is_lost(paths):
        raise LedgerError(
            f"the ledger {paths.ledger} is missing or empty, and the history it held with it",
            code="LEDGER_LOST",
            hint=HINT,
        )
    with storage_errors(paths.data):
        paths.snapshots.mkdir(parents=True, exist_ok=True)


def initialise(run: Transaction, ledger_id: str) -> tuple[str, ...]:
    """Write what is missing of the manifest and git's files, record the project's beginning.

    Returns:
        The names of the files written beside ``.ppm``.
    """
    root = run.paths.root
    written: list[str] = []
    data: bytes | None = None
    if not any((root / name).exists() for name in MANIFESTS):
        data = render_new_manifest(_project_name(root))
        write_atomic(root / PYPM, data)
        written.append(PYPM)
    manifest = read_manifest(manifest_path(root))
    written += write_git_files(root, shared=manifest.settings.ledger_shared)
    beginning = ProjectInitialized(ledger=ledger_id, name=manifest.name, manifest=manifest.path)
    seen: tuple[AnyEvent, ...] = observe_manifest(run.project.state, manifest)
    if data is not None:
        seen = (ManifestWritten(path=PYPM, sha256=manifest.sha256), *seen[1:])
    run.record([beginning, *seen])
    return tuple(written)


def is_manifest_gone(root: Path) -> bool:
    """Whether nothing stands where a manifest would."""
    return not any(os.path.lexists(root / name) for name in MANIFESTS)


def restore_manifest(run: Transaction) -> int:
    """Write a manifest with the requirements that the ledger knows, and record it.

    Returns:
        How many requirements it has.

    Raises:
        RequirementError: The ledger has one that never parsed.
        StorageError: The disk refused.
    """
    root, state = run.paths.root, run.project.state
    data = render_new_manifest(state.name)
    for group, requirements in sorted(state.requirements.items()):
        data = add_requirements(
            data,
            file_name=PYPM,
            project=state.name,
            group=group,
            requirements=tuple(requirements),
        )
    write_atomic(root / PYPM, data)
    manifest = read_manifest(root / PYPM)
    written = ManifestWritten(path=PYPM, sha256=manifest.sha256)
    run.record([written, *requirement_changes(state, manifest)])
    return len(manifest.requirements)


def _project_name(root: Path) -> str:
    """A valid project name from the folder's."""
    letters = "".join(char if char.isascii() and char.isalnum() else "-" for char in root.name)
    return normalise_name(letters.strip("-")) or "project"
