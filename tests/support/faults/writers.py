"""Many processes that append to one ledger, half of which are killed; and commands at once.

    python writers.py LEDGER COUNT

appends that many events one by one and tells each on its output once it is on record.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple


class Told(NamedTuple):
    """What a writer said before it ended: ``seq`` and ``id`` of each event it has on record."""

    events: list[tuple[int, str]]
    status: int


def main() -> None:
    """Be one writer."""
    from ppm.engine.clock import SystemClock
    from ppm.engine.ledger.file import FileLedger
    from ppm.events.command import QueryAnswered
    from ppm.events.envelope import Draft

    path, clock = Path(sys.argv[1]), SystemClock()
    ledger = FileLedger(path, path.with_name("write.lock"), clock=clock, actor="writer@test")
    run = clock.new_id()
    for _ in range(int(sys.argv[2])):
        event = QueryAnswered(verb="test", argv=(), code="", duration_us=0)
        with ledger.writer() as writer:
            (record,) = writer.append(
                [Draft(id=clock.new_id(), time=clock.now(), run=run, actor="w@t", event=event)]
            )
        os.write(1, f"{record.seq} {record.digest}\n".encode())


def write_together(
    ledger: Path,
    *,
    writers: int,
    appends: int,
    kills: int,
    environ: Mapping[str, str],
    seed: int,
) -> list[Told]:
    """Start all writers on one ledger and kill some at random moments; what each told."""
    chance = random.Random(seed)
    command = [sys.executable, __file__, str(ledger), str(appends)]
    outputs = [ledger.with_name(f"told-{number}") for number in range(writers)]
    running = []
    for output in outputs:
        with output.open("wb") as stream:
            running.append(
                subprocess.Popen(
                    command, stdout=stream, stderr=subprocess.DEVNULL, env=dict(environ)
                )
            )
    # Not before it has begun, or it would be the start of Python that is killed.
    doomed = {
        one: chance.randrange(1, appends // 2) for one in chance.sample(range(writers), kills)
    }
    while doomed and any(process.poll() is None for process in running):
        for victim in list(doomed):
            if outputs[victim].read_bytes().count(b"\n") >= doomed[victim]:
                os.kill(running[victim].pid, signal.SIGKILL)
                del doomed[victim]
        time.sleep(0.001)
    statuses = [process.wait(120) for process in running]
    return [Told(_events(path), status) for path, status in zip(outputs, statuses, strict=True)]


def _events(path: Path) -> list[tuple[int, str]]:
    whole = path.read_text().rpartition("\n")[0].splitlines()
    return [(int(line.split()[0]), line.split()[1]) for line in whole]


def violations_of_writers(ledger: Path, told: list[Told]) -> list[str]:
    """What of it is not in the ledger, or is there twice, or is not chained."""
    data = ledger.read_bytes()
    lines = data[: data.rfind(b"\n") + 1].splitlines()
    previous = "0" * 64
    for number, line in enumerate(lines, start=1):
        try:
            event = json.loads(line)
        except ValueError:
            return [f"I2 line {number} is no event"]
        if (event["seq"], event["prev"]) != (number, previous):
            return [f"I2 line {number} is not chained to the one before it"]
        previous = sha256(line).hexdigest()
    digests = [sha256(line).hexdigest() for line in lines]
    events = [event for one in told for event in one.events]
    lost = [seq for seq, digest in events if digests[seq - 1 : seq] != [digest]]
    return [f"I1 {len(lost)} acknowledged events are gone"] if lost else []


def add_together(
    folder: Path, environ: Mapping[str, str], requirements: tuple[str, ...]
) -> list[str]:
    """Run ``add`` for each of them at once; what of it is not in the manifest or not recorded."""
    program = [sys.executable, "-c", "from ppm.commands.app import main; main()", "add"]
    quiet = subprocess.DEVNULL
    running = [
        subprocess.Popen([*program, one], cwd=folder, env=dict(environ), stdout=quiet, stderr=quiet)
        for one in requirements
    ]
    statuses = [process.wait(120) for process in running]
    found = [f"W exit status {status}" for status in statuses if status != 0][:1]
    manifest = (folder / "pypm.toml").read_text()
    lost = [one for one in requirements if f'"{one}"' not in manifest]
    return [*found, *(f"I1 {one} was added and is not in the manifest" for one in lost[:1])]


if __name__ == "__main__":
    main()
