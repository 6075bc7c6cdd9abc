"""What ``tests/conftest.py`` promises to every test."""

from __future__ import annotations

import asyncio
import os
import urllib.request
from pathlib import Path

import pytest
from blockbuster import BlockingError
from conftest import NOBODY_LISTENS, Program, PublishedIndex

from ppm.engine.files import write_atomic


def test_a_test_has_a_home_of_its_own_and_nobody_elses_settings(tmp_path: Path) -> None:
    home = Path(os.environ["HOME"])
    assert list(tmp_path.iterdir()) == []
    assert (home.parent, Path(os.environ["PPM_HOME"])) == (tmp_path.parent, home / ".ppm")
    assert (os.environ["PIP_CONFIG_FILE"], os.environ["PIP_INDEX_URL"]) == (
        os.devnull,
        NOBODY_LISTENS,
    )
    assert [name for name in os.environ if name.lower().endswith("_proxy")] == []


def test_the_engine_may_not_block_the_event_loop(tmp_path: Path) -> None:
    async def write() -> None:
        write_atomic(tmp_path / "file", b"content")

    with pytest.raises(BlockingError):
        asyncio.run(write())


def test_a_published_wheel_is_offered_by_the_configured_index(local_index: PublishedIndex) -> None:
    wheel = local_index.publish("tin-can", "1.0", requires=["lid"])
    with urllib.request.urlopen(os.environ["PIP_INDEX_URL"] + "tin-can/") as page:
        assert wheel.name in page.read().decode()


def test_the_program_runs_in_an_empty_directory(ppm: Program) -> None:
    assert list(ppm.directory.iterdir()) == []
    assert ppm.ok("version").startswith("ppm ")
    assert ppm.run("version", "--no-such-option").returncode == 2
