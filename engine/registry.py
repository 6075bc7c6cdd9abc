"""Which projects use the store of this ``PPM_HOME``: one small file for each, named by its ledger.

A project enters itself before it takes anything from the store. The collector asks each of them
what it needs (docs/adr/0012-collecting.md).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import msgspec

from ppm.engine.errors import ProjectError
from ppm.engine.files import read_regular, storage_errors, write_atomic
from ppm.engine.paths import HomePaths


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A project: its ledger's id and where it lay when it last applied."""

    ledger: str
    path: str


def register(home: HomePaths, ledger: str, project: Path, claim: Callable[[], object]) -> None:
    """Enter a project unless it stands there; copies of one project have an entry each.

    ``claim`` claims the store, before anything is written. A path that is no text is left out: no
    environment can be made there.

    Raises:
        StorageError: The disk refused.
    """
    path = os.fspath(project.resolve())
    try:
        place = sha256(path.encode()).hexdigest()[:16]
    except UnicodeEncodeError:
        return
    file = home.projects / f"{ledger}.{place}.json"
    if file.exists():
        return
    claim()
    with storage_errors(file):
        file.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(file, msgspec.json.encode(Entry(ledger=ledger, path=path)))


def registered(home: HomePaths) -> Iterator[tuple[Path, Entry]]:
    """Every entry and its file.

    Raises:
        ProjectError: ``code="REGISTRY_DAMAGED"``: an entry cannot be read, so nobody knows whose
            it is.
        StorageError: The folder cannot be read.
    """
    with storage_errors(home.projects):
        files = sorted(home.projects.glob("*.json")) if home.projects.is_dir() else []
    for file in files:
        try:
            yield file, msgspec.json.decode(read_regular(file), type=Entry)
        except (OSError, msgspec.MsgspecError) as error:
            raise ProjectError(
                f"{file} does not say which project it is: {error}",
                code="REGISTRY_DAMAGED",
                hint="remove it, and run `ppm apply` in that project, which enters it again",
            ) from error
