"""What has to hold after every fault, each with the number it has in docs/reliability.md."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path

import msgspec

from ppm.engine.clock import SystemClock
from ppm.engine.environment.generation import read_generation
from ppm.engine.environment.tree import tree_root
from ppm.engine.errors import PpmError
from ppm.engine.hashing.cpu import CpuHasher
from ppm.engine.ledger.file import FileLedger
from ppm.engine.paths import HomePaths, ProjectPaths
from ppm.engine.projector import compare, load
from ppm.events.artifact import ArtifactBuilt, ArtifactFetched
from ppm.events.envelope import Record
from ppm.projections.project import fold
from ppm.projections.render import render

TRACEBACK = "Traceback (most recent call last)"


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What a user has: the manifest, the lock file, the environment to the byte."""

    manifest: bytes
    pylock: bytes
    active: str
    tree: str


class Place:
    """The folders of one project and of its user's store, looked at without changing them."""

    def __init__(self, project: Path, home: Path) -> None:
        self.paths = ProjectPaths(project)
        self.home = HomePaths(home)
        self._hasher = CpuHasher()

    def look(self) -> Look:
        """What is there now."""
        venv = self.paths.environment
        active = str(venv.readlink()) if venv.is_symlink() else ""
        return Look(
            manifest=_bytes(self.paths.root / "pypm.toml"),
            pylock=_bytes(self.paths.pylock),
            active=active,
            tree=self._tree(venv.parent / active) if active else "",
        )

    def _tree(self, folder: Path) -> str:
        return tree_root(folder, self._hasher) if folder.is_dir() else "nothing"

    def lines(self) -> bytes:
        """The ledger up to its last newline: what a reader takes."""
        data = _bytes(self.paths.ledger)
        return data[: data.rfind(b"\n") + 1]

    def ledger(self) -> FileLedger:
        """The ledger, for reading."""
        paths = self.paths
        return FileLedger(paths.ledger, paths.write_lock, clock=SystemClock(), actor="t@t")

    def records(self) -> list[Record]:
        """Its events, each checked against the chain."""
        return list(self.ledger().read())


class Before(msgspec.Struct, frozen=True, kw_only=True):
    """What a command found, and what it makes of it when nothing befalls it.

    ``absent`` are blobs that are cited and need not be there: they were not before (the store of
    another machine), or are not afterwards (the command takes them away).
    """

    lines: bytes
    absent: frozenset[str]
    old: Look
    new: Look


def violations(place: Place, before: Before, *, told: bytes | None = None) -> list[str]:
    """What does not hold just after a fault, before anything was run again.

    ``told`` is the ledger as it was when the program told that all was done, None if it did not.
    """
    lines = place.lines()
    found = list(_chain(lines))
    try:
        records = place.records()
    except PpmError as error:
        return [*found, f"I2 the ledger is refused: {error}"]
    known = before.lines if told is None else told
    if not lines.startswith(known):
        found.append(f"I1 acknowledged events are gone: {len(lines)} bytes left of {len(known)}")
    found += _projections(place)
    found += _old_or_new(
        place, before, intended=len(lines) > len(before.lines), done=told is not None
    )
    found += _blobs(place, cited(records) - before.absent)
    return found


def cited(records: Iterable[Record]) -> frozenset[str]:
    """The digests of the files that events say are in the store."""
    found = (one.event for one in records)
    return frozenset(
        one.sha256 for one in found if isinstance(one, ArtifactFetched | ArtifactBuilt)
    )


def absent(place: Place) -> frozenset[str]:
    """Those of them that are not."""
    return frozenset(one for one in cited(place.records()) if not _blob(place, one).exists())


def _blob(place: Place, digest: str) -> Path:
    return place.home.store / "blobs" / "sha256" / digest[:2] / digest


def _chain(lines: bytes) -> Iterator[str]:
    """The verification of docs/ledger.md that any language can do."""
    previous = "0" * 64
    for number, line in enumerate(lines.splitlines(), start=1):
        try:
            stated = json.loads(line)["prev"]
        except (ValueError, KeyError):
            stated = "nothing"
        if stated != previous:
            yield f"I2 line {number} is not chained to the one before it"
            return
        previous = sha256(line).hexdigest()


def _projections(place: Place) -> Iterator[str]:
    """What the files on disk are folded on to is what the whole ledger folds to."""
    whole = fold(place.ledger().read())
    if render(load(place.paths, place.ledger())) != render(whole):
        yield "I3 the projections on disk lead to others than the ledger"


def _old_or_new(place: Place, before: Before, *, intended: bool, done: bool) -> Iterator[str]:
    look, old, new = place.look(), before.old, before.new
    here = (look.active, look.tree)
    if here not in ((old.active, old.tree), (new.active, new.tree)):
        yield f"I4 the environment is neither the old nor the new one: {here}"
    for name in ("manifest", "pylock"):
        if getattr(look, name) not in (getattr(old, name), getattr(new, name)):
            yield f"I4 {name} is neither the old nor the new one"
    if done and look != new:
        yield "I4 what was told to be done is not there"
    # A ledger begins with the project, so that init has no place for an intent before it.
    if look != old and not intended and before.lines:
        yield "I1 there is an effect whose intent is not in the ledger"
    generation = read_generation(place.paths.environment.resolve()) if look.active else None
    # The old one may have been damaged on purpose.
    built = here == (old.active, old.tree) or (generation and generation.root == look.tree)
    if look.active and not built:
        yield "I4 the environment does not have the digest that it was built with"


def _blobs(place: Place, digests: frozenset[str]) -> Iterator[str]:
    for digest in sorted(digests):
        path = _blob(place, digest)
        if not path.exists():
            yield f"I5 a cited blob is missing: {digest[:12]}"
        elif sha256(path.read_bytes()).hexdigest() != digest:
            yield f"I5 a cited blob has other bytes: {digest[:12]}"


def violations_of_failure(status: int, out: str, err: str) -> list[str]:
    """How a command that met an error has to end: in words, or well."""
    if TRACEBACK in err or TRACEBACK in out:
        return [f"W a traceback: {err.strip().splitlines()[-1:]}"]
    if status not in (0, 1) or (status == 1 and "error[" not in err):
        return [f"W exit status {status} without words: {err[-200:]!r}"]
    return []


def violations_after_again(place: Place, before: Before, recovered: bytes) -> list[str]:
    """What does not hold when the command was run again and succeeded."""
    return [f"again: {one}" for one in violations(place, before, told=recovered)]


def violations_after_replay(place: Place) -> list[str]:
    """What differs between the projections that were rebuilt and the fold of the ledger."""
    project = fold(place.ledger().read())
    return [f"I3 {one.file} {one.problem}" for one in compare(place.paths, project)]


def litter(place: Place) -> Iterator[Path]:
    """Half-done things; the index cache alone may keep a temporary file of a killed command."""
    environments, store = place.paths.environments, place.home.store
    for path in place.paths.root.rglob("*.tmp"):
        if not path.is_relative_to(environments):
            yield path
    yield from environments.glob(".tmp-*")
    yield from store.glob("wheels/.staging-*")
    yield from store.glob("blobs/incoming/*")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
