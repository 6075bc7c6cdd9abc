"""What a command loads before it does anything: every start pays for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Program, PublishedIndex

RUN = """
import os, sys
leave = os._exit
def tell(status):
    with open(os.environ["MODULES"], "w") as file:
        file.write("\\n".join(sys.modules))
    leave(status)
os._exit = tell
from ppm.commands.app import main
main()
"""
HEAVY = frozenset(
    {
        *(
            "aiofiles",
            "aiohttp",
            "anyio",
            "asyncio",
            "click",
            "cryptography",
            "cupy",
            "dataclasses",
        ),
        *("email", "http", "inspect", "isal", "json", "logging", "multiprocessing", "packaging"),
        *("resolvelib", "rich", "ssl", "subprocess", "tomlkit", "typer", "typing_extensions"),
    }
)
GOLDEN = Path(__file__).with_name("startup-modules.txt")
"""Of each command, the modules of ours that it loads; ``WRITE_GOLDEN=1`` writes it anew."""


def modules_of(program: Program, *words: str) -> list[str]:
    """The modules that are loaded when ``ppm WORDS`` is done."""
    listing = program.directory.parent / "modules"
    subprocess.run(
        [sys.executable, "-c", RUN, *words],
        cwd=program.directory,
        env={**os.environ, "MODULES": str(listing)},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return sorted(listing.read_text().splitlines())


@pytest.fixture
def project(local_index: PublishedIndex, ppm: Program) -> Program:
    """A project with an environment in which nothing is to do."""
    local_index.publish("oak", "1.0")
    ppm.ok("init")
    ppm.ok("add", "oak", "--lock")
    ppm.ok("apply")
    return ppm


def test_warm_commands_load_what_they_use_and_no_more(project: Program) -> None:
    lines: list[str] = []
    for words in ("version", "apply", "snapshots", "provenance"):
        loaded = modules_of(project, words)
        assert {name.partition(".")[0] for name in loaded} & HEAVY == set(), words
        lines += [words, *(f"    {name}" for name in loaded if name.startswith("ppm."))]
    if os.environ.get("WRITE_GOLDEN") == "1":
        GOLDEN.write_text("\n".join(lines) + "\n")
    assert GOLDEN.read_text().splitlines() == lines


def test_what_needs_no_ledger_loads_no_events(ppm: Program) -> None:
    loaded = modules_of(ppm, "version")
    assert "msgspec" not in loaded
    assert not any(name.startswith(("ppm.events", "ppm.projections")) for name in loaded)
