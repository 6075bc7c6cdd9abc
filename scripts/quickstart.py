#!/usr/bin/env python3
"""Installs PPM inside the clone and does its main job in a temporary project.

    python3 scripts/quickstart.py

Real packages come from the index that pip is configured with. Where none answers, four small
packages are made on the spot and served on the loopback address. The exit status is that of the
first step that failed, else 0.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import bootstrap


class Packages(NamedTuple):
    """What the story installs: first some requirements, then one more, and what to import."""

    first: tuple[str, ...]
    second: str
    modules: tuple[str, ...]


REAL = Packages(("rich<14", "httpx"), "packaging", ("rich", "httpx", "packaging"))
DEMO = Packages(("lantern<2", "wick"), "matches", ("lantern", "wick", "matches"))


class Step(NamedTuple):
    """One thing a person would type, and why."""

    why: str
    command: tuple[str, ...]


def main() -> int:
    """Tell the story; the exit status of the first step that fails."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--demo", action="store_true", help="do not ask any index, use the demo's")
    parser.add_argument("--keep", action="store_true", help="leave the temporary project in place")
    options = parser.parse_args()
    try:
        tools = bootstrap.environment("quickstart")
    except bootstrap.SetupError as error:
        sys.exit(f"error: {error}")
    with contextlib.ExitStack() as stack:
        project = stack.enter_context(temporary_project(keep=options.keep))
        environment = {
            **os.environ,
            "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
            "PPM_HOME": str(bootstrap.BUILD / "quickstart-home"),
        }
        environment.pop("VIRTUAL_ENV", None)
        packages = REAL
        if options.demo or not index_answers(tools, environment):
            packages = DEMO
            environment["PPM_INDEX_URL"] = stack.enter_context(demo_index())
        return tell(story(packages), project, environment)


def story(packages: Packages) -> list[Step]:
    """The main job, from an empty directory to its history."""
    names = ", ".join(packages.modules)
    imports = f'import {names}; print("imported {names}")'
    return [
        Step("A project with an empty history", ("ppm", "init")),
        Step("Requirements, resolved and locked", ("ppm", "add", *packages.first, "--lock")),
        Step("What would be done", ("ppm", "plan")),
        Step("Fetch, verify, install, switch", ("ppm", "apply", "--note", "quickstart")),
        Step("One more", ("ppm", "add", packages.second, "--lock")),
        Step("Installed beside, switched at once", ("ppm", "apply", "--note", "one more")),
        Step("It imports", (".venv/bin/python", "-c", imports)),
        Step("All files follow from the history", ("ppm", "replay", "--check")),
        Step("The history", ("ppm", "provenance", "--last", "10")),
    ]


def tell(steps: list[Step], project: Path, environment: Mapping[str, str]) -> int:
    """Run the steps in order, their output as it comes; stop at the first that fails."""
    for number, step in enumerate(steps, 1):
        print(f"\n── {number}/{len(steps)} {step.why}", flush=True)
        print(f"$ {shlex.join(step.command)}", flush=True)
        status = subprocess.run(step.command, cwd=project, env=environment, check=False).returncode
        if status:
            print(f"\nThis step failed with exit status {status}.", file=sys.stderr)
            return status if status > 0 else 1
    return 0


def index_answers(tools: Path, environment: Mapping[str, str]) -> bool:
    """Whether real packages can be had."""
    command = [str(tools / "python"), str(bootstrap.ROOT / "scripts" / "index_answers.py"), "rich"]
    return subprocess.run(command, env=environment, check=False).returncode == 0


@contextlib.contextmanager
def demo_index() -> Iterator[str]:
    """The URL of an index of generated packages, while it is open."""
    sys.path.append(str(bootstrap.ROOT / "tests"))
    from local_index import LocalIndex
    from support.wheels import build_wheel

    print("Using generated packages on the loopback address in its place.", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        wheels = Path(folder)
        build_wheel(wheels, "lantern", "1.4", requires=["oil>=1"])
        build_wheel(wheels, "lantern", "2.0", requires=["oil>=2"])
        build_wheel(wheels, "oil", "1.9")
        build_wheel(wheels, "wick", "0.3", requires_python=">=3.8")
        build_wheel(wheels, "matches", "7.0", requires=["wick"])
        with LocalIndex(wheels) as index:
            yield index.url


@contextlib.contextmanager
def temporary_project(*, keep: bool) -> Iterator[Path]:
    """An empty directory outside the clone."""
    with contextlib.ExitStack() as stack:
        if keep:
            project = Path(tempfile.mkdtemp(prefix="ppm-quickstart-"))
            stack.callback(print, f"\nThe project is still in {project}")
        else:
            project = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ppm-")))
        yield project


if __name__ == "__main__":
    sys.exit(main())
