"""The figures as a Markdown table, and its place in the documentation."""

from __future__ import annotations

import datetime as dt
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.cases import REFERENCE
from benchmarks.measure import Measurement

BEGIN = "<!-- bench {name}: written by scripts/bench.py -->"
END = "<!-- end of bench {name} -->"
MIB = 1024 * 1024

Results = Mapping[str, Mapping[str, Sequence[Measurement]]]


def table(times: Results, memory: Results, tools: Sequence[str]) -> str:
    """Medians by the clock, and how many times the reference's they are, a row each.

    Processor time has its own ratio: it tells more than the clock on a machine that is not idle.
    """
    others = [tool for tool in tools if tool != REFERENCE and REFERENCE in tools]
    heads = [*tools, *(f"{tool} / {REFERENCE}" for tool in others)]
    heads += [f"processor time, {tool} / {REFERENCE}" for tool in others]
    lines = ["| | " + " | ".join(heads) + " |", "|---|" + "---:|" * len(heads)]
    for row, measured in times.items():
        seconds = {tool: statistics.median(m.seconds for m in measured[tool]) for tool in tools}
        cpu = {tool: statistics.median(m.cpu_seconds for m in measured[tool]) for tool in tools}
        cells = [f"{seconds[tool]:.3f} s" for tool in tools]
        lines.append(_line(row, [*cells, *_ratios(seconds, others), *_ratios(cpu, others)]))
    for row, measured in memory.items():
        peak = {tool: statistics.median(_peak(m) for m in measured[tool]) for tool in tools}
        cells = [f"{peak[tool] / MIB:.0f} MiB" for tool in tools]
        lines.append(
            _line(f"peak memory, {row}", [*cells, *_ratios(peak, others), *("" for _ in others)])
        )
    return "\n".join(lines) + "\n"


def _peak(measured: Measurement) -> float:
    """All processes together; the largest one's own peak where it fell between two looks."""
    return max(measured.together, measured.largest_process)


def _ratios(medians: Mapping[str, float], others: Sequence[str]) -> list[str]:
    return [f"{medians[tool] / medians[REFERENCE]:.2f}" for tool in others]


def _line(row: str, cells: Sequence[str]) -> str:
    return f"| {row} | {' | '.join(cells)} |"


def machine() -> str:
    """Processor, cores, memory and kernel in a line."""
    model = platform.machine()
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1024**3
    cores = len(os.sched_getaffinity(0))
    return f"{model}, {cores} cores, {memory:.0f} GiB, Linux {platform.release()}"


def section(body: str, facts: Mapping[str, str]) -> str:
    """The table under what it needs to be believed: when, where, with what."""
    date = dt.datetime.now(dt.UTC).date()
    rows = [f"- {name}: {value}" for name, value in {"date": str(date), **facts}.items()]
    return "\n".join([*rows, "", body])


def write(document: Path, name: str, text: str) -> None:
    """Put ``text`` between the markers of ``name`` in ``document``, in place of what was there."""
    content = document.read_text(encoding="utf-8") if document.exists() else "# Benchmarks\n"
    begin, end = BEGIN.format(name=name), END.format(name=name)
    block = f"{begin}\n{text}{end}"
    if begin in content:
        before, _, rest = content.partition(begin)
        content = before + block + rest.partition(end)[2]
    else:
        content = f"{content.rstrip()}\n\n{block}\n"
    document.write_text(content, encoding="utf-8")
