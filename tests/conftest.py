"""What every test gets: a machine of its own, a package index, and the program itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sysconfig
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx
from local_index import LocalIndex
from support.wheels import build_wheel

# Helpers that hold assertions.
pytest.register_assert_rewrite("support.scene", "support.direct")

# Settings of the person or machine that runs the tests and would change what they show.
OUTSIDE_SETTINGS = ("PIP_", "UV_", "PPM_", "PYP_", "XDG_", "VIRTUAL_ENV", "PYTHONPATH", "NETRC")
if threading.current_thread() is threading.main_thread():
    # Started from a shell's background the tests would inherit that Ctrl-C is ignored, and so would
    # the programs they interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)

NOBODY_LISTENS = "http://127.0.0.1:9/simple/"


@pytest.fixture(autouse=True)
def own_machine(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Home, store and settings of the test alone; the network only where it is marked."""
    # Beside tmp_path, which the test finds empty.
    home = tmp_path.with_name(tmp_path.name + "-home")
    home.mkdir()
    networked = request.node.get_closest_marker("network") is not None
    for name in list(os.environ):
        outside = name.startswith(OUTSIDE_SETTINGS) or name.lower().endswith("_proxy")
        if outside and not networked:
            monkeypatch.delenv(name)
    if not networked:
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("PIP_INDEX_URL", NOBODY_LISTENS)
    monkeypatch.setenv("PPM_HOME", str(home / ".ppm"))
    monkeypatch.setenv("PYP_PLUGIN_DIR", str(home / ".pypm" / "plugins"))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture(autouse=True)
def no_blocking_calls_in_the_event_loop() -> Iterator[None]:
    """The engine's own code may not sleep, read files or wait for a socket inside the loop."""
    with blockbuster_ctx("ppm.engine"):
        yield


class PublishedIndex(LocalIndex):
    """An index whose wheels a test makes one by one."""

    def publish(self, name: str, version: str, **parts: object) -> Path:
        """Build a wheel (arguments as ``build_wheel``) and offer it; returns its file."""
        path = build_wheel(self.folder, name, version, **parts)  # type: ignore[arg-type]
        self.refresh()
        return path


@pytest.fixture
def local_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PublishedIndex]:
    """An empty package index on the loopback address; PPM and pip of this test are set to it."""
    folder = tmp_path / "index"
    folder.mkdir()
    with PublishedIndex(folder) as index:
        monkeypatch.setenv("PIP_INDEX_URL", index.url)
        yield index


@dataclass(frozen=True)
class Program:
    """The installed ``ppm``, run as a person runs it."""

    directory: Path
    executable: Path = field(default_factory=lambda: Path(sysconfig.get_path("scripts")) / "ppm")

    def run(
        self,
        *arguments: str | Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = 60,
    ) -> subprocess.CompletedProcess[str]:
        """Run to the end; ``env`` is laid over the environment of the test."""
        return subprocess.run(
            [self.executable, *map(str, arguments)],
            cwd=cwd or self.directory,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def ok(self, *arguments: str | Path, cwd: Path | None = None) -> str:
        """Run, expect success, return what it printed."""
        result = self.run(*arguments, cwd=cwd)
        assert result.returncode == 0, f"{arguments}: {result.stdout}\n{result.stderr}"
        return result.stdout

    def start(self, *arguments: str | Path, cwd: Path | None = None) -> subprocess.Popen[str]:
        """Start and return at once, for tests that kill or interrupt it."""
        return subprocess.Popen(
            [self.executable, *map(str, arguments)],
            cwd=cwd or self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )


@pytest.fixture
def ppm(tmp_path: Path) -> Program:
    """The real program in an empty directory."""
    directory = tmp_path / "project"
    directory.mkdir()
    return Program(directory)
