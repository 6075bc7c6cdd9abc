"""Whether the ledger is shared, as every query asks it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppm.engine.manifest.shared import is_shared

TABLE = "[tool.ppm.ledger]\nshared = true\n"


@pytest.mark.parametrize(
    ("name", "text", "shared"),
    [
        ("pypm.toml", TABLE, True),
        ("pyproject.toml", f'[project]\nname = "x"\n{TABLE}', True),
        ("pyproject.toml", "[tool.ppm]\nledger = { shared = true }\n", True),
        ("pypm.toml", TABLE.replace("true", "false"), False),
        ("pypm.toml", '[tool.ppm]\nledger = "shared"\n', False),
        ("pypm.toml", '[tool.ppm]\ndependencies = ["shared"]\n', False),
        ("pypm.toml", f"<<<<<<< HEAD\n{TABLE}", True),
        ("pypm.toml", "<<<<<<< HEAD\n", False),
        ("setup.py", TABLE, False),
    ],
)
def test_the_manifest_says_so(tmp_path: Path, name: str, text: str, *, shared: bool) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert is_shared(tmp_path) is shared


def test_the_manifest_that_wins_is_asked(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(TABLE, encoding="utf-8")
    (tmp_path / "pypm.toml").write_text("", encoding="utf-8")
    assert not is_shared(tmp_path)
