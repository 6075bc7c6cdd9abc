"""Telling whoever keeps the record that a file was refused, before the failure goes its way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

import anyio

from ppm.engine.errors import ArtifactError
from ppm.engine.store.model import WantedFile

OnRefused: TypeAlias = Callable[[WantedFile, ArtifactError], Awaitable[None]]

STORE_DAMAGE = frozenset({"BLOB_CORRUPT", "BLOB_MISSING"})
"""What the store, not the index, is to blame for: a power failure or a bad disk, say."""


@asynccontextmanager
async def refusal_told(wanted: WantedFile, on_refused: OnRefused | None) -> AsyncIterator[None]:
    """Within the block, an :class:`ArtifactError` is about ``wanted``."""
    try:
        yield
    except ArtifactError as error:
        if on_refused is not None and error.code not in STORE_DAMAGE:
            with anyio.CancelScope(shield=True):
                await on_refused(wanted, error)
        raise
