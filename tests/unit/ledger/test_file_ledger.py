"""What only a ledger on disk can meet: torn tails, edits, other writers."""

from __future__ import annotations

import json
import multiprocessing
from hashlib import sha256
from pathlib import Path

import pytest

from ppm.engine.clock import SteppingClock, SystemClock
from ppm.engine.errors import LedgerError, StorageError
from ppm.engine.ledger.file import FileLedger
from ppm.events.envelope import Draft, Record
from ppm.events.project import LedgerRepaired
from ppm.events.requirement import RequirementAdded


def open_ledger(folder: Path) -> FileLedger:
    return FileLedger(
        folder / "ledger.jsonl", folder / "write.lock", clock=SteppingClock(), actor="user@host"
    )


def draft(text: str) -> Draft:
    event = RequirementAdded(group="", name="x", requirement=text)
    return Draft(id=text, time="2026-01-01T00:00:00.000000Z", run="r", actor="a", event=event)


def append(folder: Path, *texts: str) -> None:
    with open_ledger(folder).writer() as writer:
        writer.append([draft(text) for text in texts])


def read(folder: Path) -> list[Record]:
    return list(open_ledger(folder).read())


def test_every_cut_of_the_last_line_is_repaired_and_keeps_what_came_before(tmp_path: Path) -> None:
    append(tmp_path, "a", "b", "c")
    whole = (tmp_path / "ledger.jsonl").read_bytes()
    last = whole[:-1].rfind(b"\n") + 1
    for cut in range(last + 1, len(whole)):
        folder = tmp_path / str(cut)
        folder.mkdir()
        (folder / "ledger.jsonl").write_bytes(whole[:cut])
        append(folder, "d")
        events = [record.event for record in read(folder)]
        repair = events[2]
        assert isinstance(repair, LedgerRepaired)
        assert (folder / repair.kept).read_bytes() == whole[last:cut]
        assert repair.sha256 == sha256(whole[last:cut]).hexdigest()
        assert [getattr(event, "requirement", "-") for event in events] == ["a", "b", "-", "d"]


def test_a_cut_at_the_end_of_a_line_needs_no_repair(tmp_path: Path) -> None:
    append(tmp_path, "a", "b")
    append(tmp_path, "c")
    assert [record.seq for record in read(tmp_path)] == [1, 2, 3]
    assert not list(tmp_path.glob("ledger.torn-*"))


@pytest.mark.parametrize("newline", [b"", b"\n"])
def test_a_tail_of_nul_bytes_is_torn(tmp_path: Path, newline: bytes) -> None:
    append(tmp_path, "a")
    with (tmp_path / "ledger.jsonl").open("ab") as file:
        file.write(b"\0" * 4096 + newline)
    append(tmp_path, "b")
    events = [record.event for record in read(tmp_path)]
    assert isinstance(events[1], LedgerRepaired)
    assert len(events) == 3


def test_a_reader_does_not_see_a_line_that_is_still_being_written(tmp_path: Path) -> None:
    append(tmp_path, "a")
    with (tmp_path / "ledger.jsonl").open("ab") as file:
        file.write(b'{"seq":2,"id"')
    assert [record.seq for record in read(tmp_path)] == [1]


