"""Sweeps as tasks for several processes, and their counts as a table."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import msgspec
from support.faults.stage import Stage
from support.faults.sweep import Outcome, Point, fault_points, outage_points, try_point
from support.faults.torn import torn_tails, violations_of_tail
from support.faults.trials import scratch
from support.faults.verbs import VERBS, Verb

Way = Literal["faults", "power", "torn"]
COLUMNS = (
    *("kill", "kill-one"),
    *("EIO", "EIO persistent", "ENOSPC", "ENOSPC persistent"),
    *("EROFS", "EROFS persistent", "EMFILE", "EMFILE persistent", "power", "torn"),
)


class Task(msgspec.Struct, frozen=True):
    """A part of a sweep: every ``of``-th point from ``share`` on, at most ``most`` (0 for all)."""

    verb: str
    way: Way
    seed: int
    most: int = 0
    share: int = 0
    of: int = 1


class Tally(msgspec.Struct, frozen=True):
    """What came of a task: points by verb, column and end; and what did not hold."""

    counts: dict[tuple[str, str, str], int]
    violations: tuple[str, ...]


def verb_named(name: str) -> Verb:
    """The verb of the table with that name."""
    return next(verb for verb in VERBS if verb.name == name)


def points_of(stage: Stage, task: Task) -> list[Point]:
    """The points of a task, in an order that the seed gives."""
    scenario = stage.scenario(verb_named(task.verb))
    if task.way == "power":
        points = list(outage_points(scenario, seed=task.seed))
    else:
        points = list(fault_points(scenario))
    random.Random(f"{task.seed} {task.verb}").shuffle(points)
    mine = points[task.share :: task.of]
    return mine[: task.most] if task.most else mine


def carry_out(task: Task) -> Tally:
    """The task on a stage of its own: for a process of its own."""
    with scratch() as folder, Stage(Path(folder) / "stage") as stage:
        if task.way == "torn":
            return _torn(stage, task, Path(folder))
        return tally(try_point(stage, point) for point in points_of(stage, task))


def _torn(stage: Stage, task: Task, folder: Path) -> Tally:
    tails = list(torn_tails(stage.scenario(verb_named(task.verb))))
    random.Random(task.seed).shuffle(tails)
    mine = tails[task.share :: task.of][: task.most or len(tails)]
    found = [one for tail in mine for one in violations_of_tail(folder, tail)]
    return Tally({(task.verb, "torn", "power loss"): len(mine)}, tuple(found))


def tally(outcomes: Iterable[Outcome]) -> Tally:
    """The counts of some outcomes."""
    counts: Counter[tuple[str, str, str]] = Counter()
    found: list[str] = []
    for outcome in outcomes:
        column = outcome.point.label.partition(":")[0]
        counts[outcome.point.verb.name, column, outcome.end] += 1
        found += [f"{outcome.point}: {one}" for one in outcome.found]
    return Tally(dict(counts), tuple(found))


def together(tallies: Iterable[Tally]) -> Tally:
    """Several tallies as one."""
    counts: Counter[tuple[str, str, str]] = Counter()
    found: list[str] = []
    for one in tallies:
        counts.update(one.counts)
        found += one.violations
    return Tally(dict(counts), tuple(found))


def table(whole: Tally, verbs: Sequence[str]) -> list[str]:
    """The points of each verb and fault, in Markdown."""
    by_cell: Counter[tuple[str, str]] = Counter()
    for (verb, column, _end), count in whole.counts.items():
        by_cell[verb, column] += count
    lines = [
        "| command | " + " | ".join(COLUMNS) + " | all |",
        "|---|" + "---:|" * (len(COLUMNS) + 1),
    ]
    for verb in (*verbs, "all"):
        names = verbs if verb == "all" else [verb]
        cells = [sum(by_cell[name, column] for name in names) for column in COLUMNS]
        lines.append(f"| {verb} | " + " | ".join(map(str, [*cells, sum(cells)])) + " |")
    return lines


def ends(whole: Tally) -> str:
    """How the commands ended, in one line."""
    by_end: Counter[str] = Counter()
    for (_verb, _column, end), count in whole.counts.items():
        by_end[end] += count
    return ", ".join(f"{end} {count}" for end, count in sorted(by_end.items()))
