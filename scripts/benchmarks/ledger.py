"""How long it takes to verify a long ledger, and to notice that it was tampered with.

The ledger is written here without PPM's help, by the rules of docs/ledger.md.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.measure import Measurement, measure

WHOLE = "whole"
_EVENTS_OF_A_RUN = 10


def ledger_rows(
    ppm: Path, folder: Path, *, events: int = 100_000, runs: int = 5
) -> dict[str, list[Measurement]]:
    """Measure ``ppm ledger verify --against CHECKPOINT --pub KEY`` on ledgers of that many events.

    Args:
        ppm: The program.
        folder: An empty folder to work in.
        events: How long the ledger is; the checkpoint is over all of it but a tenth.
        runs: How often each ledger is verified.

    Returns:
        The runs by what was done to the ledger: nothing, or one kind of tampering.

    Raises:
        CommandFailedError: A whole ledger was refused, or a tampered one accepted.
    """
    project, environment = folder / "project", {**os.environ, "PPM_HOME": str(folder / "home")}
    ledger = project / ".ppm" / "ledger.jsonl"
    ledger.parent.mkdir(parents=True)
    kept = events * 9 // 10
    whole = list(chained(facts(events)))
    ledger.write_bytes(b"".join(whole[:kept]))
    measure(
        [
            [str(ppm), "keygen", "--out-priv", "key", "--out-pub", "key.pub", "-q"],
            [str(ppm), "ledger", "checkpoint", "--sk", "key", "--out", "checkpoint", "-q"],
        ],
        project,
        environment,
    )
    verify = f"{shlex.quote(str(ppm))} ledger verify -q --against checkpoint --pub key.pub"
    results: dict[str, list[Measurement]] = {}
    # What the two commands appended to the first lines is under the checkpoint, too.
    begun = ledger.read_bytes().splitlines(keepends=True)
    whole = begun + list(chained(facts(events)[len(begun) :], after=begun))
    for kind, lines in {WHOLE: whole, **tampered(whole, kept)}.items():
        command = ["sh", "-c", verify if kind == WHOLE else f"! {verify}"]
        results[kind] = []
        for _ in range(runs):
            ledger.write_bytes(b"".join(lines))
            results[kind].append(measure([command], project, environment))
    return results


def facts(count: int) -> list[tuple[str, dict[str, object]]]:
    """The types and data of ``count`` events: a project and its applies."""
    begin: dict[str, object] = {"ledger": "ledger-1", "name": "bench", "manifest": "pypm.toml"}
    found = [("project.initialized/1", begin)]
    while len(found) < count:
        found += _run(len(found))
    return found[:count]


def _run(number: int) -> Iterator[tuple[str, dict[str, object]]]:
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    yield (
        "command.started/1",
        {"verb": "apply", "argv": [], "note": "", "ppm": "0.1.0", "python": "3.11.7"},
    )
    for part in range(_EVENTS_OF_A_RUN - 2):
        yield (
            "artifact.fetched/1",
            {
                "name": f"package-{part}",
                "version": f"1.{number}",
                "filename": f"package_{part}-1.{number}-py3-none-any.whl",
                "sha256": digest,
                "size": 12345,
                "source": f"https://files.example/{digest}/package_{part}.whl",
                "device": "cpu:hashlib",
            },
        )
    yield "command.completed/1", {"duration_us": 1234}


def chained(
    events: Sequence[tuple[str, dict[str, object]]], *, after: Sequence[bytes] = ()
) -> Iterator[bytes]:
    """The lines of a ledger with these events, after those that stand already."""
    previous = hashlib.sha256(after[-1][:-1]).hexdigest() if after else "0" * 64
    for seq, (word, data) in enumerate(events, len(after) + 1):
        line = json.dumps(
            {
                "seq": seq,
                "id": f"01a201fa-bfa0-7000-8000-{seq:012}",
                "time": "2026-11-22T06:39:00.000000Z",
                "type": word,
                "run": "01a201fa-bfa0-7000-8000-000000000000",
                "actor": "user@host",
                "prev": previous,
                "data": data,
            },
            separators=(",", ":"),
        ).encode()
        previous = hashlib.sha256(line).hexdigest()
        yield line + b"\n"


def tampered(whole: Sequence[bytes], kept: int) -> dict[str, list[bytes]]:
    """The ledger after each kind of tampering that a checkpoint over ``kept`` lines shows."""
    at = kept - 2
    forked = facts(len(whole))
    forked[2] = ("requirement.added/1", {"group": "", "name": "evil", "requirement": "evil"})
    return {
        "one of the last lines edited": [
            *whole[:at],
            whole[at].replace(b"user@host", b"evil@host"),
            *whole[at + 1 :],
        ],
        "two lines in another order": [*whole[:at], whole[at + 1], whole[at], *whole[at + 2 :]],
        "the end cut off": list(whole[:at]),
        "written anew from line 3 on": list(chained(forked)),
    }
