"""Collecting: generations, store entries and leavings that nothing needs.

Everything that goes loses its name first, in one rename, and is deleted afterwards: an interrupted
collection leaves whole things or nameless ones, which the next apply or collection clears away.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from datetime import UTC, datetime, timedelta
from os import urandom
from pathlib import Path

import msgspec

from ppm.engine.build.cache import BuiltWheels
from ppm.engine.collecting import Survey, kept, survey
from ppm.engine.environment.generation import is_generation_name
from ppm.engine.environment.staging import STAGING, remove_stale, remove_stale_in
from ppm.engine.environment.switch import active
from ppm.engine.files import storage_errors
from ppm.engine.folders import remove_file, remove_tree
from ppm.engine.locks import remove_abandoned
from ppm.engine.operations.bisecting import WORKSHOP
from ppm.engine.operations.needing import needs_of_others
from ppm.engine.paths import HomePaths, ProjectPaths
from ppm.engine.ports import Clock, Ledger
from ppm.engine.registry import Entry
from ppm.engine.store.blobs import is_sha256
from ppm.engine.store.lock import StoreInUse, store_alone
from ppm.engine.store.wheels import WheelStore
from ppm.engine.transaction import Transaction
from ppm.events.upkeep import GenerationCollected, StoreCollected


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What may go.

    ``keep`` generations stay in any case. What was used, or came into the store, less than
    ``older_than_s`` seconds ago stays, too.
    """

    keep: int
    older_than_s: int = 0


class Collection(msgspec.Struct, frozen=True, kw_only=True):
    """What nothing needs, before anything is done.

    ``generations`` are names, ``kept`` those that stay; ``blobs`` and ``wheels`` digests.
    ``leavings`` are files that dead writers left, ``records`` notes of builds whose wheel goes,
    ``forgotten`` registry files of projects that are gone. ``projects`` were asked, this one
    among them. ``size`` is what the store entries and leavings hold, in bytes.
    """

    generations: tuple[str, ...]
    kept: tuple[str, ...]
    blobs: tuple[str, ...]
    wheels: tuple[str, ...]
    leavings: tuple[Path, ...]
    records: tuple[Path, ...]
    forgotten: tuple[Path, ...]
    projects: int
    size: int


