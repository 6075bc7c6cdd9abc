"""Where the index of a backend is."""

from __future__ import annotations

from pathlib import Path

from ppm.engine.index.urls import index_base


def backend_index(configured: str, root: Path) -> str:
    """The base URL of a setting, without its login; a path is relative to the project ``root``."""
    if "://" in configured or configured.startswith("file:"):
        return index_base(configured)
    return index_base(str(root / Path(configured).expanduser()))
