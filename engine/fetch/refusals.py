"""The words for a file that is not what was promised, or does not come."""

from __future__ import annotations

from ppm.engine.errors import ArtifactError, IndexFailure
from ppm.engine.redact import redact_text
from ppm.engine.store.model import WantedFile

_CHANGED_HINT = (
    "the file on the index is not the one that was locked: find out why it changed, then run "
    "`ppm lock` to accept the new one"
)


def check(wanted: WantedFile, *, sha256: str, size: int) -> None:
    """Hold what arrived against what was promised; an empty promise is kept by anything.

    Raises:
        ArtifactError: ``HASH_MISMATCH`` or ``SIZE_MISMATCH``.
    """
    if wanted.sha256 and wanted.sha256 != sha256:
        raise hash_mismatch(wanted, sha256)
    if wanted.size and wanted.size != size:
        raise size_mismatch(wanted, size)


def hash_mismatch(wanted: WantedFile, sha256: str) -> ArtifactError:
    """The bytes are others."""
    return ArtifactError(
        f"{wanted.filename} from {redact_text(wanted.url)} is not the expected file:\n"
        f"expected sha256 {wanted.sha256}\n"
        f"     got sha256 {sha256}",
        code="HASH_MISMATCH",
        hint=_CHANGED_HINT,
    )


def size_mismatch(wanted: WantedFile, size: int) -> ArtifactError:
    """The length is another than the lock or the index says."""
    return ArtifactError(
        f"{wanted.filename} from {redact_text(wanted.url)} has {size} bytes, "
        f"expected {wanted.size}",
        code="SIZE_MISMATCH",
        hint=_CHANGED_HINT,
    )


def overrun(wanted: WantedFile, size: int) -> ArtifactError:
    """More bytes come than were announced."""
    return ArtifactError(
        f"{redact_text(wanted.url)} sends more than the {size} bytes that {wanted.filename} has",
        code="SIZE_MISMATCH",
        hint=_CHANGED_HINT,
    )


def truncated(wanted: WantedFile, size: int, total: int) -> ArtifactError:
    """The server ends the file early, each time."""
    return ArtifactError(
        f"{redact_text(wanted.url)} ends after {size} of {total} bytes",
        code="TRUNCATED",
        hint="run the command again to go on from there, or ask whoever runs this index",
    )


def too_large(wanted: WantedFile, maximum: int) -> ArtifactError:
    """Larger than anything PPM takes."""
    return ArtifactError(
        f"{wanted.filename} from {redact_text(wanted.url)} is larger than {maximum} bytes",
        code="TOO_LARGE",
        hint="PPM takes no larger file; check that the URL is the right one",
    )


def missing(wanted: WantedFile) -> ArtifactError:
    """A local file that is not there."""
    return ArtifactError(
        f"{redact_text(wanted.url)}: no such file",
        code="MISSING_FILE",
        hint="check the path",
    )


def stalled(wanted: WantedFile, reason: str) -> IndexFailure:
    """The server is too slow to wait for."""
    return IndexFailure(
        f"{redact_text(wanted.url)}: {reason}",
        code="INDEX_TIMEOUT",
        hint="check the network and run the command again to go on from there",
    )


def range_refused(wanted: WantedFile) -> IndexFailure:
    """The server answers a range request with something else, each time."""
    return IndexFailure(
        f"{redact_text(wanted.url)} answers a request for a part of {wanted.filename} "
        "with another part",
        code="INDEX_CONTENT",
        hint="ask whoever runs this index",
    )
