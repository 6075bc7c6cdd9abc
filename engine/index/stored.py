"""The bytes of the index cache's entries: a CRC-32, then MessagePack.

The checksum makes a damaged entry a missing one, and lets the files of a release be decoded only
when somebody looks at them. Reading takes time in proportion to the bytes, so what a page repeats
thousands of times is left out: the beginning of its URLs, the file names at their ends, the
versions. A change of any struct in here or in the model raises the format.
"""

from __future__ import annotations

import os
import zlib
from functools import partial
from typing import TypeVar

import msgspec

from ppm.engine.index.model import CoreMetadata, DistributionFile, ProjectPage, Release

_FORMAT = 1
_CHECKSUM_SIZE = 4


class CachedPage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A project on one index; ``page`` is ``None`` where the index does not have the project.

    ``fresh_until`` is in seconds since the epoch, ``lifetime`` the seconds the index allowed, both
    0 where the index must be asked each time.
    """

    page: ProjectPage | None
    etag: str
    last_modified: str
    lifetime: int
    fresh_until: int


class CachedMetadata(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One file's core metadata, or in ``problem`` why it has none that can be used."""

    metadata: CoreMetadata | None
    problem: str


class _StoredFile(msgspec.Struct, array_like=True, gc=False):
    """``url`` stands between the page's prefix and the file name, or ends in ``#`` and is all.

    ``version`` is ``""`` where it is the release's.
    """

    filename: str
    url: str
    kind: str
    version: str
    sha256: bytes
    size: int
    requires_python: str
    yanked: str | None
    upload_time: str
    metadata: str


class _StoredRelease(msgspec.Struct, array_like=True, gc=False):
    version: str
    files: msgspec.Raw


class _StoredPage(msgspec.Struct, array_like=True, gc=False):
    format: int
    etag: str
    last_modified: str
    lifetime: int
    fresh_until: int
    name: str | None
    index: str
    status: str
    prefix: str
    releases: tuple[_StoredRelease, ...]
    skipped: tuple[str, ...]


class _StoredMetadata(msgspec.Struct, array_like=True, gc=False):
    format: int
    metadata: CoreMetadata | None
    problem: str


_Stored = TypeVar("_Stored", _StoredPage, _StoredMetadata)
_PAGE = msgspec.msgpack.Decoder(_StoredPage)
_METADATA = msgspec.msgpack.Decoder(_StoredMetadata)
_FILES = msgspec.msgpack.Decoder(list[_StoredFile])
_ENCODER = msgspec.msgpack.Encoder()


def pack_page(entry: CachedPage) -> bytes:
    """The entry's bytes."""
    page = entry.page
    releases = () if page is None else page.releases
    prefix = _shared_prefix([file for release in releases for file in release.files])
    stored = _StoredPage(
        format=_FORMAT,
        etag=entry.etag,
        last_modified=entry.last_modified,
        lifetime=entry.lifetime,
        fresh_until=entry.fresh_until,
        name=None if page is None else page.name,
        index="" if page is None else page.index,
        status="" if page is None else page.status,
        prefix=prefix,
        releases=tuple(
            _StoredRelease(release.version, msgspec.Raw(_ENCODER.encode(_folded(release, prefix))))
            for release in releases
        ),
        skipped=() if page is None else page.skipped,
    )
    return _sealed(stored)


def unpack_page(data: bytes) -> CachedPage | None:
    """The entry, or ``None`` for bytes that are damaged or of another format."""
    stored = _opened(data, _PAGE)
    if stored is None:
        return None
    page = None
    if stored.name is not None:
        page = ProjectPage(
            name=stored.name,
            index=stored.index,
            releases=tuple(
                Release(version=release.version, files=partial(_unfolded, release, stored.prefix))
                for release in stored.releases
            ),
            skipped=stored.skipped,
            status=stored.status,
        )
    return CachedPage(
        page=page,
        etag=stored.etag,
        last_modified=stored.last_modified,
        lifetime=stored.lifetime,
        fresh_until=stored.fresh_until,
    )


def pack_metadata(entry: CachedMetadata) -> bytes:
    """The entry's bytes."""
    return _sealed(_StoredMetadata(_FORMAT, entry.metadata, entry.problem))


def unpack_metadata(data: bytes) -> CachedMetadata | None:
    """The entry, or ``None`` for bytes that are damaged or of another format."""
    stored = _opened(data, _METADATA)
    if stored is None:
        return None
    return CachedMetadata(metadata=stored.metadata, problem=stored.problem)


def _shared_prefix(files: list[DistributionFile]) -> str:
    heads = [file.url.removesuffix(file.filename) for file in files]
    return os.path.commonprefix(heads)  # noqa: RUF071 - any shared beginning will do


def _folded(release: Release, prefix: str) -> list[_StoredFile]:
    return [
        _StoredFile(
            filename=file.filename,
            url=_folded_url(file, prefix),
            kind=file.kind,
            version="" if file.version == release.version else file.version,
            sha256=bytes.fromhex(file.sha256),
            size=file.size,
            requires_python=file.requires_python,
            yanked=file.yanked,
            upload_time=file.upload_time,
            metadata=file.metadata,
        )
        for file in release.files
    ]


def _folded_url(file: DistributionFile, prefix: str) -> str:
    if file.url.endswith("/" + file.filename):
        return file.url[len(prefix) : -len(file.filename)]
    return file.url + "#"


def _unfolded(release: _StoredRelease, prefix: str) -> tuple[DistributionFile, ...]:
    return tuple(
        DistributionFile(
            filename=file.filename,
            url=file.url[:-1] if file.url.endswith("#") else prefix + file.url + file.filename,
            kind=file.kind,
            version=file.version or release.version,
            sha256=file.sha256.hex(),
            size=file.size,
            requires_python=file.requires_python,
            yanked=file.yanked,
            upload_time=file.upload_time,
            metadata=file.metadata,
        )
        for file in _FILES.decode(release.files)
    )


def _sealed(stored: _StoredPage | _StoredMetadata) -> bytes:
    payload = _ENCODER.encode(stored)
    return zlib.crc32(payload).to_bytes(_CHECKSUM_SIZE) + payload


def _opened(data: bytes, decoder: msgspec.msgpack.Decoder[_Stored]) -> _Stored | None:
    payload = memoryview(data)[_CHECKSUM_SIZE:]
    if zlib.crc32(payload).to_bytes(_CHECKSUM_SIZE) != data[:_CHECKSUM_SIZE]:
        return None
    try:
        stored = decoder.decode(payload)
    except msgspec.MsgspecError:
        return None
    return stored if stored.format == _FORMAT else None
