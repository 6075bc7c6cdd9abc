"""Ctrl-C and SIGTERM, wherever a command waits: it ends soon, in words, with nothing half-done."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time

import pytest
from conftest import PublishedIndex
from local_index import Fault
from support.scene import Scene, assert_told

from ppm.events.command import CommandFailed

LONG_S = 60
SOON_S = 5


def await_request(index: PublishedIndex, part: str) -> None:
    """Wait until the index was asked for it."""
    deadline = time.monotonic() + 30
    while not any(part in request.path for request in index.requests):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.1)


def stop(process: subprocess.Popen[str], number: int) -> subprocess.CompletedProcess[str]:
    """Stop as a terminal does with Ctrl-C (the whole group), or as a service manager (one)."""
    began = time.monotonic()
    if number == signal.SIGINT:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    output, errors = process.communicate(timeout=30)
    assert time.monotonic() - began < SOON_S
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("path", "after"),
    [("/simple/elm/", 0), ("/files/elm-1.0*.metadata", 0), ("/files/elm-1.0*.whl", 300)],
    ids=["page", "metadata", "download"],
)
def test_a_stop_in_the_middle_ends_it_in_words(
    scene: Scene, path: str, after: int, number: int
) -> None:
    fault = scene.index.break_path(Fault(path=path, delay=LONG_S, after=after))
    before = scene.marks()
    process = scene.ppm.start("ensure", "elm")
    await_request(scene.index, path.strip("*").rpartition("*")[2])
    result = stop(process, number)
    assert_told(result, "INTERRUPTED", status=130)
    assert scene.marks() == before
    scene.assert_valid()
    last = scene.records()[-1].event
    assert isinstance(last, CommandFailed)
    assert last.code == "INTERRUPTED"
    scene.index.faults.remove(fault)
    scene.succeeds("ensure", "elm")
    assert scene.imports("import elm")


@pytest.mark.parametrize("delay_ms", [0, 60, 120, 180, 240, 300, 400, 500])
def test_a_stop_at_any_moment_leaves_the_old_or_the_new(scene: Scene, delay_ms: int) -> None:
    scene.index.publish("elm", "2.0", files={f"elm/part{n}.py": "" for n in range(300)})
    before = scene.marks()
    process = scene.ppm.start("ensure", "elm==2.0")
    time.sleep(delay_ms / 1000)
    result = stop(process, signal.SIGINT)
    if result.returncode == 130:
        assert_told(result, "INTERRUPTED", status=130)
    elif result.returncode != 0:
        # Python itself ended, in its own words, before there was a program to be asked.
        assert not re.search(r'app\.py", line \d+, in main', result.stderr), result.stderr
    if result.returncode != 0:
        assert scene.marks().environment == before.environment
    scene.assert_chain()
    scene.assert_whole()
    scene.succeeds("ensure", "elm==2.0")
    assert scene.imports("import elm.part299")


def test_a_stop_while_another_command_works_is_heeded(scene: Scene) -> None:
    scene.index.break_path(Fault(path="/simple/elm/", delay=LONG_S))
    working = scene.ppm.start("add", "elm", "--lock")
    await_request(scene.index, "/simple/elm/")
    waiting = scene.ppm.start("apply")
    time.sleep(1.5)
    result = stop(waiting, signal.SIGINT)
    assert_told(result, "INTERRUPTED", status=130)
    assert "waiting for another ppm" in result.stderr
    assert_told(stop(working, signal.SIGTERM), "INTERRUPTED", status=130)
    scene.assert_valid()
    scene.index.faults.clear()
    scene.succeeds("apply")
