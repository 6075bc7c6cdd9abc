"""Work in a second process: its answer, its failures, its end."""

from __future__ import annotations

import errno
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from ppm.engine.environment.second_process import begun
from ppm.engine.errors import EnvironmentFailure

pytestmark = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if no thread were there that another test has left to rest in this process."""
    monkeypatch.setattr(threading, "active_count", lambda: 1)


@pytest.mark.usefixtures("alone")
def test_the_work_is_done_elsewhere_while_the_block_goes_on(tmp_path: Path) -> None:
    gate = tmp_path / "gate"

    def work() -> str:
        while not gate.exists():
            time.sleep(0.005)
        return str(os.getpid())

    with begun(work) as answer:
        gate.touch()
        told = answer()
    assert told.isdigit()
    assert int(told) != os.getpid()
    with pytest.raises(ChildProcessError):
        os.waitpid(int(told), os.WNOHANG)


def test_with_another_thread_about_it_is_done_here() -> None:
    rest = threading.Event()
    other = threading.Thread(target=rest.wait)
    other.start()
    try:
        with begun(lambda: str(os.getpid())) as answer:
            assert answer() == str(os.getpid())
    finally:
        rest.set()
        other.join()


def test_what_the_system_refuses_is_raised_here(tmp_path: Path) -> None:
    def work() -> str:
        (tmp_path / "no" / "where").write_text("")
        return ""

    with pytest.raises(OSError, match="where") as refusal, begun(work) as answer:
        answer()
    assert refusal.value.errno == errno.ENOENT
    assert refusal.value.filename == str(tmp_path / "no" / "where")


def test_a_failure_in_words_is_raised_here() -> None:
    def work() -> str:
        raise EnvironmentFailure("cannot", code="LINK_MODE", hint="copy")

    with pytest.raises(EnvironmentFailure, match="cannot") as failure, begun(work) as answer:
        answer()
    assert (failure.value.code, failure.value.hint) == ("LINK_MODE", "copy")


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("end", ["killed", "mistaken"])
def test_a_process_that_ends_without_an_answer_is_a_failure(end: str) -> None:
    here = os.getpid()

    def work() -> str:
        assert os.getpid() != here
        if end == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError(end)

    with pytest.raises(EnvironmentFailure) as failure, begun(work) as answer:
        answer()
    assert failure.value.code == "WORKER_DIED"


@pytest.mark.usefixtures("alone")
def test_the_work_ends_with_a_block_that_fails(tmp_path: Path) -> None:
    told = tmp_path / "process"

    def work() -> str:
        told.write_text(str(os.getpid()))
        time.sleep(60)
        return ""

    def fail() -> None:
        with begun(work):
            while not (told.exists() and told.read_text()):
                time.sleep(0.005)
            raise RuntimeError("enough")

    started = time.monotonic()
    with pytest.raises(RuntimeError, match="enough"):
        fail()
    assert time.monotonic() - started < 30
    with pytest.raises(ProcessLookupError):
        os.kill(int(told.read_text()), 0)


@pytest.mark.usefixtures("alone")
def test_the_other_process_leaves_ctrl_c_to_this_one(tmp_path: Path) -> None:
    told = tmp_path / "process"

    def work() -> str:
        told.write_text(str(os.getpid()))
        time.sleep(0.2)
        return "done"

    with begun(work) as answer:
        while not (told.exists() and told.read_text()):
            time.sleep(0.005)
        os.kill(int(told.read_text()), signal.SIGINT)
        assert answer() == "done"
