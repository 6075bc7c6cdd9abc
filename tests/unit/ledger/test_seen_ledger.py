"""What was seen of the ledger is not read again; whatever happens to the file is noticed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ppm.engine.clock import SteppingClock
from ppm.engine.errors import LedgerError
from ppm.engine.ledger import seen
from ppm.engine.ledger.file import FileLedger
from ppm.engine.ledger.seen import recall
from ppm.events.envelope import Draft, Head
from ppm.events.requirement import RequirementAdded


def open_ledger(folder: Path) -> FileLedger:
    return FileLedger(
        folder / "ledger.jsonl", folder / "write.lock", clock=SteppingClock(), actor="user@host"
    )


def append(folder: Path, *texts: str, sync: bool = True) -> Head:
    with open_ledger(folder).writer() as writer:
        writer.append([draft(text) for text in texts], sync=sync)
        return writer.head


def draft(text: str) -> Draft:
    event = RequirementAdded(group="", name="x", requirement=text)
    return Draft(id=text, time="2026-01-01T00:00:00.000000Z", run="r", actor="a", event=event)


def is_seen(folder: Path) -> bool:
    """Whether the cache speaks of the ledger as it is, so that nothing would be digested."""
    with (folder / "ledger.jsonl").open("rb") as file:
        return open_ledger(folder)._seen(file) is not None


def edit(folder: Path, *, keep_times: bool) -> None:
    """Change the first line in place: same inode, same size."""
    path = folder / "ledger.jsonl"
    status = path.stat()
    with path.open("r+b") as file:
        data = file.read().replace(b'"first"', b'"FIRST"')
        file.seek(0)
        file.write(data)
    if keep_times:
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("sync", [True, False])
def test_own_appends_keep_what_was_seen(tmp_path: Path, sync: bool) -> None:
    for text in ("first", "second", "third"):
        head = append(tmp_path, text, sync=sync)
        assert is_seen(tmp_path)
        assert open_ledger(tmp_path).holds(head)


def test_an_edit_right_after_an_append_is_noticed_each_time(tmp_path: Path) -> None:
    for number in range(100):
        folder = tmp_path / str(number)
        folder.mkdir()
        head = append(folder, "first", "second", "third")
        edit(folder, keep_times=False)
        with pytest.raises(LedgerError, match="does not continue line 1"):
            open_ledger(folder).holds(head)


def test_an_edit_that_puts_the_time_of_modification_back_is_noticed(tmp_path: Path) -> None:
    head = append(tmp_path, "first", "second", "third")
    time.sleep(0.02)
    edit(tmp_path, keep_times=True)
    with pytest.raises(LedgerError):
        open_ledger(tmp_path).holds(head)


def test_an_append_to_a_changed_ledger_does_not_vouch_for_it(tmp_path: Path) -> None:
    append(tmp_path, "first", "second", "third")
    edit(tmp_path, keep_times=False)
    head = append(tmp_path, "fourth")
    assert not is_seen(tmp_path)
    with pytest.raises(LedgerError):
        open_ledger(tmp_path).holds(head)
    assert not is_seen(tmp_path)


def test_an_edit_between_two_appends_of_one_writer_is_noticed(tmp_path: Path) -> None:
    append(tmp_path, "first", "second")
    with open_ledger(tmp_path).writer() as writer:
        writer.append([draft("third")])
        edit(tmp_path, keep_times=False)
        writer.append([draft("fourth")])
        head = writer.head
    with pytest.raises(LedgerError):
        open_ledger(tmp_path).holds(head)


def rubbish(path: Path) -> None:
    path.write_bytes(b"\xff" * 9999)


def nothing(path: Path) -> None:
    path.unlink()


def folder_there(path: Path) -> None:
    path.unlink()
    path.mkdir()


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def link_to_elsewhere(path: Path) -> None:
    path.unlink()
    path.with_name("elsewhere").write_bytes(b"mine")
    path.symlink_to("elsewhere")


@pytest.mark.parametrize("spoil", [rubbish, nothing, folder_there, pipe, link_to_elsewhere])
def test_a_spoilt_cache_is_no_error(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    head = append(tmp_path, "first", "second")
    spoil(tmp_path / "ledger.seen")
    assert recall(tmp_path / "ledger.seen") is None
    assert open_ledger(tmp_path).holds(head)
    append(tmp_path, "third")
    assert [record.seq for record in open_ledger(tmp_path).read()] == [1, 2, 3]
    if (tmp_path / "elsewhere").exists():
        assert (tmp_path / "elsewhere").read_bytes() == b"mine"
    assert not list(tmp_path.glob(".*.tmp"))


def test_a_copied_ledger_is_seen_once_it_was_checked_and_left_alone(tmp_path: Path) -> None:
    head = append(tmp_path, "first", "second")
    path = tmp_path / "ledger.jsonl"
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data)
    assert open_ledger(tmp_path).holds(head)
    assert not is_seen(tmp_path)  # Just written: a change in the same tick would not show.
    time.sleep(2.2)
    assert open_ledger(tmp_path).holds(head)
    assert is_seen(tmp_path)
    append(tmp_path, "third")
    assert is_seen(tmp_path)


def test_places_that_the_ledger_does_not_have_are_not_held(tmp_path: Path) -> None:
    head = append(tmp_path, "first", "second")
    ledger = open_ledger(tmp_path)
    assert is_seen(tmp_path)
    assert not ledger.holds(Head(head.seq + 1, head.digest, head.end))
    assert not ledger.holds(Head(head.seq, "f" * 64, head.end))
    assert not ledger.holds(Head(head.seq, head.digest, head.end - 1))
    assert not ledger.holds(Head(head.seq, head.digest, head.end + 100))
    assert not ledger.holds(Head(head.seq, head.digest, -1))


def test_after_the_machine_went_down_everything_is_checked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(tmp_path, "one")
    assert is_seen(tmp_path)
    another = tmp_path / "boot_id"
    another.write_text("another boot\n")
    monkeypatch.setattr(seen, "_BOOT_ID", another)
    seen._boot.cache_clear()
    try:
        assert not is_seen(tmp_path)
    finally:
        seen._boot.cache_clear()
