"""The records of a ZIP file as PKWARE's APPNOTE 6.3.10 lays them out, section 4.3."""

from __future__ import annotations

import struct
from collections.abc import Callable

from ppm.engine.errors import ArtifactError

# read_at(offset, length): that many bytes, fewer only at the end of the file.
ReadAt = Callable[[int, int], bytes]

STORED = 0
DEFLATED = 8

FLAG_DESCRIPTOR = 0x0008
# Encryption: bits 0, 6 and 13.
FLAG_ENCRYPTED = 0x2041
# Deflate's level (1, 2), descriptor (3), UTF-8 (11).
FLAGS_KNOWN = 0x080E

MAX16 = 0xFFFF
MAX32 = 0xFFFFFFFF

# signature, needed, flags, method, time, date, crc, compressed, size, name, extra
LOCAL = struct.Struct("<4s5H3I2H")
# signature, made by, needed, flags, method, time, date, crc, compressed, size, name, extra,
# comment, disk, internal attributes, external attributes, offset
CENTRAL = struct.Struct("<4s6H3I5H2I")
# signature, disk, disk of directory, entries here, entries, directory size, offset, comment
END = struct.Struct("<4s4H2IH")
# signature, size of the rest, made by, needed, disk, disk of directory, entries here, entries,
# directory size, offset
END64 = struct.Struct("<4sQ2H2I4Q")
# signature, disk, offset of END64, disks
LOCATOR64 = struct.Struct("<4sIQI")
EXTRA = struct.Struct("<2H")

LOCAL_SIGNATURE = b"PK\x03\x04"
CENTRAL_SIGNATURE = b"PK\x01\x02"
END_SIGNATURE = b"PK\x05\x06"
END64_SIGNATURE = b"PK\x06\x06"
LOCATOR64_SIGNATURE = b"PK\x06\x07"
DESCRIPTOR_SIGNATURE = b"PK\x07\x08"

EXTRA_ZIP64 = 0x0001
EXTRA_UNICODE_PATH = 0x7075

# Length of a data descriptor to its layout: signature, CRC, sizes of 32 or 64 bits. APPNOTE lets
# the signature be left out; no tool that writes wheels does.
DESCRIPTORS = {16: struct.Struct("<4s3I"), 24: struct.Struct("<4sI2Q")}


def refuse(code: str, message: str) -> ArtifactError:
    """The error for an archive that is not as it should be."""
    return ArtifactError(message, code=code)


def wide_fields(extra: bytes, name: str, fields: tuple[int, ...]) -> tuple[int, ...]:
    """``fields`` (size, compressed size, offset) with those at their maximum read from ZIP64.

    Raises:
        ArtifactError: ``ZIP_EXTRA`` or ``ZIP_ZIP64``.
    """
    body = extra_fields(extra, name).get(EXTRA_ZIP64)
    wanted = fields.count(MAX32)
    if body is None:
        if wanted:
            raise refuse("ZIP_ZIP64", f"{name!a} lacks the ZIP64 sizes that its header points to")
        return fields
    # Some writers add both sizes although they fit the header, too.
    if not wanted and body == struct.pack("<2Q", *fields[:2]):
        return fields
    if len(body) != 8 * wanted:
        raise refuse("ZIP_ZIP64", f"the ZIP64 sizes of {name!a} do not fit its header")
    values = iter(struct.unpack(f"<{wanted}Q", body))
    return tuple(next(values) if field == MAX32 else field for field in fields)


def extra_fields(extra: bytes, name: str) -> dict[int, bytes]:
    """The extra fields by their number.

    Raises:
        ArtifactError: ``ZIP_EXTRA``: cut short, twice the same, or another name than ``name``.
    """
    fields: dict[int, bytes] = {}
    position = 0
    while position < len(extra):
        if position + EXTRA.size > len(extra):
            raise refuse("ZIP_EXTRA", f"{name!a} has an extra field that is cut short")
        number, length = EXTRA.unpack_from(extra, position)
        body = extra[position + EXTRA.size : position + EXTRA.size + length]
        if len(body) != length or number in fields:
            raise refuse(
                "ZIP_EXTRA", f"{name!a} has a broken or repeated extra field {number:#06x}"
            )
        fields[number] = body
        position += EXTRA.size + length
    alias = fields.get(EXTRA_UNICODE_PATH)
    # version, CRC of the header's name, then the name again in UTF-8
    if alias is not None and alias[5:] != name.encode():
        raise refuse("ZIP_EXTRA", f"{name!a} has a second, different name")
    return fields
