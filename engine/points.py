"""What can be compared: points of history, lock files, and what git has of them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ppm.engine.difference import Pin
from ppm.engine.environment.machine import machine_id
from ppm.engine.errors import ProjectError
from ppm.engine.git import commit_of, file_at
from ppm.engine.lockfile import LOCK_NAME, parse_pylock
from ppm.engine.manifest.model import Manifest
from ppm.engine.manifest.read import manifest_path, parse_manifest, read_manifest
from ppm.engine.moments import moment
from ppm.engine.operations.observe import runtime_for, settle
from ppm.engine.operations.stepping import last_change
from ppm.engine.paths import ProjectPaths, home_paths
from ppm.engine.ports import Clock, Ledger, Progress
from ppm.engine.projector import fold_until
from ppm.engine.target import Target
from ppm.projections.lock import Lock, LockedPackage
from ppm.projections.project import Project
from ppm.projections.state import Environment

GIT = "git:"


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One side of a comparison.

    ``label`` says where it is from; ``seq`` is None outside history. ``requirements`` and
    ``installed`` are None where the source does not tell them: a lock file has neither.
    """

    label: str
    seq: int | None
    requirements: dict[str, dict[str, str]] | None
    locked: dict[str, Pin]
    installed: dict[str, Pin] | None


class Points:
    """Finds points by the names people give them, for one project."""

    def __init__(
        self,
        paths: ProjectPaths,
        ledger: Ledger,
        project: Project,
        clock: Clock,
        progress: Progress,
    ) -> None:
        self._paths = paths
        self._ledger = ledger
        self._project = project
        self._clock = clock
        self._progress = progress
        self._machine = machine_id(home_paths().root)

    def now(self) -> Point:
        """The project as the ledger knows it now."""
        return self._of(self._project, "now", self._project.head.seq)

    def before_last_change(self) -> Point:
        """The project before the last command that changed it; now, if none has."""
        step = last_change(self._ledger, self._machine)
        if step is None:
            return self.now()
        return self._of(self._at(step.point), f"before {step.verb}, event {step.seq}", step.point)

    def named(self, text: str) -> Point:
        """The point that a person calls ``text``.

        Args:
            text: A snapshot's name, a ``seq``, a time, the path of a lock file (ends in ``.toml``
                or has a separator in it, or stands there), or ``git:REVISION``.

        Raises:
            ProjectError: ``UNKNOWN_MOMENT``, ``LOCK_INVALID`` or ``GIT``.
        """
        if text.startswith(GIT):
            return self._in_git(text.removeprefix(GIT))
        if text not in self._project.state.snapshots and _is_file_name(text):
            return self._in_file(Path(text))
        seq = moment(text, self._project, self._ledger)
        label = f"event {seq}" if text == str(seq) else f"{text}, event {seq}"
        return self._of(self._at(seq), label, seq)

    def _at(self, seq: int) -> Project:
        return fold_until(self._ledger.read(), seq)

    def _of(self, project: Project, label: str, seq: int) -> Point:
        environment = project.state.environments.get(self._machine, Environment())
        return Point(
            label=label,
            seq=seq,
            requirements=project.state.requirements,
            locked=self._locked(project.lock),
            installed={
                name: Pin(version=one.version, digests=frozenset([one.sha256]))
                for name, one in environment.packages.items()
            },
        )

    def _locked(self, lock: Lock) -> dict[str, Pin]:
        if not lock.targets:
            return {}
        name = next(iter(lock.targets))
        if len(lock.targets) > 1 and (here := self._target(lock).name) in lock.targets:
            name = here
        return {package.name: _pin(package) for package in lock.targets[name].values()}

    def _target(self, lock: Lock = Lock()) -> Target:  # noqa: B008 - frozen
        manifest = self._manifest()
        runtime = runtime_for(manifest, self._clock, self._progress)
        settle(runtime, manifest, lock)
        return runtime.interpreter.target

    def _manifest(self) -> Manifest:
        return read_manifest(manifest_path(self._paths.root))

    def _in_file(self, path: Path) -> Point:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ProjectError(
                f"{path}: {error.strerror}",
                code="UNKNOWN_MOMENT",
                hint="name a lock file, a snapshot, an event, a time or git:REVISION",
            ) from error
        return Point(
            label=str(path),
            seq=None,
            requirements=None,
            locked=self._pins(data),
            installed=None,
        )

    def _in_git(self, revision: str) -> Point:
        root = self._paths.root
        commit = commit_of(revision, root)
        name = self._manifest().path
        manifest, lock = file_at(commit, name, root), file_at(commit, LOCK_NAME, root)
        if manifest is None and lock is None:
            raise ProjectError(
                f"git has neither {name} nor {LOCK_NAME} of this project at {revision}",
                code="UNKNOWN_MOMENT",
                hint="choose a revision in which they are committed",
            )
        return Point(
            label=f"{GIT}{revision} ({commit[:12]})",
            seq=None,
            requirements=self._requirements(manifest, name) if manifest is not None else None,
            locked=self._pins(lock) if lock is not None else {},
            installed=None,
        )

    def _requirements(self, manifest: bytes, name: str) -> dict[str, dict[str, str]]:
        parsed = parse_manifest(manifest, file_name=name, directory=self._paths.root)
        found: dict[str, dict[str, str]] = {}
        for one in parsed.requirements:
            found.setdefault(one.group, {})[one.requirement] = one.name
        return found

    def _pins(self, lock: bytes) -> dict[str, Pin]:
        return {package.name: _pin(package) for package in parse_pylock(lock, self._target())}


def _is_file_name(text: str) -> bool:
    return text.endswith(".toml") or "/" in text or (not text.isdigit() and Path(text).is_file())


def _pin(package: LockedPackage) -> Pin:
    digests = frozenset(file.sha256 for file in package.files)
    return Pin(version=package.version, digests=digests)
