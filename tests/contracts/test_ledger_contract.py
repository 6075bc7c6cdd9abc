"""What every ledger does, run over each implementation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ppm.engine.clock import SteppingClock
from ppm.engine.errors import LedgerError
from ppm.engine.ledger.file import FileLedger
from ppm.engine.ledger.memory import MemoryLedger
from ppm.engine.ports import Ledger
from ppm.events.envelope import GENESIS, Draft, Head
from ppm.events.requirement import RequirementAdded

CLOCK = SteppingClock()


def draft(text: str) -> Draft:
    return Draft(
        id=CLOCK.new_id(),
        time=CLOCK.now(),
        run="run",
        actor="user@host",
        event=RequirementAdded(group="", name="x", requirement=text),
    )


def file_ledger(folder: Path) -> Ledger:
    return FileLedger(
        folder / "ledger.jsonl", folder / "write.lock", clock=CLOCK, actor="user@host"
    )


def memory_ledger(_folder: Path) -> Ledger:
    return MemoryLedger()


@pytest.fixture(params=[file_ledger, memory_ledger])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Ledger:
    make: Callable[[Path], Ledger] = request.param
    return make(tmp_path)


def append(ledger: Ledger, *texts: str) -> None:
    with ledger.writer() as writer:
        writer.append([draft(text) for text in texts])


def head_of(ledger: Ledger) -> Head:
    with ledger.writer() as writer:
        return writer.head


def test_an_empty_ledger_has_no_records_and_the_zero_head(ledger: Ledger) -> None:
    assert list(ledger.read()) == []
    assert head_of(ledger) == Head(0, GENESIS, 0)
    assert ledger.holds(Head())


def test_what_is_appended_is_read_back_in_order_with_a_chain(ledger: Ledger) -> None:
    append(ledger, "a", "b")
    append(ledger, "c")
    records = list(ledger.read())
    assert [record.seq for record in records] == [1, 2, 3]
    assert [getattr(record.event, "requirement", None) for record in records] == ["a", "b", "c"]
    assert [record.prev for record in records] == [GENESIS, records[0].digest, records[1].digest]


def test_append_returns_the_records_that_a_reader_sees(ledger: Ledger) -> None:
    with ledger.writer() as writer:
        returned = writer.append([draft("a"), draft("b")])
        assert writer.head == Head(2, returned[-1].digest, returned[-1].end)
    assert list(ledger.read()) == list(returned)


def test_appending_nothing_changes_nothing(ledger: Ledger) -> None:
    append(ledger, "a")
    before = head_of(ledger)
    with ledger.writer() as writer:
        assert writer.append([]) == ()
    assert head_of(ledger) == before


def test_reading_after_a_head_gives_only_what_follows(ledger: Ledger) -> None:
    append(ledger, "a", "b")
    middle = head_of(ledger)
    append(ledger, "c", "d")
    assert [record.seq for record in ledger.read(middle)] == [3, 4]


def test_it_holds_its_own_heads_and_no_others(ledger: Ledger) -> None:
    append(ledger, "a", "b")
    for record in ledger.read():
        assert ledger.holds(Head(record.seq, record.digest, record.end))
    head = head_of(ledger)
    assert not ledger.holds(Head(head.seq, "f" * 64, head.end))
    assert not ledger.holds(Head(head.seq + 1, head.digest, head.end + 10))


def test_reading_after_a_foreign_head_is_refused(ledger: Ledger) -> None:
    append(ledger, "a", "b")
    with pytest.raises(LedgerError):
        list(ledger.read(Head(1, "f" * 64, next(iter(ledger.read())).end)))


def test_going_back_leads_to_the_last_place_far_enough_from_the_end(ledger: Ledger) -> None:
    assert ledger.back(0) == ledger.back(9) == Head()
    append(ledger, "a", "b", "c")
    heads = [Head(), *(Head(one.seq, one.digest, one.end) for one in ledger.read())]
    for size in range(heads[-1].end + 2):
        expected = [head for head in heads if head.end <= heads[-1].end - size] or [Head()]
        assert ledger.back(size) == expected[-1]
