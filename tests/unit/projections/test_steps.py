"""Undo and redo as an editor has them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.histories import MACHINE, Storyteller, locked, resolved, switched, written

from ppm.events.project import ManifestChanged
from ppm.events.requirement import RequirementAdded
from ppm.events.resolution import LockAdopted
from ppm.events.snapshot import RollbackRequested
from ppm.projections.steps import Steps, steps


def told(history: Storyteller) -> Steps:
    return steps(history.records(), MACHINE)


def back(history: Storyteller) -> int:
    return told(history).back[-1].point


def test_a_new_project_has_nothing_to_undo() -> None:
    assert told(Storyteller()) == Steps()


def test_each_step_leads_to_the_event_before_its_command() -> None:
    history = Storyteller()
    first = history.run("add", written())
    second = history.run("lock", locked("ash", "1.0"), resolved())
    third = history.run("apply", switched("g"))
    found = told(history).back
    assert [(step.verb, step.point) for step in found] == [
        ("add", first - 1),
        ("lock", second - 1),
        ("apply", third - 1),
    ]
    assert [(step.seq, step.last_seq) for step in found][-1] == (third, history.seq)


def test_commands_that_change_nothing_are_no_steps() -> None:
    history = Storyteller()
    history.run("apply")
    history.run("lock", ends="RESOLUTION_IMPOSSIBLE")
    history.run("rollback", RollbackRequested(name="", seq=1))
    history.run("apply", switched("g", machine="another"))
    assert told(history) == Steps()


def test_a_command_that_failed_or_was_cut_short_after_a_change_is_a_step() -> None:
    history = Storyteller()
    history.run("add", written(), ends="DISK_FULL")
    history.run("apply", switched("g"), ends="cut short")
    assert [step.verb for step in told(history).back] == ["add", "apply"]


def test_the_last_change_may_be_an_undo() -> None:
    history = Storyteller()
    history.run("add", written())
    undo = history.run("undo", RollbackRequested(name="", seq=1), written())
    history.run("apply")
    last = told(history).last
    assert last is not None
    assert (last.verb, last.seq, last.point) == ("undo", undo, undo - 1)


def test_what_others_edited_before_the_command_stays() -> None:
    history = Storyteller()
    start = history.seq
    edited = ManifestChanged(path="pypm.toml", sha256="1" * 64, added=("elm",), removed=())
    requirement = RequirementAdded(group="", name="elm", requirement="elm")
    adopted = LockAdopted(path="pylock.toml", sha256="2" * 64, targets=())
    history.run("lock", edited, requirement, adopted, locked("elm", "3.0"), resolved())
    assert back(history) == start + 4  # After command.started and the three observations.


def test_a_redo_leads_to_what_was_there_just_before_the_undo() -> None:
    history = Storyteller()
    history.run("add", written())
    edited = ManifestChanged(path="pypm.toml", sha256="1" * 64, added=(), removed=())
    undone = history.run("undo", edited, RollbackRequested(name="", seq=1), written())
    (step,) = told(history).forward
    assert step.point == undone + 1
    assert told(history).back == ()


@pytest.mark.parametrize("ends", ["cut short", "OFFLINE"])
def test_an_undo_that_did_not_end_well_is_taken_again(ends: str) -> None:
    history = Storyteller()
    history.run("add", written())
    before = told(history)
    history.run("undo", RollbackRequested(name="", seq=1), written(), ends=ends)
    assert (told(history).back, told(history).forward) == (before.back, before.forward)


@given(st.lists(st.sampled_from(["change", "undo", "redo", "query"])))
def test_it_is_an_editors_undo(moves: list[str]) -> None:
    """Against the plain model: the states there were, and a place among them."""
    history = Storyteller()
    state_at = {history.seq: 0}
    states, place, newest = [0], 0, 0
    for move in moves:
        found = told(history)
        if move == "change":
            history.run("add", written())
            newest += 1
            del states[place + 1 :]
            states.append(newest)
            place += 1
        elif move == "undo":
            assert bool(found.back) == (place > 0)
            if found.back:
                place -= 1
                assert state_at[found.back[-1].point] == states[place]
                history.run("undo", RollbackRequested(name="", seq=1), written())
        elif move == "redo":
            assert bool(found.forward) == (place + 1 < len(states))
            if found.forward:
                place += 1
                assert state_at[found.forward[-1].point] == states[place]
                history.run("redo", RollbackRequested(name="", seq=1), written())
        else:
            history.run("apply")
        state_at[history.seq] = states[place]
