"""Places that a person types, written as requirements (PEP 508)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ppm.engine.errors import RequirementError
from ppm.engine.redact import redact_text


def named(
    texts: Iterable[str], directory: Path, root: Path | None, *, editable: bool = False
) -> list[str]:
    """Requirements as they are, and paths and URLs as ``name @ URL``.

    Args:
        texts: As typed.
        directory: What paths are relative to.
        root: The project; a path that is typed relative is written relative to it.
        editable: Whether folders shall be editable.

    Raises:
        RequirementError: A place that is not there, that does not say which project it holds, or
            that cannot be editable.
    """
    return [_named(text, directory, root, editable=editable) for text in texts]


def _named(text: str, directory: Path, root: Path | None, *, editable: bool) -> str:
    if not editable and not any(mark in text for mark in ("/", ":", ".whl", ".tar")):
        return text
    from ppm.engine.manifest.locations import as_requirement, find_editable, find_location

    try:
        location = (find_editable if editable else find_location)(text, directory)
        return text if location is None else as_requirement(location, root, editable=editable)
    except ValueError as error:
        raise RequirementError(
            f"{redact_text(text)}: {error}", hint="write it like 'name @ file:./folder'"
        ) from error
