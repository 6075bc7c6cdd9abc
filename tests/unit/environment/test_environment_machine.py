from __future__ import annotations

import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from ppm.engine.environment.machine import machine_id
from ppm.engine.errors import EnvironmentFailure, StorageError

ASK = """
import sys
from pathlib import Path
from ppm.engine.environment.machine import machine_id
print(machine_id(Path(sys.argv[1])))
"""


def test_a_machine_has_one_random_identity(tmp_path: Path) -> None:
    first = machine_id(tmp_path / "home")
    assert str(uuid.UUID(first)) == first
    assert machine_id(tmp_path / "home") == first
    assert machine_id(tmp_path / "other") != first
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["machine"]


def test_processes_that_ask_at_once_get_the_same(tmp_path: Path) -> None:
    asked = [
        subprocess.Popen(
            [sys.executable, "-c", ASK, str(tmp_path / "new")], stdout=subprocess.PIPE, text=True
        )
        for _ in range(6)
    ]
    answers = {process.communicate()[0] for process in asked}
    assert answers == {(tmp_path / "new" / "machine").read_text()}
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["machine"]


def test_a_file_that_holds_something_else_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "machine").write_text("mine\n")
    with pytest.raises(EnvironmentFailure) as caught:
        machine_id(tmp_path)
    assert caught.value.code == "MACHINE_ID"
    assert (tmp_path / "machine").read_text() == "mine\n"


def test_a_home_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        machine_id(tmp_path / "file" / "home")
