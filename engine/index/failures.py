"""The failures that several parts of the index room raise, in the same words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ppm.engine.errors import IndexFailure
from ppm.engine.redact import redact_text


def unknown_package(name: str, indexes: Sequence[str]) -> IndexFailure:
    """No index of ``indexes`` has the project ``name``."""
    asked = ", ".join(map(redact_text, indexes))
    return IndexFailure(
        f"no index has a project named {name} (asked: {asked})",
        code="UNKNOWN_PACKAGE",
        hint="check the spelling, or declare the index that has it",
    )


def not_in_cache(what: str) -> IndexFailure:
    """The cache does not have ``what``, and nobody may be asked."""
    return IndexFailure(
        f"{what} is not in the cache",
        code="OFFLINE",
        hint="run the command once without --offline",
    )


def refused_page(url: str, reason: str) -> IndexFailure:
    """The page at ``url`` is not what a project page may be."""
    return IndexFailure(
        f"{redact_text(url)} {reason}",
        code="INDEX_CONTENT",
        hint="check the index URL, or ask whoever runs this index",
    )


def invalid_metadata(filename: str, reason: str) -> IndexFailure:
    """A file that a resolver has to leave out."""
    return invalid_metadata_again(f"{filename}: {reason}")


def invalid_metadata_again(message: str) -> IndexFailure:
    """The same failure, from the words of its message."""
    return IndexFailure(
        message,
        code="INVALID_METADATA",
        hint="choose another version of this project, or tell its authors",
    )


def unreadable(path: Path, error: OSError) -> IndexFailure:
    """A folder or file of an index on this machine that cannot be read."""
    return IndexFailure(
        f"{path} cannot be read: {error.strerror or error}",
        code="INDEX_UNREACHABLE",
        hint="check the path and who may read it",
    )


def needs_build(filename: str) -> IndexFailure:
    """A source distribution whose metadata is not static."""
    return IndexFailure(
        f"what {filename} needs is known only after building it",
        code="NEEDS_BUILD",
        hint="choose a version that has a wheel, or allow building",
    )
