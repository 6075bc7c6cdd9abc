"""Which change of the environment made something fail: points, search, throw-away environments."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from ppm.engine.environment.switch import switch
from ppm.engine.errors import ProjectError, UsageError
from ppm.engine.files import storage_errors
from ppm.engine.locks import make_locked_folder, remove_abandoned
from ppm.engine.operations.past import Origins, make_again
from ppm.engine.paths import ProjectPaths
from ppm.engine.runtime import Runtime
from ppm.events.catalog import AnyEvent
from ppm.events.envelope import Record
from ppm.events.environment import EnvironmentSwitched
from ppm.projections.project import Project, evolve
from ppm.projections.state import Environment

Verdict: TypeAlias = Literal["good", "bad", "skip"]
WORKSHOP = "bisect-"


class Stand(msgspec.Struct, frozen=True, kw_only=True):
    """The environment as it stood from event ``seq`` on, made by ``run`` (``""`` for the start)."""

    seq: int
    run: str
    environment: Environment


class Stands(msgspec.Struct, frozen=True, kw_only=True):
    """The environments of a stretch of history, oldest first; neighbours differ in packages."""

    stands: tuple[Stand, ...]
    origins: Origins


def stands_between(records: Iterable[Record], good: int, bad: int, machine: str) -> Stands:
    """The environments that ``machine`` had from event ``good`` to event ``bad``.

    Raises:
        UsageError: ``good`` is not before ``bad``.
        ProjectError: ``code="NOTHING_TO_BISECT"``: no package changed between them.
    """
    if good >= bad:
        raise UsageError(f"the good point (event {good}) has to be before the bad one ({bad})")
    project, origins = Project(), Origins()
    start, found = Environment(), []
    for record in records:
        if record.seq > bad:
            break
        project = evolve(project, record)
        origins.learn(record)
        environment = project.state.environments.get(machine, Environment())
        if record.seq <= good:
            start = environment
        elif isinstance(record.event, EnvironmentSwitched) and record.event.machine == machine:
            found.append(Stand(seq=record.seq, run=record.run, environment=environment))
    stands = [Stand(seq=good, run="", environment=start)]
    for stand in found:
        if stand.environment.packages != stands[-1].environment.packages:
            stands.append(stand)
    if len(stands) == 1:
        raise ProjectError(
            f"no package was installed or removed from event {good} to event {bad}",
            code="NOTHING_TO_BISECT",
            hint="`ppm provenance` shows when packages changed",
        )
    return Stands(stands=tuple(stands), origins=origins)


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The last place known to be good, the first known to be bad; all between are skipped."""

    good: int
    bad: int


def first_bad(count: int, judge: Callable[[int], Verdict]) -> Found:
    """Search ``count`` places of which the first is good and the last is bad.

    Each place is judged at most once, the middle one of what is open first.
    """
    good, bad = 0, count - 1
    skipped: set[int] = set()
    while open_places := [place for place in range(good + 1, bad) if place not in skipped]:
        middle = min(open_places, key=lambda place: abs(2 * place - good - bad))
        match judge(middle):
            case "good":
                good = middle
            case "bad":
                bad = middle
            case "skip":
                skipped.add(middle)
    return Found(good=good, bad=bad)


class Workshop:
    """A project that is thrown away, in which environments of the past stand again."""

    def __init__(self, paths: ProjectPaths, runtime: Runtime, origins: Origins) -> None:
        self.paths = paths
        self._runtime = runtime
        self._origins = origins

    def stand(self, environment: Environment) -> None:
        """Make the workshop's ``.venv`` what ``environment`` was; fetch what the store has not.

        Raises:
            ArtifactError, IndexFailure, BuildError, EnvironmentFailure, StorageError: It cannot be.
        """
        root = self.paths.root
        built = make_again(_nowhere, self._runtime, root, environment, self._origins)
        switch(root, built.generation.name, now=self._runtime.clock.now())


@contextmanager
def workshop(runtime: Runtime, origins: Origins) -> Iterator[Workshop]:
    """A workshop in ``PPM_HOME``, beside the store, so that files can be linked; gone afterwards.

    Raises:
        StorageError: The disk refused.
    """
    import shutil

    home = runtime.home.root
    remove_abandoned(home, WORKSHOP)
    with storage_errors(home):
        home.mkdir(parents=True, exist_ok=True)
        root, lock = make_locked_folder(home, WORKSHOP)
    try:
        yield Workshop(ProjectPaths(Path(root)), runtime, origins)
    finally:
        # What cannot be removed now is removed as abandoned by a later bisect.
        shutil.rmtree(root, ignore_errors=True)
        os.close(lock)


def _nowhere(_events: Sequence[AnyEvent]) -> None:
    """A question records nothing: what had to be fetched for it stays in the store."""
