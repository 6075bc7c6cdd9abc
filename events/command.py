"""What a person asked of PPM, and how it ended."""

from typing import ClassVar

from ppm.events.base import Event


class CommandStarted(Event, frozen=True, kw_only=True):
    """A command began. First event of its run.

    Fields: the verb; its arguments with secrets removed; the note given with ``--note``; the
    version of PPM and of the Python that runs it.
    """

    type: ClassVar[str] = "command.started/1"
    verb: str
    argv: tuple[str, ...]
    note: str
    ppm: str
    python: str


class CommandCompleted(Event, frozen=True, kw_only=True):
    """The command did what was asked. Last event of its run. Duration in microseconds."""

    type: ClassVar[str] = "command.completed/1"
    duration_us: int


class CommandFailed(Event, frozen=True, kw_only=True):
    """The command ended in ``error[code]``. Last event of its run. Duration in microseconds."""

    type: ClassVar[str] = "command.failed/1"
    code: str
    message: str
    duration_us: int


class QueryAnswered(Event, frozen=True, kw_only=True):
    """A command that only reads ended; the one event of its run. Duration in microseconds.

    ``code`` is the error's where it could not answer, ``""`` where it did.
    """

    type: ClassVar[str] = "query.answered/1"
    verb: str
    argv: tuple[str, ...]
    code: str
    duration_us: int
