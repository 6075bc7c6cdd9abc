"""Before anything else: bring the ledger up to files that other people and tools edited."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from ppm.engine.errors import StorageError
from ppm.engine.files import storage_errors
from ppm.engine.locking import observe_manifest, observe_pylock
from ppm.engine.manifest.groups import expand_group
from ppm.engine.manifest.model import Manifest
from ppm.engine.manifest.read import manifest_path, read_manifest
from ppm.engine.paths import ProjectPaths, home_paths
from ppm.engine.ports import Clock, Progress
from ppm.engine.resolve.problem import RootRequirement
from ppm.engine.runtime import Runtime
from ppm.engine.target import Target
from ppm.engine.transaction import Transaction
from ppm.projections.lock import Lock
from ppm.projections.project import Project


def begin(
    run: Transaction,
    progress: Progress,
    *,
    index_url: str = "",
    offline: bool = False,
    python: Path | None = None,
    gpu: str = "",
) -> tuple[Manifest, Runtime]:
    """Read the manifest, wire the parts its settings name, bring the ledger up to edited files.

    Args:
        run: The open command.
        progress: Where the engine tells how far it is.
        index_url: The index given on the command line, ``""`` for none.
        offline: Never use the network.
        python: The interpreter to use; the one the settings ask for by default.
        gpu: The GPU backend given on the command line, ``""`` for none.

    Raises:
        ProjectError: ``NO_MANIFEST``, ``MANIFEST_INVALID``, ``LOCK_INVALID`` or
            ``UNKNOWN_BACKEND``.
    """
    manifest = read_manifest(manifest_path(run.paths.root))
    runtime = runtime_for(
        manifest,
        run.clock,
        progress,
        root=run.paths.root,
        index_url=index_url,
        offline=offline,
        python=python,
    )
    share(run.paths, manifest)
    before = run.project.lock
    settle(runtime, manifest, before, gpu)
    observe(run, manifest, runtime.interpreter.target)
    if run.project.lock is not before:
        settle(runtime, manifest, run.project.lock, gpu)
    return manifest, runtime


def runtime_for(
    manifest: Manifest,
    clock: Clock,
    progress: Progress,
    *,
    root: Path = Path(),
    index_url: str = "",
    offline: bool = False,
    python: Path | None = None,
) -> Runtime:
    """The parts that a manifest's settings and the command line name."""
    return Runtime(
        home_paths(),
        clock,
        progress,
        index_url=index_url or manifest.settings.index_url,
        offline=offline,
        python=manifest.requires_python,
        interpreter=python,
        root=root,
        requirements=tuple(one.requirement for one in manifest.requirements),
        backends={one.name: one.index for one in manifest.settings.backends},
    )


def settle(runtime: Runtime, manifest: Manifest, lock: Lock, gpu: str = "") -> None:
    """Let ``runtime`` use the GPU backend that was asked for, else the lock's or the settings'.

    Raises:
        ProjectError: ``code="UNKNOWN_BACKEND"``.
    """
    if gpu or manifest.settings.backends:
        from ppm.engine.operations.backends import settle_backend  # Few projects have any.

        settle_backend(runtime, manifest, lock, gpu)


def share(paths: ProjectPaths, manifest: Manifest) -> None:
    """Let git see the ledger where the manifest says that a team commits it."""
    if manifest.settings.ledger_shared:
        from ppm.engine.operations.gitfiles import write_git_files

        write_git_files(paths.root, shared=True)


def observe(run: Transaction, manifest: Manifest, target: Target) -> None:
    """Record how the manifest and ``pylock.toml`` differ from what the ledger last recorded.

    Raises:
        ProjectError: ``LOCK_INVALID``.
    """
    events = observe_manifest(run.project.state, manifest)
    data = pylock_bytes(run.paths)
    lock = run.project.lock
    if data is not None and sha256(data).hexdigest() != lock.pylock:
        events += observe_pylock(lock, data, target)
    if events:
        run.record(events)


def unseen_edits(paths: ProjectPaths, project: Project, manifest: Manifest) -> bool:
    """Whether the manifest or ``pylock.toml`` is not what the ledger last recorded."""
    data = pylock_bytes(paths)
    locked = sha256(data).hexdigest() if data is not None else ""
    return (manifest.sha256, locked) != (project.state.manifest_sha256, project.lock.pylock)


def manifest_bytes(paths: ProjectPaths, manifest: Manifest) -> bytes:
    """The manifest's bytes, to be edited."""
    path = paths.root / manifest.path
    with storage_errors(path):
        return path.read_bytes()


def pylock_bytes(paths: ProjectPaths) -> bytes | None:
    """The bytes of ``pylock.toml``, or None where there is none."""
    try:
        return paths.pylock.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"{paths.pylock}: {error.strerror}", code="NOT_PERMITTED") from error


def roots_of(manifest: Manifest) -> tuple[RootRequirement, ...]:
    """Everything the manifest asks for, includes expanded, each under its group."""
    groups = dict.fromkeys(["", *manifest.groups, *(one.group for one in manifest.requirements)])
    return tuple(
        RootRequirement(group=group, requirement=text)
        for group in groups
        for text in expand_group(manifest, group)
    )
