"""A gzipped tar as a stream that only goes forward and never gives more than it may."""

from __future__ import annotations

import gzip
import zlib
from typing import IO

from ppm.engine.build.model import KIB
from ppm.engine.errors import ArtifactError

BLOCK = 256 * KIB
_LONGEST_READ = 1024 * KIB


class TarStream:
    """What :mod:`tarfile` reads headers from.

    It asks for the whole of an extended header in one read, whatever size that claims to have, and
    skips the bodies of members by seeking: both are bounded here.
    """

    def __init__(self, packed: IO[bytes], limit: int) -> None:
        """``packed`` is the gzip file, ``limit`` how many bytes it may unpack to."""
        self._unpacked = gzip.GzipFile(fileobj=packed)
        self._limit = limit
        self._position = 0

    def tell(self) -> int:
        """How many bytes were read."""
        return self._position

    def seek(self, position: int, whence: int = 0) -> int:
        """Go forward to ``position``, or to the end if that comes first."""
        if whence or position < self._position:
            raise corrupt("its members overlap")
        while self._position < position:
            if not self.read(min(BLOCK, position - self._position)):
                break
        return self._position

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes; fewer only at the end.

        Raises:
            ArtifactError: ``SDIST_CORRUPT`` or ``SDIST_TOO_LARGE``.
        """
        if not 0 <= size <= _LONGEST_READ:
            raise too_large(f"a header of {size} bytes")
        try:
            data = self._unpacked.read(size)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise corrupt(str(error)) from error
        self._position += len(data)
        if self._position > self._limit:
            raise too_large(f"more than {self._limit} bytes")
        return data

    def drain(self) -> None:
        """Read to the end, so that gzip's own checksum is compared, too."""
        while self.read(BLOCK):
            pass


def corrupt(reason: str) -> ArtifactError:
    """The refusal of an archive that does not parse."""
    return ArtifactError(
        f"the source distribution is no valid gzipped tar archive: {reason}",
        code="SDIST_CORRUPT",
        hint="tell the project's authors, or choose another version",
    )


def too_large(what: str) -> ArtifactError:
    """The refusal of an archive that would fill memory or disk."""
    return ArtifactError(
        f"the source distribution unpacks to too much: {what}", code="SDIST_TOO_LARGE"
    )
