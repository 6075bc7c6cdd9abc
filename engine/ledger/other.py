"""The ledger of another clone or git branch. Nothing of it is believed before it was checked.

It is read from a copy: what was checked is what is used, whatever happens to the original.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ppm.engine.errors import LedgerError, ProjectError
from ppm.engine.files import storage_errors
from ppm.engine.paths import ProjectPaths
from ppm.events.chain import ChainError, link
from ppm.events.codec import Codec, CodecError, UnknownEventError
from ppm.events.envelope import Head, Record

GIT = "git:"
_LARGEST_LEDGER = 1 << 30
_LONGEST_LINE = 16 << 20
_CONFLICT_MARKERS = (b"<<<<<<<", b"=======", b">>>>>>>", b"|||||||")
_NAME = ".ppm/ledger.jsonl"


class OtherLedger:
    """A copy of another ledger. ``name`` is how a person called it."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self.name = name

    def read(self) -> Iterator[Record]:
        """Its records, each checked against the chain.

        Raises:
            LedgerError: The first line that is wrong, and how.
        """
        return (record for record, _ in self._checked(Head()))

    def lines_after(self, head: Head) -> Iterator[bytes]:
        """The lines after ``head``, each with its newline, checked again.

        Raises:
            LedgerError: As :meth:`read`.
        """
        return (line for _, line in self._checked(head))

    def _checked(self, head: Head) -> Iterator[tuple[Record, bytes]]:
        codec = Codec()
        self._file.seek(head.end)
        while line := self._file.readline(_LONGEST_LINE + 1):
            record = self._link(head, line, codec)
            yield record, line
            head = Head(record.seq, record.digest, record.end)

    def _link(self, head: Head, line: bytes, codec: Codec) -> Record:
        place = f"line {head.seq + 1} of {self.name}"
        if not line.endswith(b"\n"):
            raise _refused(f"{place}: {_unfinished(line)}")
        try:
            return link(head, line[:-1], codec)
        except UnknownEventError as error:
            raise LedgerError(
                f"{place}: {error}",
                code="LEDGER_TOO_NEW",
                hint="update ppm to the version that wrote this ledger",
            ) from error
        except (ChainError, CodecError) as error:
            if line.startswith(_CONFLICT_MARKERS):
                raise LedgerError(
                    f"{place} is a merge-conflict marker",
                    code="LEDGER_CONFLICT",
                    hint="name a branch or file that has the ledger of one side whole",
                ) from error
            raise _refused(f"{place}: {error}") from error


def _refused(words: str) -> LedgerError:
    hint = "nothing of it was taken; `ppm ledger verify` there tells more"
    return LedgerError(words, hint=hint)


def _unfinished(line: bytes) -> str:
    if len(line) > _LONGEST_LINE:
        return f"it has more than {_LONGEST_LINE >> 20} MiB"
    return "the file ends in the middle of it"


@contextmanager
def open_other(text: str, paths: ProjectPaths) -> Iterator[OtherLedger]:
    """The ledger that a person calls ``text``.

    Args:
        text: A ledger file, a project's folder, or a git revision; ``git:REVISION`` where something
            else has the revision's name.
        paths: Our project. Revisions are those of its work tree.

    Raises:
        ProjectError: ``NO_LEDGER`` where there is none, ``GIT``.
        StorageError: It cannot be read.
    """
    import tempfile

    with tempfile.TemporaryFile() as copy:
        path = Path(text)
        if os.path.lexists(path) and not text.startswith(GIT):
            _copy_file(path / _NAME if path.is_dir() else path, copy)
        else:
            _copy_revision(text.removeprefix(GIT), paths, copy)
        yield OtherLedger(copy, text)


def _copy_file(path: Path, copy: BinaryIO) -> None:
    with storage_errors(path):
        if not path.is_file():
            raise _no_ledger(f"{path} is no file", "name a project's folder, or its ledger")
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size > _LARGEST_LEDGER:
                raise LedgerError(f"{path} has more than {_LARGEST_LEDGER >> 20} MiB")
            shutil.copyfileobj(file, copy)


def _copy_revision(revision: str, paths: ProjectPaths, copy: BinaryIO) -> None:
    from ppm.engine.git import commit_of, copy_file_at

    try:
        commit = commit_of(revision, paths.root)
    except ProjectError as error:
        raise _no_ledger(
            f"{revision} is no file, no folder and no git revision: {error.message}",
            "name a ledger file, a project's folder, or a branch that has .ppm/ledger.jsonl",
        ) from error
    if not copy_file_at(commit, _NAME, paths.root, copy, limit=_LARGEST_LEDGER):
        raise _no_ledger(
            f"{revision} has no {_NAME}",
            "git has the ledger where [tool.ppm.ledger] says shared = true and it was committed",
        )


def _no_ledger(message: str, hint: str) -> ProjectError:
    return ProjectError(message, code="NO_LEDGER", hint=hint)
