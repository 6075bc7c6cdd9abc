"""The ledger measured: appending, replaying, loading, verifying, noticing what was done to it.

Appending and replaying stand beside the `eventsourcing` library with SQLite, on the same facts.
"""

from __future__ import annotations

import json
import os
import shlex
import statistics
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.history import chained, lines, numbered
from benchmarks.measure import Measurement, measure

WHOLE = "whole"
APPENDED, BATCH = 10_000, 100
_SETTLED_S = 3.0  # Before that, a ledger that others wrote is digested whole each time.
REPLAYED = 1_000_000
LOADED = 100_000
Taken = dict[str, list[Measurement]]
Rows = dict[str, Taken]


class LedgerBench:
    """Both programs in ``bin_folder``, which has PPM and the library in one environment."""

    def __init__(self, bin_folder: Path, disk: Path, memory: Path) -> None:
        self._python = bin_folder / "python"
        self._ppm = bin_folder / "ppm"
        self._disk = disk
        self._memory = memory

    def rows(self, runs: int) -> Rows:
        """Everything, what is compared in turn; syncs on the disk, the rest in memory."""
        rows: Rows = {}
        label = f"append {APPENDED:,} events, {BATCH} a batch, each synced"
        rows[label] = self._both("append", self._disk, runs, APPENDED, BATCH)
        label = f"replay of {REPLAYED:,} events"
        rows[label] = self._replays(runs)
        label = f"load the state of {LOADED:,} events from its projections"
        with folder_in(self._memory) as folder:
            self._once("ours", "lay", folder, LOADED)
            time.sleep(_SETTLED_S)
            rows[label] = {"ppm": [self._once("ours", "load", folder) for _ in range(runs)]}
        with folder_in(self._memory) as folder:
            for kind, taken in ledger_rows(self._ppm, folder, runs=runs).items():
                rows[f"`ppm ledger verify` of 100,000 events, {kind}"] = {"ppm": taken}
        return rows

    def _both(self, verb: str, place: Path, runs: int, *numbers: int) -> Taken:
        taken: Taken = {"ppm": [], "eventsourcing": []}
        for _ in range(runs):
            for name, module in (("ppm", "ours"), ("eventsourcing", "sourced")):
                with folder_in(place) as folder:
                    taken[name].append(self._once(module, verb, folder, *numbers))
        return taken

    def _replays(self, runs: int) -> Taken:
        taken: Taken = {"ppm": [], "eventsourcing": []}
        with folder_in(self._memory) as ours, folder_in(self._memory) as sourced:
            self._once("ours", "lay", ours, REPLAYED)
            self._once("sourced", "append", sourced, REPLAYED, 1000)
            for _ in range(runs):
                taken["ppm"].append(self._once("ours", "replay", ours, REPLAYED))
                taken["eventsourcing"].append(self._once("sourced", "replay", sourced, REPLAYED))
        return taken

    def _once(self, module: str, verb: str, folder: Path, *numbers: int) -> Measurement:
        """One process; it measures itself, so that its start is left out."""
        here = Path(__file__).parent
        command: list[str | Path] = [
            self._python,
            here / f"{module}.py",
            verb,
            folder,
            *map(str, numbers),
        ]
        environment = {**os.environ, "PYTHONPATH": str(here.parent)}
        told = json.loads(subprocess.check_output(command, env=environment))
        return Measurement(**told, largest_process=0)


@contextmanager
def folder_in(place: Path) -> Iterator[Path]:
    """An empty folder, gone afterwards."""
    with TemporaryDirectory(prefix="ledger-", dir=place) as name:
        yield Path(name)


def versions(bin_folder: Path) -> list[str]:
    """What is installed of the two."""
    names = ("ppm", "eventsourcing")
    text = f"import importlib.metadata as m; print(*map(m.version, {names}))"
    shown = subprocess.check_output([bin_folder / "python", "-c", text], text=True).split()
    return [f"{name} {version}" for name, version in zip(names, shown, strict=True)]


def table(rows: Rows) -> str:
    """Medians by the clock and of the processor, and how many times quicker PPM is."""
    found = [
        "| | ppm | processor | eventsourcing | processor | times quicker | by processor |",
        "|---|" + "---:|" * 6,
    ]
    for label, taken in rows.items():
        medians = {name: _medians(runs) for name, runs in taken.items()}
        cells = [f"{value:.3f} s" for value in medians["ppm"]]
        if "eventsourcing" in medians:
            cells += [f"{value:.3f} s" for value in medians["eventsourcing"]]
            pairs = zip(medians["eventsourcing"], medians["ppm"], strict=True)
            cells += [f"{theirs / ours:.1f}" for theirs, ours in pairs]
        cells += [""] * (6 - len(cells))
        found.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(found) + "\n"


def _medians(runs: Sequence[Measurement]) -> tuple[float, float]:
    seconds = statistics.median(one.seconds for one in runs)
    return seconds, statistics.median(one.cpu_seconds for one in runs)


def ledger_rows(
    ppm: Path, folder: Path, *, events: int = 100_000, runs: int = 5
) -> Mapping[str, list[Measurement]]:
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
    whole = list(lines(events))
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
    whole = begun + list(chained(iter(numbered(events)[len(begun) :]), after=begun))
    for kind, left in {WHOLE: whole, **tampered(whole, kept)}.items():
        command = ["sh", "-c", verify if kind == WHOLE else f"! {verify}"]
        results[kind] = []
        for _ in range(runs):
            ledger.write_bytes(b"".join(left))
            results[kind].append(measure([command], project, environment))
    return results


def tampered(whole: Sequence[bytes], kept: int) -> dict[str, list[bytes]]:
    """The ledger after each kind of tampering that a checkpoint over ``kept`` lines shows."""
    at = kept - 2
    forked = numbered(len(whole))
    forked[2] = 0, ("requirement.added/1", {"group": "", "name": "evil", "requirement": "evil"})
    return {
        "one of the last lines edited": [
            *whole[:at],
            whole[at].replace(b"user@host", b"evil@host"),
            *whole[at + 1 :],
        ],
        "two lines in another order": [*whole[:at], whole[at + 1], whole[at], *whole[at + 2 :]],
        "the end cut off": list(whole[:at]),
        "written anew from line 3 on": list(chained(iter(forked))),
    }
