"""ZIP archives byte by byte, so that a test can make any single field lie."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

REGULAR = 0o100644
SYMLINK = 0o120777
FOLDER = 0o040755

DEFLATED = 8
STORED = 0


@dataclass(frozen=True)
class Member:
    """One member; ``local`` and ``central`` override fields of the one or the other header.

    Fields: signature, made_by, needed, flags, method, crc, packed, size, name, extra, comment,
    disk, attributes, offset. ``data`` replaces the packed bytes, ``descriptor`` stands behind them.
    """

    name: str
    content: bytes = b"content\n"
    method: int = DEFLATED
    mode: int = REGULAR
    data: bytes | None = None
    descriptor: bytes = b""
    local: dict[str, Any] = field(default_factory=dict)
    central: dict[str, Any] = field(default_factory=dict)


def deflate(content: bytes) -> bytes:
    """A raw deflate stream."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()


def descriptor(content: bytes, packed: int, *, wide: bool = False) -> bytes:
    """A data descriptor with signature."""
    layout = "<4sI2Q" if wide else "<4s3I"
    return struct.pack(layout, b"PK\x07\x08", zlib.crc32(content), packed, len(content))


def local_record(member: Member) -> bytes:
    """Local header, packed bytes and descriptor."""
    values = _values(member) | member.local
    name: bytes = values["name"]
    extra: bytes = values["extra"]
    header = struct.pack(
        "<4s5H3I2H",
        values.get("signature", b"PK\x03\x04"),
        values["needed"],
        values["flags"],
        values["method"],
        0,
        33,
        values["crc"],
        values["packed"],
        values["size"],
        values.get("name_length", len(name)),
        len(extra),
    )
    return header + name + extra + packed_bytes(member) + member.descriptor


def central_record(member: Member, offset: int) -> bytes:
    """Its record in the directory."""
    values = _values(member) | {"offset": offset} | member.central
    name: bytes = values["name"]
    extra: bytes = values["extra"]
    comment: bytes = values["comment"]
    header = struct.pack(
        "<4s6H3I5H2I",
        values.get("signature", b"PK\x01\x02"),
        values["made_by"],
        values["needed"],
        values["flags"],
        values["method"],
        0,
        33,
        values["crc"],
        values["packed"],
        values["size"],
        values.get("name_length", len(name)),
        values.get("extra_length", len(extra)),
        values.get("comment_length", len(comment)),
        values["disk"],
        0,
        values["attributes"],
        values["offset"],
    )
    return header + name + extra + comment


def packed_bytes(member: Member) -> bytes:
    """The member's bytes in the archive."""
    if member.data is not None:
        return member.data
    return deflate(member.content) if member.method == DEFLATED else member.content


def _values(member: Member) -> dict[str, Any]:
    name = member.name.encode("utf-8", "surrogateescape")
    return {
        "made_by": 0x0314,
        "needed": 20,
        "flags": 0 if name.isascii() else 0x800,
        "method": member.method,
        "crc": zlib.crc32(member.content),
        "packed": len(packed_bytes(member)),
        "size": len(member.content),
        "name": name,
        "extra": b"",
        "comment": b"",
        "disk": 0,
        "attributes": member.mode << 16,
    }


def archive(
    members: Sequence[Member],
    *,
    prefix: bytes = b"",
    gap: bytes = b"",
    suffix: bytes = b"",
    comment: bytes = b"",
    shift: bool = False,
    wide: bool = False,
    order: Sequence[int] | None = None,
    end: dict[str, int] | None = None,
    wide_end: dict[str, int] | None = None,
    locator: dict[str, int] | None = None,
    wide_extra: bytes = b"",
) -> bytes:
    """Members, directory and end record.

    Args:
        members: In the order of their bytes.
        prefix: Bytes before all; offsets count them only with ``shift``.
        gap: Bytes between the members and the directory.
        suffix: Bytes behind all.
        comment: The archive's comment.
        shift: See ``prefix``.
        wide: Write ZIP64 end records, with the narrow fields at their maximum.
        order: The order of the directory, if another.
        end: Overrides of the end record: disk, first_disk, here, count, length, offset, comment.
        wide_end: Overrides of the ZIP64 end record: rest, disk, first_disk, here, count, length,
            offset.
        locator: Overrides of the ZIP64 locator: disk, place, disks.
        wide_extra: Extensible data of the ZIP64 end record.
    """
    base = len(prefix) if shift else 0
    body, offsets = b"", []
    for member in members:
        offsets.append(base + len(body))
        body += local_record(member)
    body += gap
    indices = range(len(members)) if order is None else order
    directory = b"".join(central_record(members[i], offsets[i]) for i in indices)
    facts = {
        "disk": 0,
        "first_disk": 0,
        "here": len(members),
        "count": len(members),
        "length": len(directory),
        "offset": base + len(body),
        "comment": len(comment),
    }
    tail = b""
    if wide:
        place = base + len(body) + len(directory)
        tail = _wide_tail(facts | (wide_end or {}), place, locator or {}, wide_extra)
        facts |= {"here": 0xFFFF, "count": 0xFFFF, "length": 0xFFFFFFFF, "offset": 0xFFFFFFFF}
    values = facts | (end or {})
    keys = ("disk", "first_disk", "here", "count", "length", "offset", "comment")
    tail += struct.pack("<4s4H2IH", b"PK\x05\x06", *(values[key] for key in keys))
    return prefix + body + directory + tail + comment + suffix


def _wide_tail(values: dict[str, int], place: int, locator: dict[str, int], extra: bytes) -> bytes:
    keys = ("disk", "first_disk", "here", "count", "length", "offset")
    record = struct.pack(
        "<4sQ2H2I4Q",
        b"PK\x06\x06",
        values.get("rest", 44 + len(extra)),
        45,
        45,
        *(values[key] for key in keys),
    )
    where = {"disk": 0, "place": place, "disks": 1} | locator
    return record + extra + struct.pack("<4sIQI", b"PK\x06\x07", *where.values())


def wide_sizes(size: int, packed: int | None = None, offset: int | None = None) -> bytes:
    """A ZIP64 extra field."""
    values = [value for value in (size, packed, offset) if value is not None]
    return struct.pack(f"<2H{len(values)}Q", 1, 8 * len(values), *values)


def members_of(files: dict[str, bytes], **options: Any) -> list[Member]:
    """A plain member for each file."""
    return [Member(name, content, **options) for name, content in files.items()]
