"""The commands that are swept. A new one is a new line."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec

Command = tuple[str, ...]


def _nothing(_project: Path, _home: Path) -> None:
    return


def _forget_store(_project: Path, home: Path) -> None:
    """As on another machine: the project is there, the store is not."""
    shutil.rmtree(home / "store")


def _tear(project: Path, _home: Path) -> None:
    """As after a power loss: the ledger ends in half a line."""
    with (project / ".ppm" / "ledger.jsonl").open("ab") as ledger:
        ledger.write(b'{"seq":99,"id":"')


def _damage(project: Path, _home: Path) -> None:
    """As by an editor that saves: one installed file is another one now."""
    module = next((project / ".ppm" / "envs").glob("*/lib/*/site-packages/ash/__init__.py"))
    module.unlink()
    module.write_text("damaged = True\n")


class Verb(msgspec.Struct, frozen=True):
    """A command, what is run before it in an empty folder, and how that is disturbed then.

    ``disturb`` gets the project's folder and ``PPM_HOME``.
    """

    name: str
    command: Command
    prepare: tuple[Command, ...] = ()
    disturb: Callable[[Path, Path], None] = _nothing


_BEGUN: tuple[Command, ...] = (("init",), ("ensure", "ash"))
_ELM: Command = ("ensure", "elm")

VERBS = (
    Verb("init", ("init",)),
    Verb("add", ("add", "elm", "--lock"), _BEGUN),
    Verb("lock", ("lock",), (*_BEGUN, ("add", "elm"))),
    Verb("apply", ("apply",), (*_BEGUN, ("add", "elm", "--lock")), _forget_store),
    Verb("rollback", ("rollback", "start"), (*_BEGUN, ("snapshot", "--name", "start"), _ELM)),
    Verb("snapshot", ("snapshot", "--name", "start"), _BEGUN),
    Verb("ensure", _ELM, _BEGUN),
    Verb("first ensure", ("ensure", "ash"), (("init",),)),
    Verb(
        "rollback to nothing",
        ("rollback", "start"),
        (("init",), ("snapshot", "--name", "start"), ("ensure", "ash")),
    ),
    Verb("gc", ("gc", "--keep", "1"), (*_BEGUN, _ELM, ("remove", "elm", "--lock"), ("apply",))),
    Verb("apply --repair", ("apply", "--repair"), _BEGUN, _damage),
    Verb("repair", ("snapshot", "--name", "start"), _BEGUN, _tear),
)
