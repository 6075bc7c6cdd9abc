"""What is there of a file that is still arriving, and which version of it that is."""

from __future__ import annotations

from collections.abc import Iterator

from ppm.engine.fetch.ranges import as_validator
from ppm.engine.fetch.seams import Blobs, Incoming


class Partial:
    """The bytes so far, and beside them the validator of the answer they came from.

    A file with a known digest is kept under it when its download is interrupted, for the next run
    to go on with. One without is not: nobody would notice if two versions were spliced. All
    methods may block.

    Args:
        blobs: The store.
        sha256: The digest the file shall have, or ``""``.
    """

    def __init__(self, blobs: Blobs, sha256: str) -> None:
        self._blobs = blobs
        self._sha256 = sha256
        self._bytes = blobs.incoming(sha256)
        self._note: Incoming | None = None
        self.validator = ""
        if self._bytes.size:
            self.validator = self._recall()

    @property
    def size(self) -> int:
        """How many bytes are there."""
        return self._bytes.size

    def write(self, data: bytes) -> None:
        """Append."""
        self._bytes.write(data)

    def chunks(self) -> Iterator[bytes]:
        """What is there, from the beginning."""
        return self._bytes.chunks()

    def clear(self) -> None:
        """Begin again."""
        self._bytes.restart()

    def remember(self, validator: str) -> None:
        """Keep the validator of the answer that is arriving for the next run."""
        if not self._sha256 or validator == self.validator:
            return
        note = self._open_note()
        note.restart()
        note.write(validator.encode("ascii"))
        self.validator = validator

    def commit(self, sha256: str) -> None:
        """Give the bytes their final name."""
        self._bytes.commit(sha256)
        self._drop_note()

    def discard(self) -> None:
        """Leave nothing."""
        self._bytes.discard()
        self._drop_note()

    def close(self) -> None:
        """Leave what is there for the next run, if there is something; twice does nothing."""
        if not self._bytes.size:
            self.discard()
            return
        self._bytes.close()
        if self._note is not None:
            self._note.close()

    def _recall(self) -> str:
        # What a crash left may be torn: it counts only if it still has the form.
        return as_validator(b"".join(self._open_note().chunks()).decode("ascii", "replace"))

    def _open_note(self) -> Incoming:
        if self._note is None:
            self._note = self._blobs.incoming(f"validator of {self._sha256}")
        return self._note

    def _drop_note(self) -> None:
        if self._note is not None:
            self._note.discard()
