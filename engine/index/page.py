"""Gathering the files of one project page by the rules that hold for JSON, HTML and folders."""

from __future__ import annotations

import re
from urllib.parse import unquote

from packaging.version import InvalidVersion, Version

from ppm.engine.errors import IndexFailure
from ppm.engine.index.filenames import parse_filename
from ppm.engine.index.model import DistributionFile, ProjectPage, Release
from ppm.engine.index.urls import is_web, join_url, split_fragment, split_login
from ppm.engine.redact import redact_text

MAX_FILES = 500_000

_API_VERSION = r"(\d{1,4})\.(\d{1,4})"
_SHA256 = r"[0-9a-f]{64}"
_UPLOAD_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z"
_PLAIN_URL = r"https?://[a-z0-9.-]+(?::\d{1,5})?/[!-~]*"
_STATUSES = frozenset({"active", "archived", "quarantined", "deprecated"})


class PageBuilder:
    """Collects files and leaves out, with the reason, those that may not be offered.

    Args:
        name: The normalised name of the project that was asked for.
        index: The base URL of the index that answers.
        base: What relative URLs of files are relative to.
    """

    def __init__(self, *, name: str, index: str, base: str) -> None:
        self.base = base
        self.status = "active"
        self._name = name
        self._index = index
        self._versions: dict[str, tuple[Version, str]] = {}
        self._releases: dict[Version, list[DistributionFile]] = {}
        self._skipped: list[str] = []
        self._seen: set[str] = set()

    def add(
        self,
        filename: str,
        url: str,
        *,
        sha256: str,
        size: int = 0,
        requires_python: str = "",
        yanked: str | None = None,
        upload_time: str = "",
        metadata: str = "",
    ) -> None:
        """Take one file as the page lists it; ``url`` may be relative and hold a fragment."""
        try:
            kind, version, spelling = self._identify(filename)
            file = DistributionFile(
                filename=filename,
                url=self._file_url(url),
                kind=kind,
                version=spelling,
                sha256=_checked_digest(sha256),
                size=max(0, size),
                requires_python=requires_python.strip(),
                yanked=yanked,
                upload_time=upload_time if re.fullmatch(_UPLOAD_TIME, upload_time) else "",
                metadata=_metadata_digest(metadata),
            )
        except _UnfitError as unfit:
            return self.skip(filename, str(unfit))
        self._seen.add(filename)
        self._releases.setdefault(version, []).append(file)
        return None

    def skip(self, filename: str, reason: str) -> None:
        """Leave a file out."""
        self._skipped.append(f"{filename}: {reason}")

    def check_api_version(self, text: str) -> None:
        """Refuse a page of a later major version of the simple API (PEP 629).

        Raises:
            IndexFailure: ``INDEX_VERSION``.
        """
        match = re.fullmatch(_API_VERSION, text.strip())
        if match is None or int(match[1]) != 1:
            raise IndexFailure(
                f"{redact_text(self.base)} speaks version {text.strip()[:20]!r} of the simple API",
                code="INDEX_VERSION",
                hint="this ppm knows version 1: install a newer ppm",
            )

    def build(self) -> ProjectPage:
        """The page, newest release first. A quarantined project offers nothing (PEP 792)."""
        status = self.status if self.status in _STATUSES else "active"
        offered = {} if status == "quarantined" else self._releases
        return ProjectPage(
            name=self._name,
            index=self._index,
            releases=tuple(_release(offered[version]) for version in sorted(offered, reverse=True)),
            skipped=tuple(self._skipped),
            status=status,
        )

    def _identify(self, filename: str) -> tuple[str, Version, str]:
        """Kind, version and the version's normal spelling of a file that belongs here."""
        found = parse_filename(filename)
        if isinstance(found, str):
            raise _UnfitError(found)
        if found.name != self._name:
            raise _UnfitError(f"belongs to the project {found.name}")
        if filename in self._seen:
            raise _UnfitError("is listed twice")
        known = self._versions.get(found.version)
        if known is None:
            try:
                version = Version(found.version)
            except InvalidVersion:
                raise _UnfitError(f"{found.version} is not a version") from None
            known = self._versions[found.version] = version, str(version)
        return found.kind, *known

    def _file_url(self, reference: str) -> str:
        """The absolute URL; a page from the web may not point into this machine's files."""
        plain, _ = split_fragment(reference)
        if re.fullmatch(_PLAIN_URL, plain):
            return plain
        try:
            absolute, _ = split_login(join_url(self.base, plain))
            if is_web(absolute):
                return absolute
        except IndexFailure:
            raise _UnfitError("its URL is none") from None
        if absolute.startswith("file:") and self.base.startswith("file:"):
            return absolute
        raise _UnfitError("its URL leads elsewhere than to the web")


class _UnfitError(Exception):
    """A file that may not be offered; the words say why."""


def _checked_digest(sha256: str) -> str:
    lowered = sha256.lower()
    if lowered and not re.fullmatch(_SHA256, lowered):
        raise _UnfitError("its SHA-256 is none")
    return lowered


def _metadata_digest(offered: str) -> str:
    """A digest by another algorithm, or a broken one, only says that the sibling exists."""
    lowered = offered.lower()
    return lowered if not lowered or re.fullmatch(_SHA256, lowered) else "true"


def filename_of(reference: str) -> str:
    """The last segment of a URL's path, unquoted (``%2B`` is a ``+``)."""
    path = split_fragment(reference)[0].partition("?")[0]
    return unquote(path.rpartition("/")[2])


def _release(files: list[DistributionFile]) -> Release:
    """All files of one version: ``1.0`` and ``1.0.0`` are one, told by the shorter spelling."""
    version = min((file.version for file in files), key=lambda text: (len(text), text))
    return Release(version=version, files=tuple(files))
