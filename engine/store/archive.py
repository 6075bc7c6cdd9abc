"""A strict reader of ZIP archives: what two readers could take for two things is refused.

Works over any ``read_at``, a file or HTTP ranges alike: :func:`read_directory` needs the end of the
archive only, :func:`locate` looks at every local header as well, :func:`read_member` at one member.
Every byte of an archive that :func:`locate` passed belongs to exactly one record, in the order
members, directory, end, so nothing can hide before, between, behind or below another.
"""

from __future__ import annotations

import os
import stat
import struct
from collections import Counter

import msgspec

from ppm.engine.errors import ArtifactError
from ppm.engine.store import inflate, zipformat
from ppm.engine.store.paths import check_paths
from ppm.engine.store.zipformat import MAX16, MAX32, ReadAt, refuse

_UNIX = 3
_SMALL = 8 * 2**20
_FOLDER_ATTRIBUTE = 0x10
_SPECIAL_BITS = stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX


class Limits(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How large an archive may be before it is taken for an attack.

    ``entries`` counts members, ``directory`` the bytes of the central directory, ``total`` those
    unpacked; above ``suspicious`` bytes unpacked, more than ``ratio`` times the packed size is a
    bomb.
    """

    entries: int = 200_000
    directory: int = 64 * 2**20
    total: int = 64 * 2**30
    suspicious: int = 64 * 2**20
    ratio: int = 50


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One member as the central directory has it; a folder's ``path`` ends with a slash.

    ``offset`` is that of the local header, ``mode`` the Unix mode or 0.
    """

    path: str
    flags: int
    method: int
    crc: int
    compressed_size: int
    size: int
    offset: int
    mode: int

    @property
    def is_directory(self) -> bool:
        """Whether it is a folder."""
        return self.path.endswith("/")


class Directory(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The central directory; ``offset`` is where it begins."""

    entries: tuple[Entry, ...]
    offset: int


def file_reader(descriptor: int, size: int) -> ReadAt:
    """``read_at`` over an open file of ``size`` bytes; a small one is read once, all of it."""
    if size <= _SMALL:
        content = os.pread(descriptor, size, 0)
        if len(content) == size:
            return lambda offset, length: content[offset : offset + length]

    def read_at(offset: int, length: int) -> bytes:
        return os.pread(descriptor, length, offset)

    return read_at


def read_directory(read_at: ReadAt, size: int, limits: Limits) -> Directory:
    """The members of the archive of ``size`` bytes, names and limits checked.

    Raises:
        ArtifactError: A ``ZIP_…`` or ``PATH_…`` code.
    """
    count, length, offset, end = _find_directory(read_at, size)
    if offset + length != end:
        code = "ZIP_PREFIX" if offset + length < end else "ZIP_DIRECTORY"
        raise refuse(code, "the archive's directory is not where its end record says")
    if count > limits.entries or length > limits.directory:
        raise refuse("ZIP_LIMIT_ENTRIES", f"the archive has {count} members")
    if count * zipformat.CENTRAL.size > length:
        raise refuse("ZIP_COUNT", f"the archive's directory is too short for {count} members")
    entries = _parse_entries(read_at(offset, length), length, count)
    _check_totals(entries, size, limits)
    _check_names(entries)
    return Directory(entries=entries, offset=offset)


def _find_directory(read_at: ReadAt, size: int) -> tuple[int, int, int, int]:
    """Number of members, length and offset of the directory, and the offset where it must end."""
    place = size - zipformat.END.size
    tail = read_at(place, zipformat.END.size) if place >= 0 else b""
    if tail[:4] != zipformat.END_SIGNATURE or tail[-2:] != b"\0\0":
        raise _explain_end(read_at, size)
    _, disk, first_disk, here, count, length, offset, _ = zipformat.END.unpack(tail)
    if disk not in {0, MAX16} or first_disk not in {0, MAX16} or here != count:
        raise refuse("ZIP_MULTIDISK", "the archive says that it is one part of several")
    locator_place = place - zipformat.LOCATOR64.size
    locator = read_at(locator_place, zipformat.LOCATOR64.size) if locator_place >= 0 else b""
    if locator[:4] == zipformat.LOCATOR64_SIGNATURE:
        return _find_directory64(read_at, locator, locator_place, (count, length, offset))
    if MAX16 in {disk, first_disk, count} or MAX32 in {length, offset}:
        raise refuse("ZIP_ZIP64", "the archive lacks the ZIP64 record that its end points to")
    return count, length, offset, place


def _find_directory64(
    read_at: ReadAt, locator: bytes, locator_place: int, narrow: tuple[int, int, int]
) -> tuple[int, int, int, int]:
    _, disk, place, disks = zipformat.LOCATOR64.unpack(locator)
    record = read_at(place, zipformat.END64.size) if place < locator_place else b""
    if (
        len(record) != zipformat.END64.size
        or record[:4] != zipformat.END64_SIGNATURE
        or place + zipformat.END64.size != locator_place
        or disk != 0
        or disks != 1
    ):
        raise refuse("ZIP_ZIP64", "the archive's ZIP64 end record is not where it must be")
    _, rest, _, _, disk, first_disk, here, count, length, offset = zipformat.END64.unpack(record)
    if rest != zipformat.END64.size - 12 or disk or first_disk or here != count:
        raise refuse("ZIP_ZIP64", "the archive's ZIP64 end record is not consistent")
    for value, wide, most in zip(
        narrow, (count, length, offset), (MAX16, MAX32, MAX32), strict=True
    ):
        if value not in {wide, most}:
            raise refuse("ZIP_ZIP64", "the archive's two end records disagree")
    return count, length, offset, place


def _explain_end(read_at: ReadAt, size: int) -> ArtifactError:
    """Why the last bytes are no end record without comment."""
    start = max(0, size - zipformat.END.size - MAX16)
    tail = read_at(start, size - start)
    place = tail.rfind(zipformat.END_SIGNATURE)
    if place < 0 or len(tail) - place < zipformat.END.size:
        return refuse("ZIP_END", "the file is no ZIP archive, or its end is missing")
    comment = zipformat.END.unpack_from(tail, place)[-1]
    if place + zipformat.END.size + comment == len(tail):
        return refuse("ZIP_COMMENT", "the archive carries a comment")
    return refuse("ZIP_SUFFIX", "there are bytes behind the end of the archive")


def _parse_entries(data: bytes, length: int, count: int) -> tuple[Entry, ...]:
    entries: list[Entry] = []
    position = 0
    try:
        for _ in range(count):
            entry, position = _parse_entry(data, position)
            entries.append(entry)
    except struct.error:
        code = "ZIP_COUNT" if position == length else "ZIP_DIRECTORY"
        raise refuse(code, "the archive's directory holds less than its end record says") from None
    if position != length or len(data) != length:
        raise refuse("ZIP_COUNT", "the archive's directory holds more than its end record says")
    return tuple(entries)


def _parse_entry(data: bytes, position: int) -> tuple[Entry, int]:
    """The entry at ``position`` and where the next begins. Runs for every member: kept lean."""
    (
        signature, made_by, _, flags, method, _, _, crc, compressed_size, size,
        name_length, extra_length, comment_length, disk, _, attributes, offset,
    ) = zipformat.CENTRAL.unpack_from(data, position)  # fmt: skip
    start = position + 46
    end = start + name_length
    try:
        path = str(data[start:end], "utf-8")
    except UnicodeDecodeError:
        raise refuse("PATH_ENCODING", f"a name is not UTF-8: {data[start:end]!a}") from None
    if signature != zipformat.CENTRAL_SIGNATURE or len(data) < end + extra_length:
        raise refuse("ZIP_DIRECTORY", "the archive's directory is broken")
    if extra_length or MAX32 in (compressed_size, size, offset):
        extra = data[end : end + extra_length]
        size, compressed_size, offset = zipformat.wide_fields(
            extra, path, (size, compressed_size, offset)
        )
    mode = attributes >> 16
    entry = Entry(path, flags, method, crc, compressed_size, size, offset, mode)
    if disk or comment_length or flags & ~zipformat.FLAGS_KNOWN or method not in {0, 8}:
        raise _explain_entry(entry, disk, comment_length)
    # The usual case: a regular file with ordinary permissions.
    if (mode & 0o177000) != stat.S_IFREG or attributes & _FOLDER_ATTRIBUTE or path[-1:] == "/":
        _check_kind(entry, attributes, unix=made_by >> 8 == _UNIX)
    return entry, end + extra_length


def _explain_entry(entry: Entry, disk: int, comment_length: int) -> ArtifactError:
    name = ascii(entry.path)
    if disk:
        return refuse("ZIP_MULTIDISK", f"{name} is said to be in another part of the archive")
    if comment_length:
        return refuse("ZIP_COMMENT", f"{name} carries a comment")
    if entry.flags & zipformat.FLAG_ENCRYPTED:
        return refuse("ZIP_ENCRYPTED", f"{name} is encrypted")
    if entry.method not in {zipformat.STORED, zipformat.DEFLATED}:
        return refuse("ZIP_METHOD", f"{name} is compressed by method {entry.method}")
    return refuse("ZIP_FLAGS", f"{name} has unknown flags {entry.flags:#06x}")


def _check_kind(entry: Entry, attributes: int, *, unix: bool) -> None:
    """Files and folders only, each called what it is."""
    kind = stat.S_IFMT(entry.mode)
    folder = entry.is_directory
    allowed = {0, stat.S_IFDIR if folder else stat.S_IFREG}
    if kind not in allowed or (attributes & _FOLDER_ATTRIBUTE and not folder):
        raise refuse("ZIP_FILE_TYPE", f"{entry.path!a} is no regular file and no folder")
    if unix and entry.mode & _SPECIAL_BITS:
        raise refuse("ZIP_FILE_TYPE", f"{entry.path!a} has a set-id or sticky bit")
    # Two bytes are an empty deflate stream, which some tools write for a folder.
    if folder and (entry.size or entry.crc or entry.compressed_size > 2):  # noqa: PLR2004 - see above
        raise refuse("ZIP_FILE_TYPE", f"the folder {entry.path!a} has content")


def _check_totals(entries: tuple[Entry, ...], archive_size: int, limits: Limits) -> None:
    total = sum([entry.size for entry in entries])
    if total > limits.total:
        raise refuse("ZIP_LIMIT_SIZE", f"the archive unpacks to {total} bytes")
    if total > limits.suspicious and total > limits.ratio * archive_size:
        raise refuse("ZIP_BOMB", f"{archive_size} bytes unpack to {total}")


def _check_names(entries: tuple[Entry, ...]) -> None:
    names = [entry.path for entry in entries]
    if len(set(names)) != len(names):
        twice = next(name for name, count in Counter(names).items() if count > 1)
        raise refuse("ZIP_DUPLICATE", f"the archive holds {twice!a} twice")
    files = [name for name in names if name[-1:] != "/"]
    check_paths(files, [name[:-1] for name in names if name[-1:] == "/"])


def locate(read_at: ReadAt, directory: Directory) -> list[int]:
    """Where each entry's data begins, after comparing all local headers with the directory.

    Raises:
        ArtifactError: ``ZIP_HEADERS``, ``ZIP_DESCRIPTOR``, ``ZIP_PREFIX``, ``ZIP_GAP`` or
            ``ZIP_OVERLAP``.
    """
    entries = directory.entries
    order = sorted(range(len(entries)), key=lambda index: entries[index].offset)
    bounds = [*(entries[index].offset for index in order), directory.offset]
    if bounds[0] != 0:
        raise refuse("ZIP_PREFIX", "there are bytes before the first member")
    starts = [0] * len(entries)
    for index, following in zip(order, bounds[1:], strict=True):
        entry = entries[index]
        starts[index] = start = data_offset(read_at, entry)
        rest = following - start - entry.compressed_size
        if rest or entry.flags & zipformat.FLAG_DESCRIPTOR:
            _check_rest(entry, read_at(following - rest, rest) if rest > 0 else b"", rest)
    return starts


def _check_rest(entry: Entry, rest: bytes, length: int) -> None:
    """What stands between an entry's data and the next record: its descriptor or nothing."""
    name = ascii(entry.path)
    if length < 0:
        raise refuse("ZIP_OVERLAP", f"{name} runs into the record behind it")
    if not entry.flags & zipformat.FLAG_DESCRIPTOR:
        raise refuse("ZIP_GAP", f"there are bytes behind {name} that belong to no member")
    layout = zipformat.DESCRIPTORS.get(length)
    expected = (zipformat.DESCRIPTOR_SIGNATURE, entry.crc, entry.compressed_size, entry.size)
    if layout is None or layout.unpack(rest) != expected:
        raise refuse("ZIP_DESCRIPTOR", f"the data descriptor of {name} differs or is missing")


def data_offset(read_at: ReadAt, entry: Entry) -> int:
    """Where the data of one entry begins; raises ``ZIP_HEADERS`` if its local header differs."""
    raw = entry.path.encode()
    place = entry.offset + zipformat.LOCAL.size + len(raw)
    header = read_at(entry.offset, place - entry.offset)
    if len(header) != place - entry.offset:
        raise refuse("ZIP_HEADERS", f"the local header of {entry.path!a} is cut short")
    (
        signature, _, flags, method, _, _, crc, compressed_size, size, name_length, extra_length,
    ) = zipformat.LOCAL.unpack_from(header)  # fmt: skip
    if extra_length:
        extra = read_at(place, extra_length)
        size, compressed_size = zipformat.wide_fields(extra, entry.path, (size, compressed_size))
        place += extra_length
    same_sizes = (
        size == entry.size and compressed_size == entry.compressed_size and crc == entry.crc
    )
    # With a descriptor behind the data, the header may leave these open.
    left_open = flags & zipformat.FLAG_DESCRIPTOR and size == compressed_size == crc == 0
    if (
        signature != zipformat.LOCAL_SIGNATURE
        or name_length != len(raw)
        or not header.endswith(raw)
        or flags != entry.flags
        or method != entry.method
        or not (same_sizes or left_open)
    ):
        raise refuse(
            "ZIP_HEADERS", f"the local header of {entry.path!a} differs from the directory"
        )
    return place


def read_member(read_at: ReadAt, entry: Entry, limit: int) -> bytes:
    """The content of a small member, its local header, size and CRC checked.

    Raises:
        ArtifactError: ``ZIP_LIMIT_SIZE`` above ``limit`` bytes, else as :func:`data_offset` and
            :func:`ppm.engine.store.inflate.whole`.
    """
    if max(entry.size, entry.compressed_size) > limit:
        raise refuse("ZIP_LIMIT_SIZE", f"{entry.path!a} has {entry.size} bytes")
    data = read_at(data_offset(read_at, entry), entry.compressed_size)
    return inflate.whole(data, entry)
