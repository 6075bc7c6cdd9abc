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


_BROKEN_HINT = "whoever publishes this file has to repair it: tell them, or choose another version"


@asynccontextmanager
async def refusal_told(wanted: WantedFile, on_refused: OnRefused | None) -> AsyncIterator[None]:
    """Within the block, an :class:`ArtifactError` is about ``wanted`` and says so."""
    try:
        yield
    except ArtifactError as error:
        if error.code in STORE_DAMAGE:
            raise
        if on_refused is not None:
            with anyio.CancelScope(shield=True):
                await on_refused(wanted, error)
        if wanted.filename in error.message:
            raise
        message = f"{wanted.filename} is refused: {error.message}"
        raise ArtifactError(message, code=error.code, hint=error.hint or _BROKEN_HINT) from error
