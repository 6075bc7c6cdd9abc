"""A project with an applied environment, and everything about it that a failure may not touch.

The scene: ``ash 1.0`` (needs ``birch``) is asked for, locked and in ``.venv``; ``elm 1.0`` is on
the index, and nobody has asked for it or its page.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import msgspec
from conftest import Program, PublishedIndex

from ppm.engine.clock import SystemClock
from ppm.engine.environment.generation import read_generation
from ppm.engine.environment.tree import tree_root
from ppm.engine.hashing.cpu import CpuHasher
from ppm.engine.ledger.file import FileLedger
from ppm.engine.paths import HomePaths, ProjectPaths
from ppm.engine.projector import compare
from ppm.events.envelope import Record
from ppm.projections.project import Project, fold

TRACEBACK = "Traceback (most recent call last)"


@dataclass(frozen=True)
class Marks:
    """What a user has: the files, the lock as folded, the environment to the byte."""

    manifest: bytes | None
    pylock: bytes | None
    requirements: bytes
    lock: bytes
    environment: str
    tree: str


@dataclass(frozen=True)
class Scene:
    """The project, the index it uses and the user's ``PPM_HOME``."""

    index: PublishedIndex
    ppm: Program
    home: HomePaths

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self.ppm.directory

    @property
    def paths(self) -> ProjectPaths:
        """Its places."""
        return ProjectPaths(self.root)

    @property
    def manifest(self) -> Path:
        """Its manifest."""
        return self.root / "pypm.toml"

    def records(self) -> list[Record]:
        """The ledger, every line decoded and checked against the chain."""
        paths, clock = self.paths, SystemClock()
        ledger = FileLedger(paths.ledger, paths.write_lock, clock=clock, actor="test@test")
        return list(ledger.read())

    def project(self) -> Project:
        """The fold of the whole ledger."""
        return fold(iter(self.records()))

    def marks(self) -> Marks:
        """What has to be the same after a failure."""
        project = self.project()
        lock = msgspec.structs.replace(project.lock, seq=0)
        environment = self.paths.environment
        active = str(environment.readlink()) if environment.is_symlink() else ""
        return Marks(
            manifest=_bytes(self.manifest),
            pylock=_bytes(self.paths.pylock),
            requirements=msgspec.json.encode(project.state.requirements),
            lock=msgspec.json.encode(lock),
            environment=active,
            tree=tree_root(self.root / active, CpuHasher()) if active else "",
        )

    def refused(
        self,
        *arguments: str | Path,
        code: str,
        env: Mapping[str, str] | None = None,
        hint: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command that has to fail with ``code`` and change nothing that a user has."""
        before = self.marks()
        result = self.ppm.run(*arguments, env=env)
        assert_told(result, code, hint=hint)
        assert self.marks() == before
        self.assert_valid()
        return result

    def succeeds(self, *arguments: str | Path) -> str:
        """Run a command that has to succeed now and leave everything tidy."""
        output = self.ppm.ok(*arguments)
        self.assert_valid()
        self.assert_tidy()
        return output

    def assert_valid(self) -> None:
        """The ledger is a chain, the projections are its folds, the environment is whole."""
        self.assert_chain()
        assert compare(self.paths, self.project()) == []
        self.assert_whole()

    def assert_chain(self) -> None:
        """The five-line verification of docs/ledger.md, and the full one."""
        prev = "0" * 64
        for line in self.paths.ledger.read_bytes().splitlines():
            assert json.loads(line)["prev"] == prev
            prev = sha256(line).hexdigest()
        assert self.records()

    def assert_whole(self) -> None:
        """``.venv`` leads to a generation that is to the byte what was built.

        There is none only where the ledger says so.
        """
        if not self.paths.environment.is_symlink():
            assert not any(one.active for one in self.project().state.environments.values())
            return
        generation = read_generation(self.paths.environment.resolve())
        assert generation is not None
        assert tree_root(self.paths.environment.resolve(), CpuHasher()) == generation.root

    def assert_tidy(self) -> None:
        """Nothing half-done lies about, in the project or in the store.

        The index cache may keep the temporary file of a killed command: a few kilobytes.
        """
        envs = self.paths.environments
        left = [path for path in self.root.rglob("*") if not path.is_relative_to(envs)]
        left = [path for path in left if path.name.endswith(".tmp")]
        left += envs.glob(".tmp-*")
        left += self.home.store.glob("wheels/.staging-*")
        left += self.home.store.glob("blobs/incoming/*")
        assert left == []

    def imports(self, code: str) -> bool:
        """Whether the environment's interpreter runs ``code``."""
        python = self.paths.environment / "bin" / "python"
        return subprocess.run([python, "-B", "-c", code], capture_output=True).returncode == 0  # noqa: PLW1510 - the status is the answer


PARTS = ("project", "home", "wheels")


@dataclass(frozen=True)
class Stage:
    """Where the scene is played; ``saved`` has it as it was at first.

    A generation is named by the path of its project, too: every test plays in the same folder.
    """

    folder: Path
    saved: Path
    index: PublishedIndex

    def save(self) -> Path:
        """Keep everything as it is now; gives the folder that has it until the next time."""
        folder = self.folder.with_name("then")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.folder, folder, symlinks=True)
        return folder

    def put_back(self, saved: Path | None = None) -> Scene:
        """Everything as it was at first, or when it was saved."""
        for part in PARTS:
            shutil.rmtree(self.folder / part)
            shutil.copytree((saved or self.saved) / part, self.folder / part, symlinks=True)
        self.index.faults.clear()
        self.index.requests.clear()
        self.index.refresh()
        program = Program(self.folder / "project")
        return Scene(self.index, program, HomePaths(self.folder / "home" / ".ppm"))


def assert_told(
    result: subprocess.CompletedProcess[str], code: str, *, status: int = 1, hint: bool = True
) -> None:
    """It failed in words: the code first, a hint where one is due, never a traceback."""
    told = f"{result.stdout}\n{result.stderr}"
    assert result.returncode == status, told
    assert TRACEBACK not in told
    assert f"error[{code}]: " in result.stderr, told
    assert ("\nhint: " in result.stderr) == hint, told


def publish_all(index: PublishedIndex) -> None:
    """The packages of the scene."""
    index.publish("ash", "1.0", requires=["birch"])
    index.publish("birch", "1.0")
    index.publish("elm", "1.0")


def program_environment(home: Path, index_url: str) -> dict[str, str]:
    """The environment of a program that has its own machine."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "TMPDIR")}
    return {
        **kept,
        "HOME": str(home),
        "PPM_HOME": str(home / ".ppm"),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": index_url,
        "NO_COLOR": "1",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", "")]),
    }


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None
