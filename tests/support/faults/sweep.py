"""Points at which something befalls a command, and what holds after each."""

from __future__ import annotations

import random
from collections.abc import Iterator

import msgspec
from support.faults.checks import (
    litter,
    violations,
    violations_after_again,
    violations_after_replay,
    violations_of_failure,
)
from support.faults.disk import State, digest
from support.faults.power import Outage, outages
from support.faults.program import Fault, Kind, Run, may_fail, mutates
from support.faults.stage import Scenario, Stage
from support.faults.verbs import Verb

KILLS: tuple[Kind, ...] = ("kill", "kill-one")
ERRORS: tuple[Kind, ...] = ("EIO", "ENOSPC", "EROFS", "EMFILE")


class Point(msgspec.Struct, frozen=True):
    """One experiment: a verb and what befalls it; ``label`` is its column in the table."""

    verb: Verb
    label: str
    fault: Fault | None = None
    outage: Outage | None = None

    def __str__(self) -> str:
        return f"{self.verb.name}: {self.fault if self.fault is not None else self.outage}"


class Outcome(msgspec.Struct, frozen=True):
    """What came of a point: ``end`` is how the command ended, ``found`` what did not hold."""

    point: Point
    end: str
    found: tuple[str, ...]


def fault_points(scenario: Scenario) -> Iterator[Point]:
    """A kill before each change, and each error that each change may meet, once and for good."""
    verb = scenario.verb
    for at, call in enumerate(scenario.calls, start=1):
        if not call.path.startswith(f"{scenario.disk.root}/scratch"):
            if mutates(call):
                for kind in KILLS:
                    yield Point(verb, kind, Fault(kind, at))
            for error in ERRORS:
                if may_fail(call, error):
                    yield Point(verb, error, Fault(error, at))
                    yield Point(verb, f"{error} persistent", Fault(error, at, persistent=True))


def outage_points(scenario: Scenario, *, seed: int) -> Iterator[Point]:
    """Each different tree that a power loss may leave, as far as they are tried."""
    seen: set[tuple[str, bool]] = set()
    for outage in outages(scenario.disk, scenario.calls, random.Random(seed)):
        told = outage.after >= told_at(scenario)
        key = digest(outage.state(scenario.disk)), told
        if key not in seen:
            seen.add(key)
            yield Point(scenario.verb, f"power: {outage.family}", outage=outage)


def told_at(scenario: Scenario) -> int:
    """The number of the call with which the command first says that it is done."""
    output = f"{scenario.disk.root}/scratch/out"
    numbers = (at for at, call in enumerate(scenario.calls, start=1) if call.path == output)
    return next(numbers, len(scenario.calls) + 1)


def try_point(stage: Stage, point: Point) -> Outcome:
    """Play it, look, run the command again, look again."""
    scenario = stage.scenario(point.verb)
    if point.outage is not None:
        return _try_outage(stage, scenario, point, point.outage.state(scenario.disk))
    stage.put(scenario.start)
    run = stage.program.run(*point.verb.command, fault=point.fault)
    end, found = _end_of(run)
    told = stage.place.lines() if run.status == 0 else None
    found += violations(stage.place, scenario.before, told=told)
    found += _again(stage, scenario)
    return Outcome(point, end, tuple(found))


def _try_outage(stage: Stage, scenario: Scenario, point: Point, state: State) -> Outcome:
    assert point.outage is not None
    stage.put(state)
    stage.reboot()
    told = None
    if point.outage.after >= told_at(scenario):
        told = scenario.lines
    found = violations(stage.place, scenario.before, told=told)
    found += _again(stage, scenario)
    return Outcome(point, "power loss", tuple(found))


def try_meeting(stage: Stage, verb: Verb, at: int) -> list[str]:
    """Have another project of the same user fetch and install before change number ``at``."""
    scenario = stage.scenario(verb)
    stage.put(scenario.start)
    neighbour = stage.neighbour()
    others: list[Run] = []
    run = stage.program.run(
        *verb.command,
        fault=Fault("meet", at),
        meanwhile=lambda: others.append(neighbour.run("ensure", "elm")),
    )
    failed = [one for one in (run, *others) if one.status != 0]
    if failed:
        return [f"W one of two projects at once fails: {failed[0].err.strip()[:200]}"]
    return violations(stage.place, scenario.before, told=stage.place.lines())


def _end_of(run: Run) -> tuple[str, list[str]]:
    if run.hung:
        return "hung", ["W it did not end"]
    if not run.struck:
        return "not met", violations_of_failure(run.status, run.out, run.err)
    if run.status < 0:
        return "killed", []
    return ("failed" if run.status else "done"), violations_of_failure(run.status, run.out, run.err)


def _again(stage: Stage, scenario: Scenario) -> list[str]:
    """The same command once more, with nothing in its way; then the projections anew."""
    recovered = stage.place.lines()
    for command in (scenario.verb.command, ("replay",)):
        run = stage.program.run(*command)
        if run.status != 0:
            return [f"I6 {command[0]} fails afterwards: {run.err.strip()[:300]}"]
    found = violations_after_again(stage.place, scenario.before, recovered)
    found += violations_after_replay(stage.place)
    if any(litter(stage.place)):
        # Where the first command had nothing left to do, the next change clears away.
        stage.program.ok("snapshot", "--name", "afterwards")
    return [*found, *(f"I6 left behind: {path.name}" for path in litter(stage.place))]
