"""A decent wheel, byte by byte, and the ways to spoil it."""

from __future__ import annotations

import dataclasses
import hashlib
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from support.archives import DEFLATED, STORED, Member, archive, deflate, descriptor, members_of
from support.wheels import record, wheel_members

from ppm.engine.errors import ArtifactError
from ppm.engine.store.archive import Limits
from ppm.engine.store.model import WheelTree
from ppm.engine.store.unpack import unpack_wheel
from ppm.engine.store.wheels import WheelStore

FILENAME = "demo-1.0-py3-none-any.whl"
INFO = "demo-1.0.dist-info"
RECORD = f"{INFO}/RECORD"
CODE = "demo/__init__.py"
LIMITS = Limits(entries=1000, total=4 * 2**20, suspicious=2**20, ratio=50)

Case = Callable[[], bytes]


def files(**changed: bytes | None) -> dict[str, bytes]:
    """The files of a decent wheel, RECORD fitting what was changed or, if ``None``, left out."""
    parts = wheel_members("demo", "1.0", files={CODE: b"x = 1\n" * 50, "demo/data.txt": b"data"})
    for key, content in changed.items():
        parts.pop(PATHS[key], None)
        if content is not None:
            parts[PATHS[key]] = content
    return with_record(parts)


PATHS = {
    "metadata": f"{INFO}/METADATA",
    "wheel": f"{INFO}/WHEEL",
    "entry_points": f"{INFO}/entry_points.txt",
}


def with_record(parts: dict[str, bytes]) -> dict[str, bytes]:
    parts.pop(RECORD, None)
    return parts | {RECORD: record(parts, RECORD)}


def plus(more: dict[str, bytes]) -> bytes:
    """A wheel with more files, all in RECORD."""
    return archive(members_of(with_record(files() | more)))


def changed(path: str, **fields: object) -> list[Member]:
    """A wheel's members with one of them changed."""
    return [
        dataclasses.replace(member, **fields) if member.name == path else member
        for member in members_of(files())
    ]


def local(**values: object) -> bytes:
    """A wheel one of whose local headers lies."""
    return archive(changed(CODE, local=values))


def central(**values: object) -> bytes:
    """A wheel one of whose directory records lies."""
    return archive(changed(CODE, central=values))


def both(**values: object) -> bytes:
    """A wheel one of whose members is strange, but agrees with itself."""
    return archive(changed(CODE, local=values, central=values))


def named(name: str) -> bytes:
    """A wheel with one more file, which RECORD lists."""
    return plus({name: b"evil"})


def recorded(text: str) -> bytes:
    """A wheel with another RECORD."""
    return archive(members_of(files() | {RECORD: text.encode("utf-8", "surrogateescape")}))


def record_lines() -> list[str]:
    return files()[RECORD].decode().splitlines()


def replaced(old: str, new: str) -> bytes:
    text = "\n".join(record_lines()) + "\n"
    assert old in text
    return recorded(text.replace(old, new))


def metadata(**fields: str) -> bytes:
    values = {"Metadata-Version": "2.1", "Name": "demo", "Version": "1.0"} | {
        key.replace("_", "-"): value for key, value in fields.items()
    }
    text = "".join(f"{key}: {value}\n" for key, value in values.items() if value)
    return archive(members_of(files(metadata=text.encode())))


def wheel_file(text: str) -> bytes:
    return archive(members_of(files(wheel=text.encode())))


def entry_points(text: str | bytes) -> bytes:
    data = text if isinstance(text, bytes) else text.encode()
    return archive(members_of(files(entry_points=data)))


def scripts(line: str) -> bytes:
    return entry_points(f"[console_scripts]\n{line}\n")


def plain(**options: object) -> bytes:
    """A decent wheel, with lies about the archive as a whole."""
    return archive(members_of(files()), **options)  # type: ignore[arg-type]


def with_member(member: Member) -> bytes:
    return archive([*members_of(files()), member])


def without(path: str) -> bytes:
    return archive([member for member in members_of(files()) if member.name != path])


def twice(path: str, content: bytes) -> bytes:
    return with_member(Member(path, content))


def overlapping() -> bytes:
    """Two directory records for one local header's bytes."""
    members = members_of(files())
    return archive([*members, dataclasses.replace(members[1], central={"offset": 0})])


def quoted_overlap() -> bytes:
    """Fifield's bomb in small: a member whose data is the next member, headers and all."""
    first, second, *rest = members_of(files(), method=STORED)
    inner = archive([second], end={"offset": 0})[: 30 + len(second.name) + len(second.content)]
    outer = dataclasses.replace(first, content=inner, data=inner)
    lying = dataclasses.replace(second, central={"offset": 30 + len(first.name)})
    return archive([outer, lying, *rest])


def hidden_behind_directory() -> bytes:
    """An archive behind an archive: which end record is the end?"""
    return plain() + archive(members_of({"evil.py": b"import os"}))


def split_names() -> bytes:
    """Local header and directory name different files: a streaming reader unpacks the other."""
    return archive(changed(CODE, local={"name": b"demo/__evil__.py"}))


def bad_stream(data: bytes, size: int, method: int = DEFLATED) -> bytes:
    """A member with other packed bytes; RECORD leaves its size open."""
    parts = files()
    parts[RECORD] = parts[RECORD].replace(b",300\n", b",\n")
    lie = {"size": size}
    return archive(
        [
            dataclasses.replace(member, method=method, data=data, local=lie, central=lie)
            if member.name == CODE
            else member
            for member in members_of(parts)
        ]
    )


def bomb(size: int) -> bytes:
    return plus({"demo/zeros": bytes(size)})


def understated(size: int) -> bytes:
    """A member that says it is small and inflates to much more."""
    return bad_stream(deflate(bytes(size)), 10)


def unicode_alias(name: bytes) -> bytes:
    body = b"\x01" + struct.pack("<I", zlib.crc32(CODE.encode())) + name
    return struct.pack("<2H", 0x7075, len(body)) + body


def streamed(**changes: object) -> bytes:
    """A member with a data descriptor, as a writer that cannot seek leaves it."""
    content = files()[CODE]
    packed = len(deflate(content))
    options: dict[str, object] = {
        "descriptor": descriptor(content, packed),
        "local": {"flags": 8, "crc": 0, "packed": 0, "size": 0},
        "central": {"flags": 8},
    }
    return archive(changed(CODE, **(options | changes)))


def named_raw(name: str) -> bytes:
    """A wheel with one more file whose name may be no UTF-8."""
    return with_member(Member(name, b"evil"))


def everything_below(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def stored(store: WheelStore, data: bytes) -> str:
    sha256 = hashlib.sha256(data).hexdigest()
    with store.blobs.incoming() as incoming:
        incoming.write(data)
        incoming.commit(sha256)
    return sha256


def unpack(store: WheelStore, data: bytes) -> WheelTree:
    sha256 = stored(store, data)
    return unpack_wheel(store, sha256, FILENAME, "demo", "1.0", limits=LIMITS)


def refused_and_nothing_left(place: Path, code: str, data: bytes) -> None:
    """Check that the wheel ``data`` is refused with ``code`` and leaves ``place`` as it was."""
    store = WheelStore(place / "between" / "store")
    sha256 = stored(store, data)
    (store.root / "wheels").mkdir()
    before = everything_below(place)
    with pytest.raises(ArtifactError) as caught:
        unpack_wheel(store, sha256, FILENAME, "demo", "1.0", limits=LIMITS)
    assert (caught.value.code, str(caught.value)) == (code, caught.value.message)
    assert caught.value.message.isprintable()
    assert everything_below(place) == before
