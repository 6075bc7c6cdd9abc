"""What all projects of this ``PPM_HOME`` need of its store, asked of their own histories.

A project whose folder is gone, or holds another history now, is forgotten. One that is there and
cannot be read might need anything: then nothing may be collected.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from ppm.engine.collecting import Survey, survey
from ppm.engine.errors import PpmError, ProjectError
from ppm.engine.paths import HomePaths, ProjectPaths
from ppm.engine.ports import Clock
from ppm.engine.registry import Entry, registered
from ppm.engine.transaction import open_ledger


class Needs(msgspec.Struct, frozen=True, kw_only=True):
    """What must stay in the store.

    ``digests`` name blobs and wheels; ``projects`` counts those that were asked; ``forgotten`` are
    registry files of projects that are gone.
    """

    digests: frozenset[str]
    projects: int
    forgotten: tuple[Path, ...]


def needs_of_others(home: HomePaths, own: Entry, *, machine: str, clock: Clock) -> Needs:
    """What every registered project but ``own`` needs.

    Raises:
        ProjectError: ``PROJECT_UNREADABLE`` or ``REGISTRY_DAMAGED``.
    """
    digests: set[str] = set()
    forgotten: list[Path] = []
    projects = 0
    for file, entry in registered(home):
        if entry == own:
            continue
        found = _asked(file, entry, machine, clock)
        if found is None:
            forgotten.append(file)
        else:
            projects += 1
            digests |= found.needs(found.standing)
    return Needs(digests=frozenset(digests), projects=projects, forgotten=tuple(forgotten))


def _asked(file: Path, entry: Entry, machine: str, clock: Clock) -> Survey | None:
    """What the project's history says; ``None`` if it is gone."""
    paths = ProjectPaths(Path(entry.path))
    try:
        paths.data.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _unreadable(file, paths, str(error)) from error
    try:
        found = survey(open_ledger(paths, clock, "gc").read(), machine)
    except PpmError as error:
        raise _unreadable(file, paths, error.message) from error
    except OSError as error:
        raise _unreadable(file, paths, str(error)) from error
    if not found.ledger:
        raise _unreadable(file, paths, "its ledger is missing or empty")
    return found if found.ledger == entry.ledger else None


def _unreadable(file: Path, paths: ProjectPaths, reason: str) -> ProjectError:
    return ProjectError(
        f"{paths.root} uses the store, and what it needs cannot be read: {reason}",
        code="PROJECT_UNREADABLE",
        hint=f"mend that project, or remove {file} if it is not to count; nothing was collected",
    )
