"""The one place that wires ports to parts, each when it is first needed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ppm.engine.environment.interpreter import Interpreter, current, probe
from ppm.engine.environment.machine import machine_id
from ppm.engine.paths import HomePaths
from ppm.engine.ports import Clock, Progress
from ppm.engine.store.lock import StoreInUse, store_alone

if TYPE_CHECKING:
    from ppm.engine.index.cache import IndexCache
    from ppm.engine.index.cached_source import CachedSource
    from ppm.engine.index.pip_config import IndexSettings
    from ppm.engine.store.blobs import BlobStore
    from ppm.engine.store.wheels import WheelStore


class Runtime:
    """The parts of one command.

    Args:
        home: ``PPM_HOME``.
        clock: Time and identities.
        progress: Where the engine tells how far it is.
        index_url: The package index to use in place of pip's configured one, ``""`` for that one.
        offline: Never use the network.
        python: The versions an interpreter may have (PEP 440), ``""`` for the running one.
        interpreter: The interpreter to use whatever its version.
    """

    def __init__(
        self,
        home: HomePaths,
        clock: Clock,
        progress: Progress,
        *,
        index_url: str = "",
        offline: bool = False,
        python: str = "",
        interpreter: Path | None = None,
    ) -> None:
        self.home = home
        self.clock = clock
        self.progress = progress
        self.offline = offline
        self._index_url = index_url
        self._python = python
        self._interpreter = interpreter

    def made_for(self, interpreter: Path) -> Runtime:
        """The same parts with another base interpreter."""
        return Runtime(
            self.home,
            self.clock,
            self.progress,
            index_url=self._index_url,
            offline=self.offline,
            interpreter=interpreter,
        )

    @cached_property
    def interpreter(self) -> Interpreter:
        """The base interpreter environments are made for."""
        if self._interpreter is not None:
            return probe(self._interpreter, self.home.root)
        if not self._python:
            return current(self.home.root)
        from ppm.engine.environment.discovery import find

        return find(self._python, self.home.root)

    @cached_property
    def machine(self) -> str:
        """The identity of this machine."""
        return machine_id(self.home.root)

    @cached_property
    def in_use(self) -> StoreInUse:
        """The claim on store and caches: nothing is collected from them as long as this lives."""
        return StoreInUse(self.home, lambda: self.progress.stage("waiting for another ppm's gc"))

    @contextmanager
    def store_alone(self) -> Iterator[None]:
        """Nobody else uses the store while the block runs, which does without these parts.

        Raises:
            LedgerError: ``code="STORE_BUSY"``.
        """
        claimed = self.__dict__.pop("in_use", None)
        if claimed is not None:
            claimed.let_go()
        with store_alone(self.home, lambda: self.progress.stage("waiting for the store")):
            yield
        if claimed is not None:
            self.__dict__["in_use"] = StoreInUse(self.home)

    @cached_property
    def blobs(self) -> BlobStore:
        """Wheels and source distributions as fetched."""
        from ppm.engine.store.blobs import BlobStore

        _ = self.in_use
        return BlobStore(self.home.store)

    @cached_property
    def wheels(self) -> WheelStore:
        """Unpacked wheels."""
        from ppm.engine.store.wheels import WheelStore

        _ = self.in_use
        return WheelStore(self.home.store)

    @cached_property
    def index_settings(self) -> IndexSettings:
        """Which index, which certificates, whose logins."""
        from ppm.engine.index.pip_config import read_index_settings

        environ = dict(os.environ)
        if self._index_url:
            environ["PPM_INDEX_URL"] = self._index_url
        return read_index_settings(environ)

    @cached_property
    def index_cache(self) -> IndexCache:
        """Pages and metadata the index gave before."""
        from ppm.engine.index.cache import IndexCache

        _ = self.in_use
        return IndexCache(self.home.index)

    def cached_source(self) -> CachedSource:
        """The index as far as the cache knows it."""
        from ppm.engine.index.cached_source import CachedSource

        return CachedSource([self.index_settings.index_url], self.index_cache, offline=self.offline)

    def built_wheel(self, source_sha256: str) -> str | None:
        """The digest of the wheel built from a source distribution for this interpreter."""
        from ppm.engine.build.cache import BuiltWheels

        built = BuiltWheels(self.home.store / "built", self.blobs)
        found = built.find(source_sha256, self.interpreter.key)
        return found.sha256 if found is not None else None
