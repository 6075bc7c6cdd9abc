"""Every failure PPM tells a user about.

    PpmError                     code, message, hint, exit status
    ├── UsageError               options that do not go together (exit status 2)
    ├── ProjectError             no project here, broken manifest, broken settings
    ├── LedgerError              corrupt, written by a newer ppm, locked, read-only
    ├── CheckpointError          a checkpoint or proof that is malformed, foreign or wrongly signed
    ├── KeyFailure               a signing or verifying key that cannot be used
    ├── ReceiptError             a receipt that is malformed, wrongly signed, or of another file
    ├── RequirementError         a requirement or version that does not parse
    ├── IndexFailure              an index that fails, refuses or lies
    ├── ResolutionError          no set of versions fits
    ├── ArtifactError            a download or archive that is not what was promised
    ├── EnvironmentFailure        interpreter, generation or switch
    ├── BuildError               a source distribution that does not build
    ├── StorageError             the disk: full, read-only, not permitted
    ├── HashingFailure           a GPU or GPU library that fails or computes wrong digests
    └── Interrupted              Ctrl-C or SIGTERM

The code is stable and is what scripts read (``error[CODE]``); the message says what happened in
words; the hint says what to do and stands apart. Messages never hold credentials: whoever raises
passes URLs through :func:`ppm.engine.redact.redact_url`.
"""

from __future__ import annotations

from typing import ClassVar


class PpmError(Exception):
    """A failure with a stable code, words for a person, and what to do about it.

    Args:
        message: What happened, one sentence or a short block, without the code.
        code: Stable upper-case identifier such as ``HASH_MISMATCH``; defaults to the class's.
        hint: What the user can do; empty when there is nothing sensible to say.
    """

    default_code: ClassVar[str] = "FAILED"
    exit_status: ClassVar[int] = 1

    def __init__(self, message: str, *, code: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.hint = hint


class UsageError(PpmError):
    """Options or arguments that do not go together."""

    default_code = "USAGE"
    exit_status: ClassVar[int] = 2


class ProjectError(PpmError):
    """No project here, or its manifest or settings cannot be read."""

    default_code = "PROJECT"


class LedgerError(PpmError):
    """The ledger is corrupt, newer than this program, busy or not writable."""

    default_code = "LEDGER_CORRUPT"


class CheckpointError(PpmError):
    """A checkpoint or proof that is malformed, of another ledger, or not signed by a known key."""

    default_code = "CHECKPOINT_INVALID"


class KeyFailure(PpmError):  # noqa: N818 - the builtin has the other name
    """A signing or verifying key that cannot be read, written or trusted."""

    default_code = "KEY_INVALID"


class ReceiptError(PpmError):
    """A receipt that is none, whose signature is wrong, or that is not for this file or key."""

    default_code = "RECEIPT_MALFORMED"


class RequirementError(PpmError):
    """A requirement, version or marker that does not parse."""

    default_code = "INVALID_REQUIREMENT"


class IndexFailure(PpmError):  # noqa: N818 - the builtin has the other name
    """An index that cannot be reached, refuses, or answers with something it may not."""

    default_code = "INDEX"
    http_status: int = 0
    """What a server answered with, where that is what is wrong."""


class ResolutionError(PpmError):
    """No set of versions satisfies everything that was asked."""

    default_code = "RESOLUTION_IMPOSSIBLE"


class ArtifactError(PpmError):
    """A file that is not what the index, the lock or its own records promised."""

    default_code = "ARTIFACT_REFUSED"


class EnvironmentFailure(PpmError):  # noqa: N818 - the builtin has the other name
    """An interpreter, a generation or the switch between generations."""

    default_code = "ENVIRONMENT"


class BuildError(PpmError):
    """A source distribution that does not build."""

    default_code = "BUILD_FAILED"


class StorageError(PpmError):
    """The disk is full, read-only or not permitted."""

    default_code = "STORAGE"


class HashingFailure(PpmError):  # noqa: N818 - as the ones above
    """A GPU, or a library that drives one, that fails or is contradicted by the CPU."""

    default_code = "GPU_FAILED"


class Interrupted(PpmError):  # noqa: N818 - an interruption is no error of the program
    """The user or the system asked the command to stop."""

    default_code = "INTERRUPTED"
    exit_status = 130
