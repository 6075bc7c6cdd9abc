"""Kills, errors, power losses at a seeded sample of all points; ``scripts/faults.py`` has all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.faults.disk import Disk, digest
from support.faults.notify import unavailable
from support.faults.report import Task, Way, points_of, tally, verb_named
from support.faults.stage import FOLDERS, Stage
from support.faults.sweep import try_point
from support.faults.torn import torn_tails, violations_of_tail
from support.faults.trials import scratch
from support.faults.verbs import VERBS

pytestmark = [
    pytest.mark.skipif(bool(unavailable()), reason=unavailable() or "it is available"),
    pytest.mark.timeout(300),
]
SEED = 20261122
EACH = 15
NAMES = [verb.name for verb in VERBS]


@pytest.fixture(scope="module")
def fault_stage() -> Iterator[Stage]:
    with scratch() as folder, Stage(Path(folder) / "stage") as stage:
        yield stage


@pytest.mark.parametrize("way", ["faults", "power"])
@pytest.mark.parametrize("verb", NAMES)
def test_nothing_that_befalls_a_command_breaks_a_promise(
    fault_stage: Stage, verb: str, way: Way
) -> None:
    task = Task(verb, way, SEED, EACH)
    whole = tally(try_point(fault_stage, point) for point in points_of(fault_stage, task))
    assert whole.violations == ()
    assert sum(whole.counts.values()) == EACH


@pytest.mark.parametrize("verb", NAMES)
def test_the_model_of_the_disk_ends_where_the_disk_does(fault_stage: Stage, verb: str) -> None:
    scenario = fault_stage.scenario(verb_named(verb))
    fault_stage.put(scenario.start)
    calls = fault_stage.program.ok(*scenario.verb.command).calls
    model = Disk(fault_stage.folder, FOLDERS)
    fault_stage.put(scenario.start)
    start = Disk(fault_stage.folder, FOLDERS)
    assert digest(start.state(0)) == digest(scenario.start)
    start.replay(calls)
    assert digest(start.state(len(calls))) == digest(model.state(0))


def test_a_ledger_torn_at_any_byte_is_read_and_repaired(fault_stage: Stage) -> None:
    scenario = fault_stage.scenario(verb_named("snapshot"))
    tails = list(torn_tails(scenario))
    assert len(tails) > 1000
    with scratch() as folder:
        found = [violations_of_tail(Path(folder), tail) for tail in tails]
    assert [one for one in found if one] == []
