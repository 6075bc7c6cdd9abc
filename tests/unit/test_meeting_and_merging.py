"""Two histories compared and merged, as pure functions over records."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.histories import TARGET, Storyteller, locked, resolved

from ppm.engine.meeting import Meeting, meet
from ppm.engine.merging import (
    Side,
    Wish,
    conflicts,
    decide,
    intents,
    merged_events,
    preferred,
    wishes,
)
from ppm.events.catalog import AnyEvent
from ppm.events.command import QueryAnswered
from ppm.events.project import LedgerMerged
from ppm.events.requirement import IntentMerged, RequirementAdded, RequirementRemoved
from ppm.projections.project import Project, fold


class Teller(Storyteller):
    """A history that can part in two and meet another."""

    def clone(self, seed: int) -> Teller:
        """The same so far. Later events have times and ids that depend on ``seed``."""
        other = Teller()
        other.ledger._lines[:] = self.ledger._lines
        other.ledger._heads[:] = self.ledger._heads
        for _ in range(seed):
            other._clock.new_id()
            other._clock.now()
        return other

    @property
    def project(self) -> Project:
        return fold(self.ledger.read())

    def asks(self, text: str, group: str = "") -> None:
        self.run("add", added(text, group))

    def drops(self, text: str, group: str = "") -> None:
        removed = RequirementRemoved(group=group, name=text[:3], requirement=text)
        self.run("remove", removed)

    def replaces(self, old: str, new: str) -> None:
        removed = RequirementRemoved(group="", name=old[:3], requirement=old)
        self.run("add", removed, added(new))

    def meets(self, other: Teller) -> Meeting:
        return meet(self.ledger.read, other.ledger.read())

    def merges(self, other: Teller, side: Side = "ours") -> tuple[AnyEvent, ...]:
        """What the program does, without the files."""
        meeting, before = self.meets(other), self.project
        if meeting.merged or meeting.their.head.seq <= meeting.fork.seq:
            return ()
        choices: dict[Wish, Side] = {
            (one.group, one.name): side for one in conflicts(meeting, before, TARGET)
        }
        changes = decide(meeting, before, TARGET, choices)
        self.run("ledger merge", *changes)
        self.append(*merged_events(meeting, before, self.project, TARGET))
        return changes


def added(text: str, group: str = "") -> RequirementAdded:
    return RequirementAdded(group=group, name=text[:3], requirement=text)


def parted() -> tuple[Teller, Teller]:
    """Two histories that share ``ash`` and part there."""
    ours = Teller()
    ours.asks("ash<2")
    return ours, ours.clone(5)


def outcomes(events: Sequence[AnyEvent]) -> dict[str, str]:
    return {one.requirement: one.outcome for one in events if isinstance(one, IntentMerged)}


def test_what_was_added_and_removed_again_was_never_asked() -> None:
    ours, theirs = parted()
    theirs.asks("elm")
    theirs.drops("elm")
    theirs.asks("fir", "dev")
    asked = intents(ours.meets(theirs), TARGET)
    assert [(one.kind, one.group, one.requirement) for one in asked] == [("added", "dev", "fir")]
    (origin,) = [one for one in theirs.records() if one.event == added("fir", "dev")]
    assert (asked[0].origin_id, asked[0].origin_digest) == (origin.id, origin.digest)


def test_the_fork_is_the_last_line_they_share() -> None:
    ours, theirs = parted()
    shared = ours.records()[-1]
    theirs.asks("elm")
    ours.asks("oak")
    meeting = ours.meets(theirs)
    assert (meeting.fork.seq, meeting.fork.digest) == (shared.seq, shared.digest)
    assert meeting.ours.seq == ours.seq
    assert wishes(meeting.base) == {("", "ash"): ("ash<2",)}
    assert meet(ours.ledger.read, theirs.records()[1:]).fork.seq == 0


def test_only_what_both_changed_differently_is_a_conflict() -> None:
    ours, theirs = parted()
    theirs.replaces("ash<2", "ash>=2")
    theirs.asks("elm")
    theirs.asks("oak")
    ours.asks("oak")
    assert conflicts(ours.meets(theirs), ours.project, TARGET) == ()
    ours.replaces("ash<2", "ash>=1")
    (conflict,) = conflicts(ours.meets(theirs), ours.project, TARGET)
    assert (conflict.base, conflict.ours, conflict.theirs) == (("ash<2",), ("ash>=1",), ("ash>=2",))


@pytest.mark.parametrize(("side", "left"), [("ours", "ash>=1"), ("theirs", "ash>=2")])
def test_a_choice_decides_a_conflict_and_nothing_else(side: Side, left: str) -> None:
    ours, theirs = parted()
    theirs.replaces("ash<2", "ash>=2")
    theirs.asks("elm")
    ours.replaces("ash<2", "ash>=1")
    ours.merges(theirs, side)
    assert wishes(ours.project) == {("", "ash"): (left,), ("", "elm"): ("elm",)}
    told = outcomes([one.event for one in ours.records()])
    taken = "reapplied" if side == "theirs" else "declined"
    assert told == {"ash<2": "held", "ash>=2": taken, "elm": "reapplied"}


def test_a_conflict_over_a_removal() -> None:
    ours, theirs = parted()
    theirs.drops("ash<2")
    ours.replaces("ash<2", "ash>=1")
    meeting = ours.meets(theirs)
    assert [one.theirs for one in conflicts(meeting, ours.project, TARGET)] == [()]
    (change,) = decide(meeting, ours.project, TARGET, {("", "ash"): "theirs"})
    assert change == RequirementRemoved(group="", name="ash", requirement="ash>=1")
    assert decide(meeting, ours.project, TARGET, {("", "ash"): "ours"}) == ()


def test_what_holds_already_gives_no_event_the_second_time() -> None:
    ours, theirs = parted()
    theirs.asks("elm")
    meeting = ours.meets(theirs)
    changes = decide(meeting, ours.project, TARGET, {})
    assert changes == (added("elm"),)
    ours.run("ledger merge", *changes, ends="cut short")
    assert decide(ours.meets(theirs), ours.project, TARGET, {}) == ()
    ours.append(*merged_events(ours.meets(theirs), ours.project, ours.project, TARGET))
    assert ours.meets(theirs).merged
    assert merged_events(ours.meets(theirs), ours.project, ours.project, TARGET) == ()


def test_queries_of_the_other_side_are_nothing_to_merge() -> None:
    ours, theirs = parted()
    theirs.asks("elm")
    ours.merges(theirs)
    theirs.append(QueryAnswered(verb="tree", argv=(), code="", duration_us=1))
    assert ours.meets(theirs).merged


def test_after_a_merge_its_head_is_the_base() -> None:
    ours, theirs = parted()
    theirs.asks("elm")
    ours.merges(theirs)
    ours.replaces("elm", "elm>=1")
    ours.drops("ash<2")
    theirs.asks("fir")
    meeting = ours.meets(theirs)
    assert wishes(meeting.base) == {("", "ash"): ("ash<2",), ("", "elm"): ("elm",)}
    assert conflicts(meeting, ours.project, TARGET) == ()
    ours.merges(theirs)
    assert wishes(ours.project) == {("", "elm"): ("elm>=1",), ("", "fir"): ("fir",)}


def test_the_side_that_was_merged_gets_the_decision_of_the_one_that_merged() -> None:
    ours, theirs = parted()
    theirs.replaces("ash<2", "ash>=2")
    ours.replaces("ash<2", "ash>=1")
    ours.merges(theirs, "ours")
    meeting = theirs.meets(ours)
    assert conflicts(meeting, theirs.project, TARGET) == ()
    theirs.merges(ours)
    assert wishes(theirs.project) == wishes(ours.project) == {("", "ash"): ("ash>=1",)}
    assert ours.merges(theirs) == ()


def test_an_older_copy_of_what_was_merged_brings_nothing_back() -> None:
    ours, theirs = parted()
    theirs.asks("elm")
    older = theirs.clone(0)
    theirs.asks("fir")
    ours.merges(theirs)
    ours.drops("elm")
    assert ours.merges(older) == ()
    assert wishes(ours.project) == {("", "ash"): ("ash<2",), ("", "fir"): ("fir",)}


def test_versions_that_only_the_other_side_changed_are_preferred() -> None:
    ours = Teller()
    ours.run("lock", locked("ash", "1"), locked("elm", "1"), locked("fir", "1"), resolved())
    theirs = ours.clone(5)
    theirs.run("lock", locked("ash", "2", "1"), locked("elm", "2", "1"), resolved())
    theirs.run("lock", locked("oak", "1"), resolved())
    ours.run("lock", locked("elm", "3", "1"), resolved())
    meeting = ours.meets(theirs)
    assert preferred(meeting, ours.project, TARGET, theirs=False) == {"ash": "2", "oak": "1"}
    both = preferred(meeting, ours.project, TARGET, theirs=True)
    assert both == {"ash": "2", "elm": "2", "oak": "1"}
    asked = [one.requirement for one in intents(meeting, TARGET)]
    assert asked == ["ash==2", "elm==2"]
    assert preferred(meeting, ours.project, "another-target", theirs=True) == {}


def test_a_lie_about_what_was_merged_is_not_believed() -> None:
    ours, theirs = parted()
    ours.asks("oak")
    theirs.asks("elm")
    theirs.append(
        LedgerMerged(
            theirs_seq=ours.seq,
            theirs_digest="0" * 64,
            fork_seq=1,
            fork_digest="0" * 64,
            ours_seq=1,
            ours_digest="0" * 64,
        )
    )
    assert wishes(ours.meets(theirs).base) == {("", "ash"): ("ash<2",)}


TEXTS = [f"{name}{version}" for name in ("ash", "elm", "fir") for version in ("", ">=1", ">=2")]
STEPS = st.lists(st.tuples(st.sampled_from(["", "dev"]), st.sampled_from(TEXTS)), max_size=6)


def act(teller: Teller, steps: Sequence[tuple[str, str]]) -> None:
    """Ask for what is not there, in place of the others of its name; drop what is."""
    for group, text in steps:
        present = wishes(teller.project).get((group, text[:3]), ())
        gone = [RequirementRemoved(group=group, name=text[:3], requirement=one) for one in present]
        teller.run("add", *gone, *(() if text in present else (added(text, group),)))


@settings(deadline=None, max_examples=60)
@given(before=STEPS, mine=STEPS, other=STEPS, more=STEPS, side=st.sampled_from(["ours", "theirs"]))
def test_a_merge_is_deterministic_and_the_second_is_nothing(
    before: list[tuple[str, str]],
    mine: list[tuple[str, str]],
    other: list[tuple[str, str]],
    more: list[tuple[str, str]],
    side: Side,
) -> None:
    ours = Teller()
    act(ours, before)
    theirs = ours.clone(5)
    act(ours, mine)
    act(theirs, other)
    again = ours.clone(9)
    here, there = wishes(ours.project), wishes(theirs.project)
    base = wishes(ours.meets(theirs).base)
    assert ours.merges(theirs, side) == again.merges(theirs, side)
    assert ours.merges(theirs) == ()
    merged = wishes(ours.project)
    for wish in base.keys() | here.keys() | there.keys():
        was, mine_now, other_now = (set(one.get(wish, ())) for one in (base, here, there))
        expected = other_now if mine_now == was else mine_now
        if mine_now not in (was, other_now) and other_now != was and side == "theirs":
            expected = other_now
        assert set(merged.get(wish, ())) == expected
    act(ours, more)
    theirs.merges(ours)
    assert {key: set(texts) for key, texts in wishes(theirs.project).items()} == {
        key: set(texts) for key, texts in wishes(ours.project).items()
    }
