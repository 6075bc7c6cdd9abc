"""The experiments of which a mutation has to fail one."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
from support.faults.mutations import Mutation, mutated
from support.faults.program import mutates
from support.faults.stage import Scenario, Stage
from support.faults.sweep import Point, fault_points, outage_points, try_meeting, try_point
from support.faults.verbs import VERBS
from support.faults.writers import add_together, violations_of_writers, write_together

MEMORY = Path("/dev/shm")
_ROUNDS = 5
_WRITERS, _APPENDS = 8, 60


class Verdict(msgspec.Struct, frozen=True):
    """What became of a mutation: where it was caught and by what, or that it never was."""

    mutation: Mutation
    tried: int
    where: str = ""
    found: str = ""


def scratch() -> tempfile.TemporaryDirectory[str]:
    """A folder in memory where there is one: the sweeps are bound by small files."""
    return tempfile.TemporaryDirectory(
        prefix="ppm-faults-", dir=MEMORY if MEMORY.is_dir() else None
    )


def try_mutation(wanted: tuple[Mutation, int, int]) -> Verdict:
    """Try a mutation's experiments, each at most so many points, until one fails."""
    mutation, seed, most = wanted
    tried = 0
    with scratch() as folder:
        sources = mutated(mutation, Path(folder) / "sources")
        for where, found in _experiments(Path(folder), sources, seed, most, mutation.tried):
            tried += 1
            if found:
                return Verdict(mutation, tried, where, found)
    return Verdict(mutation, tried)


def _experiments(
    folder: Path, sources: Path | None, seed: int, most: int, experiments: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    for experiment in experiments:
        if experiment == "writers":
            yield from _writers(folder, sources, seed)
        elif experiment.startswith("neighbour "):
            yield from _neighbours(folder, sources, experiment, random.Random(seed), most)
        elif experiment == "together":
            yield from _together(folder, sources)
        else:
            yield from _sweep(folder, sources, experiment, random.Random(seed), most)


def _sweep(
    folder: Path, sources: Path | None, experiment: str, chance: random.Random, most: int
) -> Iterator[tuple[str, str]]:
    kind, _, name = experiment.partition(" ")
    verb = next(one for one in VERBS if one.name == name)
    with Stage(folder / "stage", sources=sources) as stage:
        scenario = stage.scenario(verb)
        points = _points(scenario, kind, chance)
        for point in points[:most]:
            found = try_point(stage, point).found
            yield str(point), found[0] if found else ""


def _neighbours(
    folder: Path, sources: Path | None, experiment: str, chance: random.Random, most: int
) -> Iterator[tuple[str, str]]:
    verb = next(one for one in VERBS if one.name == experiment.partition(" ")[2])
    with Stage(folder / "stage", sources=sources) as stage:
        calls = stage.scenario(verb).calls
        places = [at for at, call in enumerate(calls, start=1) if mutates(call)]
        chance.shuffle(places)
        for at in places[:most]:
            found = try_meeting(stage, verb, at)
            yield f"{verb.name}: another project before {at}", found[0] if found else ""


def _points(scenario: Scenario, kind: str, chance: random.Random) -> list[Point]:
    if kind == "power":
        points = list(outage_points(scenario, seed=chance.randrange(2**32)))
    else:
        points = [one for one in fault_points(scenario) if one.label == kind]
    chance.shuffle(points)
    return points


def _environment(sources: Path | None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {**kept, "PYTHONPATH": str(sources)} if sources is not None else kept


def _writers(folder: Path, sources: Path | None, seed: int) -> Iterator[tuple[str, str]]:
    for number in range(_ROUNDS):
        place = folder / f"writers-{number}"
        place.mkdir()
        told = write_together(
            place / "ledger.jsonl",
            writers=_WRITERS,
            appends=_APPENDS,
            kills=_WRITERS // 2,
            environ=_environment(sources),
            seed=seed + number,
        )
        found = violations_of_writers(place / "ledger.jsonl", told)
        yield f"{_WRITERS} writers at once", found[0] if found else ""


def _together(folder: Path, sources: Path | None) -> Iterator[tuple[str, str]]:
    for number in range(_ROUNDS):
        with Stage(folder / f"together-{number}", sources=sources) as stage:
            stage.program.ok("init")
            environ = {**_environment(sources), **stage.environment()}
            wanted = tuple(f"package-{letter}" for letter in "abcdef")
            found = add_together(stage.place.paths.root, environ, wanted)
            yield "six commands at once", found[0] if found else ""
