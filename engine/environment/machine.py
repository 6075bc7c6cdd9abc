"""The identity of this machine in ledgers: random, in ``PPM_HOME``, made once."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from ppm.engine.errors import EnvironmentFailure
from ppm.engine.files import storage_errors, sync_directory

_FORM = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z"


def machine_id(home: Path) -> str:
    """The UUID of the machine that ``home`` (``PPM_HOME``) is on.

    It says nothing about the machine. Of several processes that make it at once all get the same.

    Raises:
        EnvironmentFailure: ``code="MACHINE_ID"``: the file holds something else.
        StorageError: It cannot be read or made.
    """
    path = home / "machine"
    with storage_errors(path):
        try:
            text = path.read_text("ascii", "replace").strip()
        except FileNotFoundError:
            _create(path)
            text = path.read_text("ascii", "replace").strip()
    if not re.match(_FORM, text):
        raise EnvironmentFailure(
            f"{path} holds no machine identity",
            code="MACHINE_ID",
            hint="remove the file; a new identity is made, and environments are set up again",
        )
    return text


def _create(path: Path) -> None:
    """Write a random identity under a temporary name and link it: a link never replaces."""
    import uuid

    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".machine.{os.urandom(6).hex()}.tmp")
    try:
        with temporary.open("x", encoding="ascii") as file:
            file.write(f"{uuid.uuid4()}\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(temporary)
        sync_directory(path.parent)
    finally:
        temporary.unlink()
