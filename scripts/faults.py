#!/usr/bin/env python3
"""Kills, disk errors and power losses at every change the program makes to a disk.

    python3 scripts/faults.py --quick         a seeded sample of each sweep
    python3 scripts/faults.py --points 200    a larger one
    python3 scripts/faults.py                 every point; --write puts the counts into
                                              docs/reliability.md
    python3 scripts/faults.py --verb apply    one command only
    python3 scripts/faults.py --mutations     takes out each sync, lock and rename in turn

What is checked, and what is not, stands in docs/reliability.md. The exit status is 1 if anything
did not hold, or if a mutation went unnoticed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import bootstrap

PAGE = bootstrap.ROOT / "docs" / "reliability.md"
QUICK = 24
SHARES = 4
MUTATION_POINTS = 200
_INSIDE = "PPM_FAULTS_INSIDE"


def main() -> int:
    """Run what was asked for, inside an environment that has the program."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} points of each sweep")
    parser.add_argument("--points", type=int, default=0, help="at most so many of each sweep")
    parser.add_argument("--seed", type=int, default=1, help="what the samples come from")
    parser.add_argument("--verb", action="append", help="only this command (may be repeated)")
    parser.add_argument("--mutations", action="store_true", help="the table of mutations")
    parser.add_argument("--write", action="store_true", help="into docs/reliability.md")
    options = parser.parse_args()
    if os.environ.get(_INSIDE) is None:
        return run_inside(sys.argv[1:])
    from support.faults.notify import unavailable

    if reason := unavailable():
        sys.exit(f"error: {reason}")
    began = time.monotonic()
    status, lines = mutations(options) if options.mutations else sweeps(options)
    print("\n".join(lines))
    print(f"{time.monotonic() - began:.0f} s")
    if options.write:
        write_between(PAGE, "mutations" if options.mutations else "counts", lines)
    return status


def run_inside(arguments: Sequence[str]) -> int:
    """The same once more, by the Python of the tests' environment."""
    try:
        tools = bootstrap.environment("test", groups=["dev"], editable=True)
    except bootstrap.SetupError as error:
        sys.exit(f"error: {error}")
    paths = os.pathsep.join(str(bootstrap.ROOT / name) for name in ("tests", "scripts"))
    environ = {**os.environ, _INSIDE: "1", "PYTHONPATH": paths}
    return subprocess.run(
        [tools / "python", __file__, *arguments], env=environ, check=False
    ).returncode


def sweeps(options: argparse.Namespace) -> tuple[int, list[str]]:
    """All tasks on all processors."""
    from support.faults.report import Task, carry_out, ends, table, together
    from support.faults.verbs import VERBS

    verbs = options.verb or [verb.name for verb in VERBS]
    points = options.points or (QUICK if options.quick else 0)
    shares = 1 if points else SHARES
    tasks = [
        Task(verb, way, options.seed, points, share, shares)
        for verb in verbs
        for way in ("faults", "power", "torn")
        for share in range(shares)
    ]
    done = []
    with processes() as pool:
        for task, one in zip(tasks, pool.map(carry_out, tasks), strict=True):
            done.append(one)
            count = sum(one.counts.values())
            print(f"{task.verb}, {task.way}: {count} points", file=sys.stderr)
            for found in one.violations:
                print(f"  {found}", file=sys.stderr)
    whole = together(done)
    total = sum(whole.counts.values())
    share = f"at most {points} of each sweep" if points else "every point"
    violations = f"{len(whole.violations)} violations"
    said = f"{total} points ({share}, seed {options.seed}), {violations}; {ends(whole)}."
    return int(bool(whole.violations)), [*table(whole, verbs), "", said]


def mutations(options: argparse.Namespace) -> tuple[int, list[str]]:
    """Each mutation until something notices it."""
    from support.faults.mutations import MUTATIONS
    from support.faults.trials import try_mutation

    wanted = [(one, options.seed, MUTATION_POINTS) for one in MUTATIONS]
    lines = ["| taken out | noticed by | what does not hold then | points |", "|---|---|---|---:|"]
    missed = 0
    with processes() as pool:
        for verdict in pool.map(try_mutation, wanted):
            name, redundant = verdict.mutation.name, verdict.mutation.redundant
            where = verdict.where.partition(" after ")[0]
            # The first words: paths of this machine do not belong into a page.
            found = verdict.found.partition("\n")[0].partition(": /")[0].partition(": (")[0]
            found = re.sub(r"/\S+/stage/", "", found)
            if not found:
                missed += not redundant
                where, found = "nothing", redundant or "UNNOTICED"
            lines.append(f"| {name} | {where} | {found} | {verdict.tried} |")
            print(lines[-1], file=sys.stderr)
    return int(missed > 0), lines


def processes() -> ProcessPoolExecutor:
    """One process for each processor, none of them a fork of a process with threads."""
    return ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn"))


def write_between(page: Path, name: str, lines: Sequence[str]) -> None:
    """Replace what stands between the two comments of that name."""
    text = page.read_text("utf-8")
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    head, _, rest = text.partition(begin)
    _, _, tail = rest.partition(end)
    page.write_text(head + begin + "\n".join(["", *lines, ""]) + "\n" + end + tail, "utf-8")


if __name__ == "__main__":
    sys.exit(main())
