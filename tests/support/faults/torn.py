"""A ledger whose last append a power loss has torn, at every byte."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
from support.faults.stage import Scenario
from support.faults.syscalls import WRITES

from ppm.engine.clock import SystemClock
from ppm.engine.errors import PpmError
from ppm.engine.ledger.file import FileLedger
from ppm.events.project import LedgerRepaired

MOST = 4096


class Tail(msgspec.Struct, frozen=True):
    """What was acknowledged, and what of an append under way is there."""

    before: bytes
    there: bytes


def torn_tails(scenario: Scenario) -> Iterator[Tail]:
    """Each append of the command, cut at each byte up to 4 KiB, and with NUL from there on."""
    ledger = f"{scenario.disk.root}/project/.ppm/ledger.jsonl"
    before = scenario.before.lines
    for call in scenario.calls:
        if call.name in WRITES and call.path == ledger:
            for size in range(min(len(call.data), MOST) + 1):
                yield Tail(before, call.data[:size])
                yield Tail(before, call.data[:size] + bytes(len(call.data) - size))
            before += call.data


def violations_of_tail(folder: Path, tail: Tail) -> list[str]:
    """What does not hold when such a ledger is read, repaired and read again."""
    path = folder / "ledger.jsonl"
    path.write_bytes(tail.before + tail.there)
    ledger = FileLedger(path, folder / "write.lock", clock=SystemClock(), actor="test@test")
    whole = (tail.before + tail.there).partition(b"\0")[0]
    whole = whole[: whole.rfind(b"\n") + 1]
    torn = len(whole) < len(tail.before + tail.there)
    try:
        with ledger.writer():
            pass
        new = [record.event for record in ledger.read() if record.end > len(whole)]
    except PpmError as error:
        return [f"I6 {error}"]
    found = []
    if not path.read_bytes().startswith(whole) or not whole.startswith(tail.before):
        found.append("I1 a whole line is gone")
    kept = [folder / one.kept for one in new if isinstance(one, LedgerRepaired)]
    if torn and (not kept or kept[-1].read_bytes() != (tail.before + tail.there)[len(whole) :]):
        found.append("I1 the torn bytes were not kept")
    for one in kept:
        one.unlink()
    return found
