"""The lock on the whole store: many may use it, or one may remove from it (docs/adr/0012).

Whoever finds something in the store and goes on to link or cite it shares the lock from before the
look until its command ends. The collector holds it alone: nothing it removes is about to be used.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ppm.engine.errors import LedgerError, StorageError
from ppm.engine.files import storage_errors
from ppm.engine.locks import exclusive, share
from ppm.engine.paths import HomePaths

_TIMEOUT_S = 600.0


def _busy(path: Path, waited_s: int) -> LedgerError:
    return LedgerError(
        f"another ppm has been using the store for {waited_s} s ({path})",
        code="STORE_BUSY",
        hint="wait for it to finish, or end it, and run the command again",
    )


class StoreInUse:
    """The store's lock, shared for as long as this object lives.

    Where the lock file cannot be made (a read-only ``PPM_HOME``) nothing can be removed either.

    Raises:
        LedgerError: ``code="STORE_BUSY"``.
    """

    def __init__(self, home: HomePaths, on_wait: Callable[[], None] | None = None) -> None:
        self.let_go: Callable[[], object] = _nothing
        try:
            with storage_errors(home.root):
                home.root.mkdir(parents=True, exist_ok=True)
            descriptor = share(home.store_lock, timeout_s=_TIMEOUT_S, on_wait=on_wait, busy=_busy)
        except StorageError:
            return
        self.let_go = weakref.finalize(self, os.close, descriptor)


def _nothing() -> None:
    """There is no lock to let go of."""


@contextmanager
def store_alone(home: HomePaths, on_wait: Callable[[], None] | None = None) -> Iterator[None]:
    """Nobody else uses the store while the block runs; this process must not share the lock.

    Raises:
        LedgerError: ``code="STORE_BUSY"``.
        StorageError: The lock file cannot be made.
    """
    with storage_errors(home.root):
        home.root.mkdir(parents=True, exist_ok=True)
    with exclusive(home.store_lock, timeout_s=_TIMEOUT_S, on_wait=on_wait, busy=_busy):
        yield