EDITS = {
    "a changed word": lambda line: line.replace(b'"requirement":"b"', b'"requirement":"z"'),
    "a float": lambda line: line.replace(b'"seq":2', b'"seq":2.0'),
    "a duplicate key": lambda line: line.replace(b'"seq":2', b'"seq":2,"seq":2'),
    "whitespace": lambda line: line.replace(b'"seq":2', b'"seq": 2'),
    "NaN": lambda line: line.replace(b'"seq":2', b'"seq":NaN'),
    "a gap in seq": lambda line: line.replace(b'"seq":2', b'"seq":3'),
    "a wrong prev": lambda line: line.replace(b'"prev":"', b'"prev":"0')[:-1],
    "an unknown field": lambda line: line.replace(b'"seq":2', b'"seq":2,"more":1'),
    "a missing field": lambda line: line.replace(b'"actor":"a",', b""),
    "another order": lambda line: line.replace(b'"run":"r","actor":"a"', b'"actor":"a","run":"r"'),
    "an escaped letter": lambda line: line.replace(b'"actor":"a"', b'"actor":"\\u0061"'),
    "not UTF-8": lambda line: line.replace(b'"actor":"a"', b'"actor":"\xff"'),
    "an empty line": lambda _line: b"",
    "no JSON": lambda _line: b"hello",
    "deep nesting": lambda _line: b"[" * 100_000,
}


@pytest.mark.parametrize("name", EDITS)
def test_a_changed_line_is_refused_by_its_number(tmp_path: Path, name: str) -> None:
    append(tmp_path, "a", "b", "c")
    path = tmp_path / "ledger.jsonl"
    lines = path.read_bytes().splitlines()
    lines[1] = EDITS[name](lines[1])
    path.write_bytes(b"\n".join(lines) + b"\n")
    with pytest.raises(LedgerError, match=r"line [23] of") as caught:
        read(tmp_path)
    assert caught.value.code == "LEDGER_CORRUPT"
    assert path.read_bytes() == b"\n".join(lines) + b"\n"


def test_an_event_of_a_newer_version_is_refused_by_readers_and_writers(tmp_path: Path) -> None:
    append(tmp_path, "a")
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(path.read_bytes().replace(b"requirement.added/1", b"requirement.added/9"))
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="newer ppm") as caught:
        read(tmp_path)
    assert caught.value.code == "LEDGER_TOO_NEW"
    with pytest.raises(LedgerError, match="newer ppm"):
        append(tmp_path, "b")
    assert path.read_bytes() == before


def test_a_merge_conflict_marker_has_its_own_code(tmp_path: Path) -> None:
    append(tmp_path, "a")
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(b"<<<<<<< HEAD\n" + path.read_bytes())
    with pytest.raises(LedgerError) as caught:
        read(tmp_path)
    assert caught.value.code == "LEDGER_CONFLICT"


def test_a_corrupt_last_line_stops_a_writer(tmp_path: Path) -> None:
    append(tmp_path, "a")
    with (tmp_path / "ledger.jsonl").open("ab") as file:
        file.write(b"garbage\n")
    with pytest.raises(LedgerError):
        append(tmp_path, "b")


def test_after_a_failed_write_the_writer_stays_closed(tmp_path: Path) -> None:
    with open_ledger(tmp_path).writer() as writer:
        writer.append([draft("a")])
        writer._file.close()  # type: ignore[attr-defined]
        with pytest.raises((StorageError, ValueError)):
            writer.append([draft("b")])
    assert [record.seq for record in read(tmp_path)] == [1]


def _append_many(folder: str, name: str, count: int) -> None:
    ledger = FileLedger(
        Path(folder) / "ledger.jsonl", Path(folder) / "write.lock", clock=SystemClock(), actor=name
    )
    for number in range(count):
        with ledger.writer() as writer:
            writer.append([draft(f"{name}-{number}")])


def test_many_writers_make_one_chain_and_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [
        context.Process(target=_append_many, args=(str(tmp_path), f"w{number}", 50))
        for number in range(4)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    found = [getattr(record.event, "requirement", "") for record in read(tmp_path)]
    assert sorted(found) == sorted(f"w{w}-{n}" for w in range(4) for n in range(50))


def test_five_lines_of_python_verify_the_chain(tmp_path: Path) -> None:
    append(tmp_path, "a", "b", "c")
    prev = "0" * 64
    for line in (tmp_path / "ledger.jsonl").read_bytes().splitlines():
        assert json.loads(line)["prev"] == prev
        prev = sha256(line).hexdigest()
