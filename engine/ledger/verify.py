"""The whole ledger examined, and compared with a checkpoint of it that was kept elsewhere.

:func:`examine` checks of every line that it is the canonical form of an event this program knows,
that its ``seq`` is its number, and that its ``prev`` is the digest of the line before; that the
first event begins a ledger; and that each checkpoint the ledger says was signed has the root that
the lines before it have. It does not fold: whether the projections fit is ``ppm replay --check``.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from ppm.engine.errors import LedgerError
from ppm.engine.files import storage_errors
from ppm.engine.ledger.checkpoint import Checkpoint, origin_of
from ppm.engine.ledger.lines import whole_lines
from ppm.engine.ledger.tree import MerkleTree
from ppm.engine.ports import Ledger
from ppm.events.chain import ChainError, line_digest, link, link_all
from ppm.events.codec import Codec, CodecError
from ppm.events.envelope import Head
from ppm.events.project import ProjectInitialized
from ppm.events.trust import CheckpointSigned

_RESTORE = "restore the ledger from a backup or version control"


class Examined:
    """A ledger that was found whole.

    Attributes:
        ledger: Its id.
        head: Its last line.
        tree: Over its lines.
        signed: The checkpoints that its events name, each with the number of the event's line.
        unfinished: Bytes after the last newline: a line that is being written, or torn.
    """

    def __init__(self) -> None:
        self.ledger = ""
        self.head = Head()
        self.tree = MerkleTree()
        self.signed: list[tuple[int, CheckpointSigned]] = []
        self.unfinished = 0

    @property
    def origin(self) -> str:
        """The origin line of its checkpoints."""
        return origin_of(self.ledger)

    def checkpoint(self) -> Checkpoint:
        """Its size and root as of now."""
        return Checkpoint(origin=self.origin, size=self.tree.size, root=self.tree.root())


def examine(path: Path, ledger: Ledger) -> Examined:
    """Read the ledger at ``path`` from the first line to the last.

    Args:
        path: The file.
        ledger: Reads the same file; says what is wrong with a line.

    Raises:
        LedgerError: The first line that is wrong, and how: ``LEDGER_CORRUPT``, ``LEDGER_TOO_NEW``,
            ``LEDGER_CONFLICT``, or ``LEDGER_FORKED`` where it is not what was signed.
        StorageError: It cannot be read.
    """
    found, codec = Examined(), Codec()
    with storage_errors(path), path.open("rb") as file:
        for lines in whole_lines(file):
            if not _take(lines, found, codec):
                raise _first_fault(path, found.head, ledger, codec)
        found.unfinished = file.tell() - found.head.end
    _require_beginning(path, found)
    _require_signed_roots(path, found)
    return found


def _take(lines: list[bytes], found: Examined, codec: Codec) -> bool:
    """Take in ``lines``; false if one is wrong, and then the head is the line before it."""
    try:
        records = link_all(found.head, lines, codec)
    except (ChainError, CodecError):
        _take_whole_ones(lines, found, codec)
        return False
    for record in records:
        if isinstance(record.event, CheckpointSigned):
            found.signed.append((record.seq, record.event))
    first, last = records[0], records[-1]
    if first.seq == 1 and isinstance(first.event, ProjectInitialized):
        found.ledger = first.event.ledger
    found.tree.extend(lines)
    found.head = Head(last.seq, last.digest, last.end)
    return True


def _take_whole_ones(lines: list[bytes], found: Examined, codec: Codec) -> None:
    with suppress(ChainError, CodecError):
        for line in lines:
            record = link(found.head, line, codec)
            found.head = Head(record.seq, record.digest, record.end)


def _first_fault(path: Path, head: Head, ledger: Ledger, codec: Codec) -> LedgerError:
    """What is wrong with the line after ``head``, or with the one before it."""
    with path.open("rb") as file:
        file.seek(head.end)
        line, following = file.readline(), file.readline()
    if head.seq and _breaks_only_the_chain(line[:-1], head, codec):
        vouched = b'"prev":"%b"' % line_digest(line[:-1]).encode() in following
        if vouched or not following:
            return _changed(path, head, which="" if vouched else f" or {head.seq + 1}")
    try:
        for _ in ledger.read(head):
            pass
    except LedgerError as error:
        return error
    return LedgerError(f"line {head.seq + 1} of {path} changed while it was read")


def _breaks_only_the_chain(line: bytes, head: Head, codec: Codec) -> bool:
    try:
        envelope, _ = codec.decode(line)
    except CodecError:
        return False
    return envelope.seq == head.seq + 1


def _changed(path: Path, head: Head, *, which: str) -> LedgerError:
    """The words for a line that is not what the next one names.

    It is the one that changed where the next but one vouches for the next; without a next but one,
    it may be either.
    """
    return LedgerError(
        f"line {head.seq}{which} of {path} was changed: the digest of line {head.seq} is "
        f"{head.digest[:16]}…, not the one that line {head.seq + 1} names",
        hint=_RESTORE,
    )


def _require_beginning(path: Path, found: Examined) -> None:
    if not found.ledger:
        raise LedgerError(f"line 1 of {path} is no project.initialized: it begins no ledger")


def _require_signed_roots(path: Path, found: Examined) -> None:
    good = 0
    for line, event in found.signed:
        if event.seq >= line:
            raise LedgerError(f"line {line} of {path}: a checkpoint over lines that come after it")
        if found.tree.root(event.seq).hex() != event.root:
            raise _forked(path, good, event.seq, f"what line {line} says was signed by {event.key}")
        good = max(good, event.seq)


def require_extension(path: Path, found: Examined, checkpoint: Checkpoint) -> None:
    """Refuse a ledger that does not begin with what the checkpoint is over.

    Raises:
        LedgerError: ``code="LEDGER_TRUNCATED"`` where it is shorter, ``"LEDGER_FORKED"`` where its
            lines are others.
    """
    if found.tree.size < checkpoint.size:
        raise LedgerError(
            f"{path} ends after line {found.tree.size}; the checkpoint is over "
            f"{checkpoint.size} lines: from line {found.tree.size + 1} on they are gone",
            code="LEDGER_TRUNCATED",
            hint=_RESTORE,
        )
    if found.tree.root(checkpoint.size) != checkpoint.root:
        raise _forked(path, 0, checkpoint.size, "what the checkpoint was signed over")


def _forked(path: Path, good: int, last: int, what: str) -> LedgerError:
    return LedgerError(
        f"lines {good + 1} to {last} of {path} are not {what}: one of them was changed and every "
        "line after it written anew",
        code="LEDGER_FORKED",
        hint=_RESTORE,
    )
