"""Core metadata (METADATA, PKG-INFO) read into what resolving needs."""

from __future__ import annotations

import hashlib

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from ppm.engine.index.failures import invalid_metadata
from ppm.engine.index.filenames import FileName, parse_filename
from ppm.engine.index.headers import read_headers
from ppm.engine.index.model import CoreMetadata

MAX_METADATA_SIZE = 16 << 20

_REQUIRED = ("metadata-version", "name", "version")
_SINGLE = (*_REQUIRED, "requires-python")
_RESOLVING = frozenset({"requires-python", "requires-dist", "provides-extra"})
_KNOWN_MAJOR = 2
_STATIC_SINCE = (2, 2)


def parse_metadata(data: bytes, *, filename: str, origin: str) -> CoreMetadata:
    """Read METADATA and hold it against the name of the file it belongs to.

    Requirements are passed on as written: most of them are for extras that nobody asks for, and
    the resolver leaves a version out whose requirements it needs and cannot parse.

    Args:
        data: The bytes of METADATA or PKG-INFO.
        filename: The distribution file's name.
        origin: The rung of the ladder, as in :class:`CoreMetadata`.

    Raises:
        IndexFailure: ``INVALID_METADATA``.
    """
    raw = _raw(data, filename)
    metadata = CoreMetadata(
        name=canonicalize_name(raw["name"][0]),
        version=_version(raw["version"][0], filename),
        requires_python=_requires_python(raw.get("requires-python", [""])[0], filename),
        requires_dist=tuple(" ".join(text.split()) for text in raw.get("requires-dist", ())),
        provides_extra=tuple(
            dict.fromkeys(canonicalize_name(extra) for extra in raw.get("provides-extra", ()))
        ),
        origin=origin,
        sha256=hashlib.sha256(data).hexdigest(),
    )
    check_identity(metadata, filename)
    return metadata


def parse_static_metadata(data: bytes, *, filename: str) -> CoreMetadata | None:
    """Read a source distribution's PKG-INFO, if what resolving needs is static in it (PEP 643).

    Raises:
        IndexFailure: ``INVALID_METADATA``.
    """
    raw = _raw(data, filename)
    dynamic = {field.lower() for field in raw.get("dynamic", ())}
    version = _metadata_version(raw["metadata-version"][0], filename)
    if version < _STATIC_SINCE or dynamic & _RESOLVING:
        return None
    return parse_metadata(data, filename=filename, origin="sdist")


def check_identity(metadata: CoreMetadata, filename: str) -> None:
    """Refuse metadata of another project or version than the file's name tells.

    Raises:
        IndexFailure: ``INVALID_METADATA``.
    """
    found = parse_filename(filename)
    if not isinstance(found, FileName):
        raise invalid_metadata(filename, found)
    if metadata.name != found.name:
        raise invalid_metadata(filename, f"its metadata names the project {metadata.name}")
    if Version(metadata.version) != Version(found.version):
        raise invalid_metadata(filename, f"its metadata names the version {metadata.version}")


def _raw(data: bytes, filename: str) -> dict[str, list[str]]:
    """The headers, with each one that has a single value not given twice."""
    if len(data) > MAX_METADATA_SIZE:
        raise invalid_metadata(filename, "its metadata is too large")
    try:
        headers = read_headers(data)
    except UnicodeDecodeError as error:
        raise invalid_metadata(filename, "its metadata is not UTF-8") from error
    for name in _REQUIRED:
        if not headers.get(name, [""])[0]:
            raise invalid_metadata(filename, f"its metadata has no {name}")
    for name in _SINGLE:
        if len(headers.get(name, ())) > 1:
            raise invalid_metadata(filename, f"its metadata has more than one {name}")
    if _metadata_version(headers["metadata-version"][0], filename)[0] > _KNOWN_MAJOR:
        raise invalid_metadata(filename, "its metadata is in a format this ppm does not know")
    return headers


def _metadata_version(text: str, filename: str) -> tuple[int, int]:
    major, _, minor = text.strip().partition(".")
    if not (major.isdecimal() and minor.isdecimal() and len(text) < 10):  # noqa: PLR2004 - bound
        raise invalid_metadata(filename, "its metadata has a malformed metadata-version")
    return int(major), int(minor)


def _version(text: str, filename: str) -> str:
    try:
        return str(Version(text))
    except InvalidVersion as error:
        raise invalid_metadata(filename, f"its metadata names the version {text[:60]}") from error


def _requires_python(text: str, filename: str) -> str:
    try:
        SpecifierSet(text)
    except InvalidSpecifier as error:
        raise invalid_metadata(filename, f"its Requires-Python is invalid: {text[:60]}") from error
    return text.strip()
