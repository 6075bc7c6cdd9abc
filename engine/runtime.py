"""The one place that wires ports to parts, each when it is first needed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
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
    from ppm.engine.build.model import BuiltRecord
    from ppm.engine.direct.reference import Reference
    from ppm.engine.gpu.choose import Choice
    from ppm.engine.index.cache import IndexCache
    from ppm.engine.index.cached_source import CachedSource
    from ppm.engine.index.pip_config import IndexSettings
    from ppm.engine.store.blobs import BlobStore
    from ppm.engine.store.wheels import WheelStore
    from ppm.events.resolution import LockedFile


_NO_BACKENDS: Mapping[str, str] = {}


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
        root: The project's folder, which paths of direct references are relative to.
        requirements: PEP 508 texts of the project, whose URLs may hold logins.
        backends: The index of each GPU backend of the project; URLs may hold logins.
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
        root: Path = Path(),
        requirements: tuple[str, ...] = (),
        backends: Mapping[str, str] = _NO_BACKENDS,
    ) -> None:
        self.home = home
        self.clock = clock
        self.progress = progress
        self.offline = offline
        self._index_url = index_url
        self._python = python
        self._interpreter = interpreter
        self.root = root
        self._requirements = requirements
        self.backends = backends
        self.choice: Choice | None = None
        """How the backend of this machine was chosen, where the lock does not name one."""
        self._indexes: dict[str, list[str]] = {}

    def made_for(self, interpreter: Path) -> Runtime:
        """The same parts with another base interpreter."""
        return Runtime(
            self.home,
            self.clock,
            self.progress,
            index_url=self._index_url,
            offline=self.offline,
            interpreter=interpreter,
            root=self.root,
            requirements=self._requirements,
            backends=self.backends,
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

    def take_backend(self, backend: str) -> None:
        """Let the running machine's target use a GPU backend, or with ``""`` none."""
        import msgspec

        target = self.interpreter.target.on(backend)
        self.__dict__["interpreter"] = msgspec.structs.replace(self.interpreter, target=target)

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
        settings = read_index_settings(environ)
        for url in self.backends.values():
            if "://" in url:
                settings.credentials.add(url)
        return settings

    @cached_property
    def references(self) -> dict[str, Reference]:
        """The project's direct references with their logins, by their source."""
        from ppm.engine.direct.asked import references_in

        return references_in(self._requirements)

    @cached_property
    def index_cache(self) -> IndexCache:
        """Pages and metadata the index gave before."""
        from ppm.engine.index.cache import IndexCache

        _ = self.in_use
        return IndexCache(self.home.index)

    def indexes(self, backend: str) -> list[str]:
        """The base URLs, without logins, that are asked with a GPU backend: its own index first.

        The first that has a project answers for it.
        """
        default = self.index_settings.index_url
        if not backend:
            return [default]
        if backend not in self._indexes:
            from ppm.engine.gpu.index import backend_index

            own = backend_index(self.backends[backend], self.root)
            self._indexes[backend] = list(dict.fromkeys([own, default]))
        return self._indexes[backend]

    def cached_source(self, backend: str = "") -> CachedSource:
        """The index, or those of a GPU backend, as far as the cache knows them."""
        from ppm.engine.index.cached_source import CachedSource

        return CachedSource(self.indexes(backend), self.index_cache, offline=self.offline)

    def wheel_built_from(self, file: LockedFile) -> str | None:
        """The digest of the wheel built from a locked file that is none, for this interpreter."""
        if file.kind == "sdist" and "#" not in file.url:
            return self.built_wheel(file.sha256)
        from ppm.engine.direct.locked import build_key

        return self.built_wheel(build_key(file, self.root))

    def built_wheel(self, source_sha256: str) -> str | None:
        """The digest of the wheel built from a source distribution for this interpreter."""
        found = self.built_record(source_sha256)
        return found.sha256 if found is not None else None

    def built_record(self, source_sha256: str) -> BuiltRecord | None:
        """What is on record of the wheel built from sources for this interpreter."""
        from ppm.engine.build.cache import BuiltWheels

        built = BuiltWheels(self.home.store / "built", self.blobs)
        return built.find(source_sha256, self.interpreter.build_key)
