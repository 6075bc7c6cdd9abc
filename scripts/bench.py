#!/usr/bin/env python3
"""Measures PPM beside uv and pip on a real package set served over loopback.

    python3 scripts/bench.py                 every row, medians of five
    python3 scripts/bench.py --write         the same, into docs/benchmarks.md
    python3 scripts/bench.py --only "cold apply" --runs 3 --tools ppm uv
    python3 scripts/bench.py --ledger        the ledger alone, beside the eventsourcing library

The set is fetched once from the configured index into ``.build/bench``. Each run takes the tools
in turn (A B C A B C), all files are on tmpfs, the index is a process of its own. PPM is installed
from this clone as users have it. What is measured stands in ``benchmarks/cases.py``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import bootstrap
from benchmarks import ledger, report
from benchmarks.cases import MEMORY_ROWS, ROWS, TOOLS, Command
from benchmarks.measure import CommandFailedError, Measurement, measure
from benchmarks.mirror import PACKAGE_SETS, Mirror, mirror
from local_index import IndexProcess

TMPFS = Path("/dev/shm")  # noqa: S108 - a file system in memory is what is wanted
MEMORY_RUNS = 3
Measured = dict[str, dict[str, list[Measurement]]]


class Bench:
    """One benchmark: a folder for each tool, and what stands for the names in commands."""

    def __init__(self, folder: Path, index: str, tools: Path, package_set: str) -> None:
        self.folder = folder
        self._requirements = PACKAGE_SETS[package_set].requirements
        self._names = {
            "index": index,
            "inputs": str(folder / "inputs"),
            "python": interpreter(),
            "tools": str(tools),
            "another": PACKAGE_SETS[package_set].another,
        }
        self._environment = clean_environment(tools)

    def version(self, tool: str) -> str:
        """What the tool calls itself."""
        command = self._fill(TOOLS[tool].version, tool)
        shown = subprocess.check_output(command, env=self._environment, text=True)
        return " ".join(shown.split()[:2])

    def run(self, row: str, tool: str, *, memory: bool = False) -> Measurement:
        """Prepare and measure one cell once."""
        case = TOOLS[tool].cases[row]
        project = self.folder / tool / "project"
        project.mkdir(parents=True, exist_ok=True)
        names = self._names_of(tool)
        settings = {key: value.format(**names) for key, value in TOOLS[tool].environment.items()}
        environment = {**self._environment, **settings}
        for command in case.before:
            measure([self._fill(command, tool)], project, environment)
        timed = [self._fill(command, tool) for command in case.timed]
        return measure(timed, project, environment, memory=memory)

    def _names_of(self, tool: str) -> Mapping[str, str]:
        return {**self._names, "cache": str(self.folder / tool / "cache")}

    def _fill(self, command: Command, tool: str) -> list[str]:
        names = self._names_of(tool)
        filled: list[str] = []
        for word in command:
            several = self._requirements if word == "{requirements}" else (word.format(**names),)
            filled += several
        return filled


def main() -> int:
    """Measure and report."""
    options = parse_options()
    if options.ledger:
        return measure_ledger(options)
    try:
        tools = bootstrap.environment("bench", requirements=["uv"])
    except bootstrap.SetupError as error:
        sys.exit(f"error: {error}")
    mirrored = mirror(options.package_set, bootstrap.BUILD / "bench", tools / "python")
    with working_folder() as folder:
        wheels = folder / "wheels"
        shutil.copytree(mirrored.folder, wheels)
        write_inputs(folder / "inputs", options.package_set, mirrored)
        with IndexProcess(wheels, f"--away={options.away / 1000}") as index:
            bench = Bench(folder, index.url, tools, options.package_set)
            try:
                times = measure_rows(bench, options.only, options.tools, options.runs)
                wanted = [row for row in MEMORY_ROWS if row in options.only]
                held = measure_rows(bench, wanted, options.tools, MEMORY_RUNS, memory=True)
            except CommandFailedError as error:
                sys.exit(f"error: {error}")
            facts = describe(bench, options, mirrored)
    show(options, times, held, facts)
    return 0


def measure_ledger(options: argparse.Namespace) -> int:
    """The rows of the ledger: syncs on the disk below ``.build``, everything else on tmpfs."""
    try:
        tools = bootstrap.environment("bench-ledger", requirements=["eventsourcing"])
    except bootstrap.SetupError as error:
        sys.exit(f"error: {error}")
    with working_folder() as memory, ledger.folder_in(bootstrap.BUILD) as disk:
        try:
            rows = ledger.LedgerBench(tools, disk, memory).rows(options.runs)
        except (CommandFailedError, subprocess.CalledProcessError) as error:
            sys.exit(f"error: {error}")
    facts = {
        "machine": report.machine(),
        "versions": ", ".join([f"Python {platform.python_version()}", *ledger.versions(tools)]),
        "runs": f"median of {options.runs}, the two in turn",
        "command": f"`{shlex.join(['python3', 'scripts/bench.py', *sys.argv[1:]])}`",
    }
    text = report.section(ledger.table(rows), facts)
    print(text)
    if options.json:
        options.json.write_text(
            json.dumps({"facts": facts, "times": plain(rows)}, indent=1), encoding="utf-8"
        )
    if options.write:
        report.write(bootstrap.ROOT / "docs" / "benchmarks.md", "ledger", text)
    return 0


def parse_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5, help="runs of each cell (5)")
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW")
    parser.add_argument("--tools", nargs="+", choices=list(TOOLS), default=list(TOOLS))
    parser.add_argument("--package-set", choices=list(PACKAGE_SETS), default="jupyter")
    parser.add_argument(
        "--away", type=int, default=0, metavar="MS", help="an index whose answers take MS longer"
    )
    parser.add_argument("--ledger", action="store_true", help="measure the ledger, nothing else")
    parser.add_argument("--write", action="store_true", help="put the table into the documentation")
    parser.add_argument("--json", type=Path, help="write every single figure into this file")
    return parser.parse_args()


def measure_rows(
    bench: Bench, rows: Sequence[str], tools: Sequence[str], runs: int, *, memory: bool = False
) -> Measured:
    """All rows, the tools in turn within each run."""
    results: Measured = {row: {tool: [] for tool in tools} for row in rows}
    for row in rows:
        for number in range(1, runs + 1):
            for tool in tools:
                taken = bench.run(row, tool, memory=memory)
                results[row][tool].append(taken)
                figure = f"{taken.together / report.MIB:.0f} MiB" if memory else ""
                print(
                    f"{row:<12} run {number}/{runs}  {tool:<4} {taken.seconds:8.3f} s  "
                    f"cpu {taken.cpu_seconds:7.3f} s  {figure}",
                    file=sys.stderr,
                    flush=True,
                )
    return results


def describe(bench: Bench, options: argparse.Namespace, mirrored: Mirror) -> dict[str, str]:
    """What somebody needs to make the same table."""
    kind = "tmpfs" if bench.folder.is_relative_to(TMPFS) else "disk (no usable tmpfs)"
    versions = [bench.version(tool) for tool in options.tools]
    size = mirrored.size / report.MIB
    return {
        "machine": report.machine(),
        "versions": ", ".join([f"Python {platform.python_version()}", *versions]),
        "package set": f"{options.package_set}: {mirrored.wheels} wheels, {size:.1f} MiB, "
        f"of {mirrored.date}",
        "files on": kind,
        "index": f"on this machine, every answer {options.away} ms late"
        if options.away
        else "on this machine",
        "runs": f"median of {options.runs}, tools in turn",
        "command": f"`{shlex.join(['python3', 'scripts/bench.py', *sys.argv[1:]])}`",
    }


def show(
    options: argparse.Namespace, times: Measured, held: Measured, facts: Mapping[str, str]
) -> None:
    """Print the table, and put it where it was asked for."""
    text = report.section(report.table(times, held, options.tools), facts)
    print(text)
    if options.json:
        options.json.write_text(
            json.dumps({"facts": facts, "times": plain(times), "memory": plain(held)}, indent=1),
            encoding="utf-8",
        )
    if options.write:
        block = f"{options.package_set}-away" if options.away else options.package_set
        report.write(bootstrap.ROOT / "docs" / "benchmarks.md", block, text)


def plain(measured: Measured) -> dict[str, dict[str, list[dict[str, float]]]]:
    """The figures as JSON has them."""
    return {
        row: {tool: [dataclasses.asdict(taken) for taken in runs] for tool, runs in cells.items()}
        for row, cells in measured.items()
    }


@contextmanager
def working_folder() -> Iterator[Path]:
    """A folder on tmpfs where there is one, removed at the end."""
    usable = TMPFS.is_dir() and os.access(TMPFS, os.W_OK)
    if not usable:
        print("There is no usable /dev/shm: the disk is measured too.", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="ppm-bench-", dir=TMPFS if usable else None) as name:
        yield Path(name)


def write_inputs(folder: Path, package_set: str, mirrored: Mirror) -> None:
    """The requirements as files, for the tools that want them so."""
    folder.mkdir()
    wanted = "\n".join(PACKAGE_SETS[package_set].requirements) + "\n"
    (folder / "requirements.in").write_text(wanted, encoding="utf-8")
    (folder / "locked.txt").write_text(mirrored.locked, encoding="utf-8")


def interpreter() -> str:
    """The Python that all environments are made with: this one, outside any environment."""
    major, minor = sys.version_info[:2]
    return str(Path(sys.base_prefix) / "bin" / f"python{major}.{minor}")


def clean_environment(tools: Path) -> dict[str, str]:
    """The caller's environment without what would set one of the tools up, its Python first."""
    ours = ("PIP_", "UV_", "PPM_", "PYP_", "VIRTUAL_ENV", "PYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    places = [str(Path(interpreter()).parent), str(tools), kept.get("PATH", "")]
    return {**kept, "PIP_CONFIG_FILE": os.devnull, "NO_COLOR": "1", "PATH": os.pathsep.join(places)}


if __name__ == "__main__":
    sys.exit(main())
