"""One command measured: time by the clock and of the processor, and how much memory it held."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LOOK_EVERY_SECONDS = 0.005
KIB = 1024


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What one run took.

    ``seconds`` by the clock, ``cpu_seconds`` of it and its children, ``largest_process`` the peak
    resident set of the largest of them (``ru_maxrss``), ``together`` the peak of the sum over all
    of them (proportional set size, 0 where it was not looked at); both in bytes.
    """

    seconds: float
    cpu_seconds: float
    largest_process: int
    together: int = 0


class CommandFailedError(Exception):
    """A command of the benchmark did not exit with 0; carries what it printed."""


def measure(
    commands: Sequence[Sequence[str]],
    directory: Path,
    environment: Mapping[str, str],
    *,
    memory: bool = False,
) -> Measurement:
    """Run ``commands`` one after another and measure them as one.

    Raises:
        CommandFailedError: One of them failed.
    """
    parts = [_measure_one(command, directory, environment, memory) for command in commands]
    return Measurement(
        seconds=sum(part.seconds for part in parts),
        cpu_seconds=sum(part.cpu_seconds for part in parts),
        largest_process=max(part.largest_process for part in parts),
        together=max(part.together for part in parts),
    )


def _measure_one(
    command: Sequence[str], directory: Path, environment: Mapping[str, str], memory: bool
) -> Measurement:
    with tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=directory, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        watcher = _Watcher(process.pid) if memory else None
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        together = watcher.stop() if watcher else 0
        if process.returncode:
            output.seek(0)
            said = output.read().decode("utf-8", "replace")
            raise CommandFailedError(f"{' '.join(command)}: exit {process.returncode}\n{said}")
    return Measurement(
        seconds=seconds,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        largest_process=usage.ru_maxrss * KIB,
        together=together,
    )


class _Watcher:
    """Looks at a process and its descendants until it is stopped."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peak = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def stop(self) -> int:
        self._ended.set()
        self._thread.join()
        return self._peak

    def _watch(self) -> None:
        while not self._ended.wait(LOOK_EVERY_SECONDS):
            held = sum(_proportional_set(pid) for pid in _family(self._pid))
            self._peak = max(self._peak, held)


def _family(pid: int) -> list[int]:
    """A process and all its descendants that are alive."""
    found = [pid]
    for parent in found:
        try:
            tasks = list(Path(f"/proc/{parent}/task").iterdir())
            for task in tasks:
                found += map(int, (task / "children").read_text().split())
        except OSError:
            continue
    return found


def _proportional_set(pid: int) -> int:
    """Bytes of memory of a process, pages it shares counted in part; 0 once it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * KIB for line in lines if line.startswith("Pss:")), 0)
