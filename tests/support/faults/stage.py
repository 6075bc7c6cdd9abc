"""The folder in which the sweeps are played: an index of three packages, a project, a home."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from support.faults.checks import Before, Place, absent
from support.faults.disk import Disk, State, materialise
from support.faults.program import Call, Program
from support.faults.verbs import Verb
from support.wheels import build_wheel

FOLDERS = ("project", "home")


class Scenario(NamedTuple):
    """A verb about to be run: the tree then, what it makes of it, every change on the way.

    ``lines`` is the ledger as it leaves it.
    """

    verb: Verb
    start: State
    before: Before
    lines: bytes
    calls: list[Call]
    disk: Disk


class Stage:
    """One folder, one program; a generation's name holds the folder, so all is played in it.

    Args:
        folder: An empty or missing folder; best in memory.
        sources: A folder with a changed ``ppm`` package, None for the installed one.
    """

    def __init__(self, folder: Path, *, sources: Path | None = None) -> None:
        self.folder = folder
        self._sources = sources
        self._stack = ExitStack()
        self._scenarios: dict[str, Scenario] = {}
        self.place = Place(folder / "project", folder / "home" / ".ppm")

    def __enter__(self) -> Self:
        for name in (*FOLDERS, "wheels", "scratch", "scratch/neighbour"):
            (self.folder / name).mkdir(parents=True)
        wheels = self.folder / "wheels"
        build_wheel(wheels, "ash", "1.0", requires=["birch"])
        build_wheel(wheels, "birch", "1.0", entry_points={"console_scripts": {"birch": "birch:f"}})
        build_wheel(wheels, "elm", "1.0", files={"elm/__init__.py": "", "elm/leaf.py": "n = 1\n"})
        boot_id = self.folder / "boot_id"
        self._boots = 0
        boot_id.write_text("0")
        self._boot_id = boot_id
        self.program = self._program("project", "scratch")
        self._empty = Disk(self.folder, FOLDERS).state(0)
        self._neighbour: Program | None = None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _program(self, folder: str, scratch: str) -> Program:
        return self._stack.enter_context(
            Program(
                self.folder / folder,
                roots=[self.folder / name for name in FOLDERS],
                scratch=self.folder / scratch,
                environ=self.environment(),
                boot_id=self._boot_id,
                sources=self._sources,
            )
        )

    def neighbour(self) -> Program:
        """The program in another project of the same user, which has just begun."""
        if self._neighbour is None:
            self._neighbour = self._program("neighbour", "scratch/neighbour")
        folder = self.folder / "neighbour"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        self._neighbour.ok("init")
        return self._neighbour

    def environment(self) -> dict[str, str]:
        """The variables of a machine of its own, without any network."""
        home = self.folder / "home"
        return {
            "HOME": str(home),
            "PPM_HOME": str(home / ".ppm"),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": (self.folder / "wheels").as_uri(),
            "NO_COLOR": "1",
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.defpath]),
        }

    def scenario(self, verb: Verb) -> Scenario:
        """The verb prepared and run once without any fault."""
        if verb.name not in self._scenarios:
            self._scenarios[verb.name] = self._prepared(verb)
        return self._scenarios[verb.name]

    def _prepared(self, verb: Verb) -> Scenario:
        materialise(self._empty, self.folder)
        for command in verb.prepare:
            self.program.ok(*command)
        verb.disturb(self.place.paths.root, self.place.home.root)
        disk = Disk(self.folder, FOLDERS)
        lines, old, gone = self.place.lines(), self.place.look(), absent(self.place)
        start = disk.state(0)
        done = self.program.ok(*verb.command)
        disk.replay(done.calls)
        gone |= absent(self.place)
        before = Before(lines=lines, absent=gone, old=old, new=self.place.look())
        return Scenario(verb, start, before, self.place.lines(), done.calls, disk)

    def put(self, state: State) -> None:
        """Have the folders hold exactly ``state``."""
        materialise(state, self.folder)

    def reboot(self) -> None:
        """From now on the machine has been started anew."""
        self._boots += 1
        self._boot_id.write_text(str(self._boots))
