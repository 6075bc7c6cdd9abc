"""Whether a team commits the ledger (``shared = true`` in ``[tool.ppm.ledger]``), asked cheaply.

Every query asks, and nearly no manifest says anything about it: the rest of it is not looked at.
"""

from __future__ import annotations

from pathlib import Path

from ppm.engine.manifest.read import MANIFESTS


def is_shared(root: Path) -> bool:
    """Whether the manifest in ``root`` says so.

    A manifest that speaks of it and cannot be read (git wrote conflict markers into it) counts as
    one that does.
    """
    for name in MANIFESTS:
        try:
            data = (root / name).read_bytes()
        except OSError:
            continue
        return b"shared" in data and _says_so(data)
    return False


def _says_so(data: bytes) -> bool:
    import tomllib

    try:
        table: object = tomllib.loads(data.decode("utf-8"))
    except ValueError:
        return True
    for key in ("tool", "ppm", "ledger", "shared"):
        table = table.get(key) if isinstance(table, dict) else None
    return table is True
