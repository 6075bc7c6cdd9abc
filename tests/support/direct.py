"""Looking at packages that are from no index."""

from __future__ import annotations

import json
import subprocess
import tomllib
from pathlib import Path

from conftest import Program


def importing(project: Program, code: str) -> str:
    python = project.directory / ".venv" / "bin" / "python"
    return subprocess.run(
        [python, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def statement(project: Program, name: str) -> dict[str, object]:
    """The package's ``direct_url.json``."""
    (found,) = (project.directory / ".venv").glob(f"lib/*/site-packages/{name}-*/direct_url.json")
    document: dict[str, object] = json.loads(found.read_text())
    return document


def entry(project: Program, name: str) -> dict[str, object]:
    """The package in ``pylock.toml``."""
    document = tomllib.loads((project.directory / "pylock.toml").read_text())
    (found,) = (one for one in document["packages"] if one["name"] == name)
    assert isinstance(found, dict)
    return found


def refused(project: Program, *arguments: str | Path, code: str) -> str:
    result = project.run(*arguments)
    assert result.returncode == 1, result.stdout
    assert f"error[{code}]" in result.stderr, result.stderr
    assert "Traceback" not in result.stderr
    return result.stderr
