"""Questions about the last things read the end of the ledger, and answer as the whole would."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from support.histories import MACHINE, Storyteller, installed, locked, resolved, switched, written

from ppm.commands.provenance import latest, newest
from ppm.engine.ledger import tail
from ppm.engine.ledger.tail import place_before
from ppm.engine.operations.stepping import _next, last_change
from ppm.events.command import QueryAnswered
from ppm.projections.history import operations
from ppm.projections.steps import Steps, steps


def history(seed: int) -> Storyteller:
    """Runs of every kind, undone and redone, with questions between them."""
    chance = random.Random(seed)
    told = Storyteller()
    for number in range(chance.randrange(5, 60)):
        found = steps(told.records(), MACHINE)
        ends = chance.choice(["done", "done", "done", "cut short", "STORAGE"])
        match chance.randrange(6):
            case 0:
                told.run("lock", locked("ash", str(number)), resolved(), ends=ends)
            case 1:
                new = installed("ash", str(number))
                told.run("apply", new, switched(new.generation), ends=ends)
            case 2 if found.back:
                told.run("undo", written(), ends=ends)
            case 3 if found.forward:
                told.run("redo", written(), ends=ends)
            case 4:
                told.append(QueryAnswered(verb="plan", argv=(), code="", duration_us=1))
            case _:
                told.run("apply", ends=ends)
    return told


@pytest.fixture(autouse=True)
def short_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few lines at first, so that small histories need several looks."""
    monkeypatch.setattr(tail, "_FIRST_BYTES", 700)
    monkeypatch.setattr(tail, "_GROWTH", 2)


def back(found: Steps) -> tuple[object, ...]:
    return found.back


def forward(found: Steps) -> tuple[object, ...]:
    return found.forward


@pytest.mark.parametrize("seed", range(40))
def test_steps_are_those_of_the_whole_ledger(seed: int) -> None:
    told = history(seed)
    whole = steps(told.records(), MACHINE)
    choices: list[Callable[[Steps], tuple[object, ...]]] = [back, forward]
    for choose in choices:
        expected = choose(whole)
        step = _next(told.ledger, MACHINE, choose)  # type: ignore[arg-type]
        assert step == (expected[-1] if expected else None)
    assert last_change(told.ledger, MACHINE) == whole.last


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("everything", [True, False])
def test_the_last_operations_are_those_of_the_whole_ledger(seed: int, everything: bool) -> None:
    told = history(seed)
    for count in (1, 3, 10, 1000):
        expected = latest(operations(told.records()), count, everything=everything)
        assert newest(told.ledger, count, everything=everything) == expected


def test_a_place_before_a_record_is_before_it() -> None:
    told = history(1)
    for seq in range(told.seq + 2):
        start = place_before(told.ledger, seq)
        assert told.ledger.holds(start)
        assert start.seq < max(seq, 1)
