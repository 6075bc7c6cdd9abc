"""Where things lie: in a project and in ``PPM_HOME``."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from ppm.engine.errors import ProjectError, StorageError


class ProjectPaths(msgspec.Struct, frozen=True):
    """The places of a project below its root."""

    root: Path

    @property
    def data(self) -> Path:
        """``.ppm``."""
        return self.root / ".ppm"

    @property
    def ledger(self) -> Path:
        """The ledger."""
        return self.data / "ledger.jsonl"

    @property
    def write_lock(self) -> Path:
        """Held while lines are appended to the ledger."""
        return self.data / "write.lock"

    @property
    def operation_lock(self) -> Path:
        """Held for the whole of a command that changes the project."""
        return self.data / "operation.lock"

    @property
    def snapshots(self) -> Path:
        """The folder of snapshot files."""
        return self.data / "snapshots"

    @property
    def environments(self) -> Path:
        """The folder of generations."""
        return self.data / "envs"

    @property
    def environment(self) -> Path:
        """``.venv``, the link to the active generation."""
        return self.root / ".venv"

    def refuse_links(self) -> None:
        """Refuse a ``.ppm`` whose parts lead elsewhere: what is written there stays there.

        Raises:
            ProjectError: ``code="LINKED"``.
        """
        own = (self.data, self.snapshots, self.environments, self.ledger)
        for path in (*own, self.write_lock, self.operation_lock):
            if path.is_symlink():
                raise ProjectError(
                    f"{path} is a link",
                    code="LINKED",
                    hint="ppm writes into its own folder only: put the real one in its place",
                )

    @property
    def pylock(self) -> Path:
        """``pylock.toml``."""
        return self.root / "pylock.toml"


class HomePaths(msgspec.Struct, frozen=True):
    """The places of the user's ``PPM_HOME``."""

    root: Path

    @property
    def store(self) -> Path:
        """The content-addressed store."""
        return self.root / "store"

    @property
    def index(self) -> Path:
        """The cache of index pages and metadata."""
        return self.root / "index"

    @property
    def git(self) -> Path:
        """The cache of git repositories."""
        return self.root / "git"

    @property
    def store_lock(self) -> Path:
        """Shared by whoever uses the store, held alone by whoever removes from it."""
        return self.root / "store.lock"

    @property
    def projects(self) -> Path:
        """The registry of the projects that use the store."""
        return self.root / "projects"

    @property
    def shared_project(self) -> Path:
        """The project that ``ppm import`` uses outside any project."""
        return self.root / "shared"


def home_paths() -> HomePaths:
    """``PPM_HOME`` from the environment, else ``~/.ppm``.

    Raises:
        StorageError: ``code="NO_HOME"`` where the user has no home.
    """
    configured = os.environ.get("PPM_HOME") or "~/.ppm"
    try:
        return HomePaths(Path(configured).expanduser().absolute())
    except RuntimeError as error:
        raise StorageError(
            f"{configured} cannot be found: {error}",
            code="NO_HOME",
            hint="set PPM_HOME to a folder where ppm may keep its store",
        ) from error
