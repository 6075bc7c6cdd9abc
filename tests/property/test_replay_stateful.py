"""Random commands against a plain dictionary; after each, everything is rebuilt from scratch."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ppm.engine.clock import SteppingClock
from ppm.engine.errors import PpmError
from ppm.engine.locking import lock_events
from ppm.engine.paths import ProjectPaths
from ppm.engine.projector import compare, load
from ppm.engine.snapshots import take
from ppm.engine.transaction import Invocation, open_ledger, record_query, transaction
from ppm.events.catalog import AnyEvent
from ppm.events.environment import (
    EnvironmentSwitched,
    GenerationBuilt,
    PackageInstalled,
    PackageRemoved,
)
from ppm.events.project import ProjectInitialized
from ppm.events.requirement import RequirementAdded, RequirementRemoved
from ppm.projections.lock import LockedPackage
from ppm.projections.project import Project, fold
from ppm.projections.render import render

NAMES = st.sampled_from(["ash", "birch", "cedar", "elm", "fir"])
VERSIONS = st.sampled_from(["1.0", "1.1", "2.0"])
GROUPS = st.sampled_from(["", "dev", "extra:web"])
MACHINE = "machine-1"
TARGET, OTHER = "linux-x86_64-py3.11", "windows-x86_64-py3.11"


def locked(name: str, version: str) -> LockedPackage:
    return LockedPackage(
        name=name,
        version=version,
        index="https://index.example/simple/",
        extras=(),
        groups=("",),
        requires_python="",
        dependencies=(),
        files=(),
    )


def fail() -> None:
    raise PpmError("the index is gone", code="INDEX")


class Commands(RuleBasedStateMachine):
    """``model`` is what must hold; the project is what the ledger folds to."""

    @initialize()
    def init(self) -> None:
        self.paths = ProjectPaths(Path(tempfile.mkdtemp(prefix="ppm-stateful-")))
        self.paths.data.mkdir()
        self.clock = SteppingClock()
        self.requirements: dict[str, dict[str, str]] = {}
        self.locked: dict[str, str] = {}
        self.installed: dict[str, str] = {}
        self.active = ""
        self.snapshots: dict[str, tuple[str, int]] = {}
        self.generations = 0
        self.run_events(ProjectInitialized(ledger="ledger-1", name="x", manifest="pypm.toml"))

    def teardown(self) -> None:
        if hasattr(self, "paths"):
            shutil.rmtree(self.paths.root)

    def invocation(self, verb: str) -> Invocation:
        return Invocation(verb=verb, actor="user@host")

    def run_events(self, *events: AnyEvent) -> None:
        with transaction(self.paths, self.clock, self.invocation("test")) as run:
            run.record(events)

    def project(self) -> Project:
        return load(self.paths, open_ledger(self.paths, self.clock, "user@host"))

    @rule(name=NAMES, version=VERSIONS, group=GROUPS)
    def add(self, name: str, version: str, group: str) -> None:
        text = f"{name}>={version}"
        self.requirements.setdefault(group, {})[text] = name
        self.run_events(RequirementAdded(group=group, name=name, requirement=text))

    @rule(name=NAMES, version=VERSIONS, group=GROUPS)
    def remove(self, name: str, version: str, group: str) -> None:
        text = f"{name}>={version}"
        self.requirements.get(group, {}).pop(text, None)
        if not self.requirements.get(group, {"": ""}):
            del self.requirements[group]
        self.run_events(RequirementRemoved(group=group, name=name, requirement=text))

    @rule(packages=st.dictionaries(NAMES, VERSIONS))
    def lock(self, packages: dict[str, str]) -> None:
        wanted = {name: locked(name, version) for name, version in packages.items()}
        wish = {TARGET: wanted, OTHER: wanted} if len(packages) > 1 else {TARGET: wanted}
        asked = repr(sorted(packages))

        def events_now() -> tuple[AnyEvent, ...]:
            lock = self.project().lock
            return lock_events(lock, wish, requirements=asked, pylock="p", resolutions={})

        events = events_now()
        self.locked = packages
        self.run_events(*events)
        assert events_now() == ()

    def switch_events(self, packages: dict[str, str], generation: str) -> list[AnyEvent]:
        events: list[AnyEvent] = [
            PackageRemoved(
                machine=MACHINE, generation=generation, name=name, version=self.installed[name]
            )
            for name in self.installed.keys() - packages.keys()
        ]
        events += [
            PackageInstalled(
                machine=MACHINE,
                generation=generation,
                name=name,
                version=version,
                previous=self.installed.get(name, ""),
                sha256=version,
                requested=True,
            )
            for name, version in packages.items()
            if self.installed.get(name) != version
        ]
        return events

    @rule(packages=st.dictionaries(NAMES, VERSIONS))
    def apply(self, packages: dict[str, str]) -> None:
        self.generations += 1
        generation = f"generation-{self.generations}"
        self.run_events(
            *self.switch_events(packages, generation),
            GenerationBuilt(
                machine=MACHINE,
                generation=generation,
                root="r",
                lock="l",
                interpreter="/python",
                python="3.11.7",
                link_mode="copy",
                packages=len(packages),
                files=0,
            ),
            EnvironmentSwitched(
                machine=MACHINE,
                generation=generation,
                previous=self.active,
                parent=self.active,
                reason="apply",
            ),
        )
        self.installed, self.active = packages, generation

    @rule(packages=st.dictionaries(NAMES, VERSIONS, min_size=1))
    def apply_that_fails(self, packages: dict[str, str]) -> None:
        try:
            with transaction(self.paths, self.clock, self.invocation("apply")) as run:
                run.record(self.switch_events(packages, "generation-never"))
                wanted = {name: locked(name, version) for name, version in packages.items()}
                run.record(
                    lock_events(
                        run.project.lock,
                        {TARGET: wanted},
                        requirements="",
                        pylock="",
                        resolutions={},
                    )[:-1]
                )
                fail()
        except PpmError:
            pass

    @rule(name=st.sampled_from(["alpha", "beta"]))
    def snapshot(self, name: str) -> None:
        try:
            events = take(self.project(), name, MACHINE)
        except PpmError:
            assert name in self.snapshots
            return
        if events:
            self.snapshots[name] = (self.active, len(self.installed))
        self.run_events(*events)
        assert take(self.project(), name, MACHINE) == ()

    @rule()
    def ask(self) -> None:
        assert record_query(self.paths, self.clock, self.invocation("tree"), duration_us=1)

    @rule(size=st.integers(1, 40))
    def crash_while_writing(self, size: int) -> None:
        with self.paths.ledger.open("ab") as ledger:
            ledger.write((b'{"seq":999,"id":"' + b"x" * 40)[:size])

    @rule(name=st.sampled_from(["state.json", "lock.json"]))
    def lose_a_projection(self, name: str) -> None:
        (self.paths.data / name).unlink(missing_ok=True)
        self.run_events()

    @rule(name=st.sampled_from(["state.json", "lock.json"]))
    def edit_a_projection(self, name: str) -> None:
        path = self.paths.data / name
        path.write_bytes(path.read_bytes().replace(b"1.0", b"9.9").replace(b"ash", b"oak"))
        self.run_events()

    @invariant()
    def the_fold_is_the_model(self) -> None:
        if not hasattr(self, "paths"):
            return
        project = self.project()
        assert project.state.requirements == self.requirements
        packages = project.lock.targets.get(TARGET, {})
        assert {name: package.version for name, package in packages.items()} == self.locked
        environment = project.state.environments.get(MACHINE)
        if self.active:
            assert environment is not None
            assert environment.active == self.active
            found = {name: package.version for name, package in environment.packages.items()}
            assert found == self.installed
        assert {
            name: (snapshot.generation, snapshot.packages)
            for name, snapshot in project.state.snapshots.items()
        } == self.snapshots

    @invariant()
    def from_scratch_gives_the_same_bytes(self) -> None:
        if not hasattr(self, "paths"):
            return
        records = list(open_ledger(self.paths, self.clock, "user@host").read())
        whole = fold(records)
        assert compare(self.paths, whole) == []
        middle = len(records) // 2
        assert render(fold(records[middle:], fold(records[:middle]))) == render(whole)


TestCommands = Commands.TestCase
TestCommands.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