class Collector:
    """Collects for one project, on one machine, by rules.

    Args:
        paths: The project.
        home: Whose store.
        machine: Its identity.
        clock: Says what is old.
        rules: What may go.
    """

    def __init__(
        self, paths: ProjectPaths, home: HomePaths, *, machine: str, clock: Clock, rules: Rules
    ) -> None:
        self._paths = paths
        self._home = home
        self._machine = machine
        self._clock = clock
        self._rules = rules
        self._store = WheelStore(home.store)

    def foresee(self, ledger: Ledger) -> Collection:
        """What :meth:`collect` would take away now.

        Raises:
            ProjectError: ``PROJECT_UNREADABLE`` or ``REGISTRY_DAMAGED``.
        """
        claim = StoreInUse(self._home)
        try:
            return self._found(ledger)
        finally:
            claim.let_go()

    def collect(
        self, run: Transaction, on_wait: Callable[[], None] | None = None
    ) -> tuple[Collection, int]:
        """Take away what nothing needs; what that was, and how many bytes of the disk it freed.

        Raises:
            ProjectError: ``PROJECT_UNREADABLE`` or ``REGISTRY_DAMAGED``; nothing was taken away.
            LedgerError: ``STORE_BUSY``.
            StorageError: The disk refused.
        """
        run.record(())
        trash: list[Path] = []
        with store_alone(self._home, on_wait):
            found = self._found(run.ledger)
            for name in found.generations:
                trash += _set_aside(self._paths.environments, name)
            run.record(
                [
                    GenerationCollected(machine=self._machine, generation=name)
                    for name in found.generations
                ]
            )
            with storage_errors(self._home.root):
                freed = sum(map(_unlinked, self._files(found)))
            for sha256 in found.wheels:
                aside = self._store.set_aside(sha256)
                trash += [aside] if aside is not None else []
            if found.blobs or found.wheels or found.leavings:
                run.record([_store_event(found, self._machine)])
        with storage_errors(self._home.root):
            freed += sum(map(remove_tree, trash))
        self._clear_away()
        return found, freed

    def _found(self, ledger: Ledger) -> Collection:
        own = survey(ledger.read(), self._machine)
        entry = Entry(ledger=own.ledger, path=str(self._paths.root.resolve()))
        others = needs_of_others(self._home, entry, machine=self._machine, clock=self._clock)
        limit = self._limit()
        used_since = f"{limit.isoformat(timespec='microseconds')[:26]}Z" if limit else ""
        stays = kept(own, keep=self._rules.keep, used_since=used_since)
        stays |= {active(self._paths.root) or ""}
        needed = others.digests | own.needs(stays)
        newest = limit.timestamp() if limit else float("inf")
        with storage_errors(self._home.root):
            blobs = tuple(_old_blobs(self._store, needed, newest))
            wheels = tuple(_old_wheels(self._store, needed, newest))
            leavings = tuple(_leavings(self._home))
            sizes = [self._store.blobs.size(one) for one in blobs]
            sizes += [path.lstat().st_size for path in leavings]
            sizes += [_tree_size(self._store, one) for one in wheels]
            records = tuple(self._stale_records(frozenset(blobs)))
        return Collection(
            generations=tuple(sorted(_standing(self._paths, own) - stays)),
            kept=tuple(sorted(stays - {""})),
            blobs=blobs,
            wheels=wheels,
            leavings=leavings,
            records=records,
            forgotten=others.forgotten,
            projects=others.projects + 1,
            size=sum(sizes),
        )

    def _limit(self) -> datetime | None:
        """What was used or stored since then stays."""
        if not self._rules.older_than_s:
            return None
        now = datetime.fromisoformat(self._clock.now()).astimezone(UTC)
        first = datetime(1970, 1, 1, tzinfo=UTC)
        return max(first, now - min(now - first, timedelta(seconds=self._rules.older_than_s)))

    def _stale_records(self, blobs: frozenset[str]) -> Iterator[Path]:
        """Notes of builds whose wheel goes or is gone."""
        built = BuiltWheels(self._home.store / "built", self._store.blobs)
        for path, record in built.records():
            if record is None or record.sha256 in blobs or not self._store.blobs.has(record.sha256):
                yield path

    def _files(self, found: Collection) -> Iterator[Path]:
        yield from found.records
        yield from map(self._store.blobs.path, found.blobs)
        yield from found.leavings
        yield from found.forgotten

    def _clear_away(self) -> None:
        """Folders in the making whose makers are dead: each is locked by a living one."""
        remove_stale(self._paths.root)
        self._store.discard_abandoned()
        remove_stale_in(self._home.store / "builds")
        remove_abandoned(self._home.root, WORKSHOP)


def _standing(paths: ProjectPaths, own: Survey) -> set[str]:
    """Generations that the history or the disk has; some of a killed apply are in one alone."""
    with storage_errors(paths.environments):
        there = {
            path.name for path in paths.environments.glob("*") if is_generation_name(path.name)
        }
    return there | own.standing.keys()


def _old_blobs(store: WheelStore, needed: Container[str], newest: float) -> Iterator[str]:
    for sha256 in store.blobs.digests():
        if is_sha256(sha256) and sha256 not in needed:
            path = store.blobs.path(sha256)
            yield from [sha256] if path.lstat().st_mtime <= newest else []


def _old_wheels(store: WheelStore, needed: Container[str], newest: float) -> Iterator[str]:
    for sha256 in store.digests():
        if is_sha256(sha256) and sha256 not in needed:
            path = store.directory(sha256).parent
            yield from [sha256] if path.lstat().st_mtime <= newest else []


def _tree_size(store: WheelStore, sha256: str) -> int:
    tree = store.peek(sha256)
    return sum(file.size for file in tree.files) if tree is not None else 0


def _leavings(home: HomePaths) -> Iterator[Path]:
    """Files in the making. Whoever writes one claims the store, and nobody does now."""
    yield from sorted(home.index.rglob(".*.tmp"))
    yield from sorted(home.projects.glob(".*.tmp"))
    yield from sorted((home.store / "built").rglob(".*.tmp"))
    yield from sorted((home.store / "blobs" / "incoming").glob("*.partial"))


def _set_aside(environments: Path, name: str) -> list[Path]:
    """Take a generation's name away; what is left to delete."""
    aside = environments / f"{STAGING}collected-{urandom(8).hex()}"
    with storage_errors(environments):
        try:
            (environments / name).rename(aside)
        except FileNotFoundError:
            return []
    return [aside]


def _unlinked(path: Path) -> int:
    return remove_file(str(path))


def _store_event(found: Collection, machine: str) -> StoreCollected:
    return StoreCollected(
        machine=machine,
        blobs=found.blobs,
        wheels=found.wheels,
        temporaries=len(found.leavings),
        size=found.size,
    )
