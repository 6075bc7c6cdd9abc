"""Points of history as people name them."""

from __future__ import annotations

import pytest
from support.histories import Storyteller

from ppm.engine.errors import ProjectError
from ppm.engine.moments import beginning, moment
from ppm.events.snapshot import SnapshotTaken
from ppm.projections.project import fold


@pytest.fixture
def history() -> Storyteller:
    told = Storyteller()
    taken = SnapshotTaken(
        name="2026-11-22", automatic=False, machine="m", generation="", lock="", packages=0
    )
    told.run("snapshot", taken)
    told.run("apply")
    return told


def ask(history: Storyteller, text: str) -> int:
    return moment(text, fold(history.records()), history.ledger)


def test_a_snapshot_comes_before_everything_else_its_name_could_mean(history: Storyteller) -> None:
    assert ask(history, "2026-11-22") == 6


def test_a_seq_is_itself(history: Storyteller) -> None:
    assert ask(history, "3") == 3


@pytest.mark.parametrize("text", ["0", str(10**6), "yesterday", "", "2026-13-01", "9" * 30])
def test_what_names_nothing_is_refused(history: Storyteller, text: str) -> None:
    with pytest.raises(ProjectError) as caught:
        ask(history, text)
    assert caught.value.code == "UNKNOWN_MOMENT"


def test_a_time_is_the_last_event_at_or_before_it(history: Storyteller) -> None:
    for record in history.records():
        assert ask(history, record.time) == record.seq
        assert ask(history, record.time.replace("Z", "+00:00")) == record.seq
    assert ask(history, "2999-01-01") == history.seq


def test_a_date_is_its_first_instant(history: Storyteller) -> None:
    assert ask(history, "2026-11-24") == history.seq
    with pytest.raises(ProjectError) as caught:
        ask(history, "2026-11-20")
    assert caught.value.hint == "the ledger begins later"


def test_what_follows_a_time_before_everything_is_everything(history: Storyteller) -> None:
    project = fold(history.records())
    assert beginning("1999-12-31", project, history.ledger) == 0
    assert beginning("3", project, history.ledger) == 3
    with pytest.raises(ProjectError):
        beginning("no such time", project, history.ledger)
