"""The harness itself: it sees every change, it strikes where it says, it notices what is wrong."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.faults.mutations import MUTATIONS
from support.faults.notify import unavailable
from support.faults.program import Fault, mutates
from support.faults.report import verb_named
from support.faults.stage import Stage
from support.faults.syscalls import NUMBERS, OPENS
from support.faults.trials import scratch, try_mutation
from support.faults.writers import violations_of_writers, write_together

pytestmark = [
    pytest.mark.skipif(bool(unavailable()), reason=unavailable() or "it is available"),
    pytest.mark.timeout(300),
]
NOTICED_SOON = (
    "ledger: sync of its folder when it is made",
    "files: sync of a folder",
    "files: sync of the bytes before the rename",
    "command: operation.lock",
)


@pytest.fixture(scope="module")
def fault_stage() -> Iterator[Stage]:
    with scratch() as folder, Stage(Path(folder) / "stage") as stage:
        yield stage


def test_a_kill_strikes_before_the_change_it_names(fault_stage: Stage) -> None:
    scenario = fault_stage.scenario(verb_named("snapshot"))
    fault_stage.put(scenario.start)
    at = next(n for n, call in enumerate(scenario.calls, 1) if call.name == "fdatasync")
    run = fault_stage.program.run(*scenario.verb.command, fault=Fault("kill", at))
    assert (run.status, run.struck, len(run.calls)) == (-9, True, at)
    assert [call.name for call in run.calls] == [call.name for call in scenario.calls[:at]]


def test_an_error_reaches_the_program_as_the_system_s_own(fault_stage: Stage) -> None:
    scenario = fault_stage.scenario(verb_named("snapshot"))
    fault_stage.put(scenario.start)
    at = next(n for n, call in enumerate(scenario.calls, 1) if call.name == "write")
    fault = Fault("ENOSPC", at, persistent=True)
    run = fault_stage.program.run(*scenario.verb.command, fault=fault)
    assert run.status == 1
    assert "error[DISK_FULL]: " in run.err
    assert os.strerror(28) in run.err


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_strace_sees_no_change_that_the_harness_does_not(fault_stage: Stage) -> None:
    scenario = fault_stage.scenario(verb_named("snapshot"))
    fault_stage.put(scenario.start)
    calls = fault_stage.program.ok(*scenario.verb.command).calls
    fault_stage.put(scenario.start)
    log = fault_stage.folder / "scratch" / "strace"
    known = ",".join(name for name in NUMBERS if name != "fchmodat2")
    arguments = scenario.verb.command
    command = [sys.executable, "-c", "from ppm.commands.app import main; main()"]
    subprocess.run(
        ["strace", "-f", "-y", "-qq", "-o", log, "-e", f"trace={known}", *command, *arguments],
        cwd=fault_stage.folder / "project",
        env={**fault_stage.environment(), "PYTHONDONTWRITEBYTECODE": "1"},
        check=True,
        capture_output=True,
    )
    seen = Counter(_changes(log.read_text(), str(fault_stage.folder / "project")))
    ours = [
        call.name
        for call in calls
        if mutates(call) and call.path.startswith(str(fault_stage.folder / "project"))
    ]
    assert seen == Counter(ours)


def _changes(log: str, folder: str) -> Iterator[str]:
    for line in log.splitlines():
        name = re.match(r"(?:\d+ +)?(\w+)\(", line)
        if name is None or (folder not in line and ".ppm" not in line):
            continue
        if name[1] not in OPENS or re.search(r"O_WRONLY|O_RDWR|O_CREAT", line):
            yield name[1]


@pytest.mark.parametrize("name", NOTICED_SOON)
def test_without_a_safeguard_the_harness_fails(name: str) -> None:
    mutation = next(one for one in MUTATIONS if one.name == name)
    verdict = try_mutation((mutation, 1, 200))
    assert verdict.found != ""


def test_sixteen_writers_half_of_them_killed_lose_nothing_acknowledged(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    told = write_together(
        ledger, writers=16, appends=200, kills=8, environ=dict(os.environ), seed=5
    )
    assert violations_of_writers(ledger, told) == []
    killed = [one for one in told if one.status == -9]
    assert len(killed) == 8
    assert all(len(one.events) == 200 for one in told if one.status == 0)
    assert {one.status for one in told} == {0, -9}
    events = sum(len(one.events) for one in told)
    lines = ledger.read_bytes().count(b"\n")
    # A writer killed between its append and its word has one more there.
    assert events <= lines <= events + 8 * 2
