#!/usr/bin/env python3
"""Installs the development tools inside the clone and runs every check.

    python3 scripts/test.py                        everything
    python3 scripts/test.py -k ledger tests/unit   only pytest, with these arguments

Every check runs even when an earlier one failed. The last line is pytest's own summary; the exit
status is 1 if anything failed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import bootstrap


class Check(NamedTuple):
    """A tool to run: its name and its command line, the first word found in the environment."""

    name: str
    command: tuple[str, ...]


class Result(NamedTuple):
    """How a check went."""

    name: str
    status: int
    seconds: float


CHECKS = (
    Check("ruff check", ("ruff", "check", ".")),
    Check("ruff format", ("ruff", "format", "--check", ".")),
    Check("mypy rooms", ("mypy", "--strict", ".build/view/ppm")),
    Check("mypy scripts", ("mypy", "--strict", "scripts")),
    Check("import-linter", ("lint-imports", "--cache-dir", ".build/import-linter")),
)
PYTEST = ("pytest", "-n", "2", "--durations=8")


def main(arguments: list[str]) -> int:
    """Run everything, or only pytest with ``arguments``."""
    os.chdir(bootstrap.ROOT)
    try:
        tools = bootstrap.environment("test", groups=["dev"], editable=True)
    except bootstrap.SetupError as error:
        sys.exit(f"error: {error}")
    bootstrap.link_rooms()
    if arguments:
        return subprocess.run([tools / "pytest", *arguments], check=False).returncode
    results = [run_check(check, tools) for check in CHECKS]
    tests, summary = run_pytest(tools)
    results.append(tests)
    print_results(results)
    print(summary, flush=True)
    return 1 if any(result.status for result in results) else 0


def run_check(check: Check, tools: Path) -> Result:
    """Run one tool, its output as it comes."""
    headline(check.name, check.command)
    program, *arguments = check.command
    began = time.monotonic()
    status = subprocess.run(
        [tools / program, *arguments], check=False, env=typing_view()
    ).returncode
    return Result(check.name, status, time.monotonic() - began)


def run_pytest(tools: Path) -> tuple[Result, str]:
    """Run the tests, passing their output on; also gives the last line they printed."""
    headline("pytest", PYTEST)
    program, *arguments = PYTEST
    colour = "yes" if sys.stdout.isatty() else "no"
    command = [str(tools / program), *arguments, f"--color={colour}"]
    began = time.monotonic()
    last = "pytest printed nothing"
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, errors="replace") as process:
        assert process.stdout is not None  # noqa: S101 - it was asked for as a pipe
        for line in process.stdout:
            print(line, end="", flush=True)
            last = line.rstrip() or last
    return Result("pytest", process.returncode, time.monotonic() - began), last


def typing_view() -> dict[str, str]:
    """Scripts import one another, and the tests' helpers, by bare name."""
    return {**os.environ, "MYPYPATH": os.pathsep.join(("scripts", "tests"))}


def headline(name: str, command: tuple[str, ...]) -> None:
    """Say what comes next."""
    print(f"\n── {name}: {' '.join(command)}", flush=True)


def print_results(results: list[Result]) -> None:
    """One line a check."""
    print()
    for result in results:
        word = "ok" if result.status == 0 else f"FAILED ({result.status})"
        print(f"{result.name:<16}{result.seconds:8.1f} s  {word}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
