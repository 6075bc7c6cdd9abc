"""Wheels made to deceive: each is refused with its code and leaves nothing but its own blob.

The decent ones at the end show that the refusals are not for the builder's sake.
"""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import pytest
from support.archives import (
    DEFLATED,
    FOLDER,
    REGULAR,
    STORED,
    SYMLINK,
    Member,
    archive,
    deflate,
    descriptor,
    members_of,
    wide_sizes,
)
from support.broken_wheels import (
    CODE,
    RECORD,
    Case,
    bad_stream,
    bomb,
    both,
    central,
    changed,
    entry_points,
    files,
    hidden_behind_directory,
    local,
    metadata,
    named,
    named_raw,
    overlapping,
    plain,
    plus,
    quoted_overlap,
    record_lines,
    recorded,
    refused_and_nothing_left,
    replaced,
    scripts,
    split_names,
    stored,
    streamed,
    twice,
    understated,
    unicode_alias,
    unpack,
    wheel_file,
    with_member,
    without,
)
from support.wheels import record, wheel_members

from ppm.engine.errors import ArtifactError
from ppm.engine.store.unpack import unpack_wheel
from ppm.engine.store.wheels import WheelStore

STRUCTURE: dict[str, tuple[str, Case]] = {
    "no archive at all": ("ZIP_END", lambda: b"<html>404 not found</html>" * 100),
    "nothing": ("ZIP_END", lambda: b""),
    "half of one": ("ZIP_END", lambda: plain()[: len(plain()) // 2]),
    "a comment": ("ZIP_COMMENT", lambda: plain(comment=b"hello")),
    "a comment that is an end record": (
        "ZIP_PREFIX",
        lambda: plain(comment=b"PK\x05\x06" + bytes(18)),
    ),
    "bytes behind": ("ZIP_SUFFIX", lambda: plain(suffix=b"\0")),
    "another archive behind": ("ZIP_PREFIX", hidden_behind_directory),
    "bytes before": ("ZIP_PREFIX", lambda: plain(prefix=b"#!/bin/sh\n")),
    "bytes before, offsets shifted": (
        "ZIP_PREFIX",
        lambda: plain(prefix=b"#!/bin/sh\n", shift=True),
    ),
    "bytes before the directory": ("ZIP_GAP", lambda: plain(gap=b"hidden")),
    "a whole member that the directory lacks": (
        "ZIP_COUNT",
        lambda: archive(members_of(files()), order=range(4), end={"here": 5, "count": 5}),
    ),
    "a local member that no record names": (
        "ZIP_GAP",
        lambda: archive(members_of(files()), order=[0, 1, 3, 4], end={"here": 4, "count": 4}),
    ),
    "too high a count": ("ZIP_COUNT", lambda: plain(end={"here": 6, "count": 6})),
    "too low a count": ("ZIP_COUNT", lambda: plain(end={"here": 4, "count": 4})),
    "a directory elsewhere": ("ZIP_DIRECTORY", lambda: plain(end={"offset": 10**6})),
    "one part of several": ("ZIP_MULTIDISK", lambda: plain(end={"disk": 1})),
    "counts of parts differ": ("ZIP_MULTIDISK", lambda: plain(end={"here": 4})),
    "a member in another part": ("ZIP_MULTIDISK", lambda: central(disk=1)),
    "no ZIP64 record where one is meant": ("ZIP_ZIP64", lambda: plain(end={"offset": 2**32 - 1})),
    "two end records that disagree": (
        "ZIP_ZIP64",
        lambda: plain(wide=True, end={"count": 4, "here": 4}),
    ),
    "a ZIP64 end with extensible data": ("ZIP_ZIP64", lambda: plain(wide=True, wide_extra=b"more")),
    "a ZIP64 end of odd length": ("ZIP_ZIP64", lambda: plain(wide=True, wide_end={"rest": 43})),
    "a ZIP64 locator that points away": (
        "ZIP_ZIP64",
        lambda: plain(wide=True, locator={"place": 0}),
    ),
    "a ZIP64 locator beyond the end": (
        "ZIP_ZIP64",
        lambda: plain(wide=True, locator={"place": 2**60}),
    ),
    "a ZIP64 end of several parts": ("ZIP_ZIP64", lambda: plain(wide=True, wide_end={"disk": 1})),
    "two records for the same bytes": ("ZIP_DUPLICATE", overlapping),
    "members inside members": ("ZIP_OVERLAP", quoted_overlap),
    "a record with a wrong signature": ("ZIP_DIRECTORY", lambda: central(signature=b"PK\x01\x03")),
    "a record longer than the directory": (
        "ZIP_DIRECTORY",
        lambda: central(extra_length=60_000),
    ),
    "a member that begins nowhere": (
        "ZIP_OVERLAP",
        lambda: archive(changed("demo/data.txt", central={"offset": 5})),
    ),
    "a first member that does not begin the file": ("ZIP_PREFIX", lambda: central(offset=5)),
    "a local header with a wrong signature": (
        "ZIP_HEADERS",
        lambda: local(signature=b"PK\x03\x03"),
    ),
    "two names": ("ZIP_HEADERS", split_names),
    "two lengths of names": ("ZIP_HEADERS", lambda: local(name_length=len(CODE) - 1)),
    "two sizes": ("ZIP_HEADERS", lambda: local(size=1)),
    "two packed sizes": ("ZIP_HEADERS", lambda: local(packed=1)),
    "two checksums": ("ZIP_HEADERS", lambda: local(crc=1)),
    "two methods": ("ZIP_HEADERS", lambda: local(method=STORED)),
    "two sets of flags": ("ZIP_HEADERS", lambda: local(flags=0x800)),
    "open sizes without a descriptor": ("ZIP_HEADERS", lambda: local(crc=0, packed=0, size=0)),
    "a larger packed size": ("ZIP_OVERLAP", lambda: both(packed=10_000)),
    "a smaller packed size": ("ZIP_GAP", lambda: both(packed=3)),
    "a descriptor that disagrees": (
        "ZIP_DESCRIPTOR",
        lambda: streamed(descriptor=descriptor(b"other", 5)),
    ),
    "a descriptor without signature": (
        "ZIP_DESCRIPTOR",
        lambda: streamed(descriptor=descriptor(files()[CODE], 1)[4:]),
    ),
    "no descriptor where one is announced": ("ZIP_DESCRIPTOR", lambda: streamed(descriptor=b"")),
    "a descriptor nobody announced": ("ZIP_GAP", lambda: streamed(local={}, central={})),
    "an unknown method": ("ZIP_METHOD", lambda: both(method=14)),
    "deflate64": ("ZIP_METHOD", lambda: both(method=9)),
    "zstandard": ("ZIP_METHOD", lambda: both(method=93)),
    "encryption": ("ZIP_ENCRYPTED", lambda: both(flags=1)),
    "strong encryption": ("ZIP_ENCRYPTED", lambda: both(flags=0x41)),
    "masked headers": ("ZIP_ENCRYPTED", lambda: both(flags=0x2000)),
    "patched data": ("ZIP_FLAGS", lambda: both(flags=0x20)),
    "a member with a comment": ("ZIP_COMMENT", lambda: central(comment=b"psst")),
    "an extra field cut short": ("ZIP_EXTRA", lambda: central(extra=b"\x01")),
    "an extra field that lies about its length": (
        "ZIP_EXTRA",
        lambda: central(extra=struct.pack("<2H", 0x5455, 99) + b"x"),
    ),
    "an extra field twice": (
        "ZIP_EXTRA",
        lambda: central(extra=struct.pack("<2H", 0x5455, 0) * 2),
    ),
    "ZIP64 sizes twice": ("ZIP_EXTRA", lambda: central(extra=wide_sizes(1, 2) * 2)),
    "another name in an extra field": (
        "ZIP_EXTRA",
        lambda: both(extra=unicode_alias(b"../evil.py")),
    ),
    "ZIP64 sizes nobody points to": ("ZIP_ZIP64", lambda: central(extra=wide_sizes(1, 2))),
    "no ZIP64 sizes where the record points to them": (
        "ZIP_ZIP64",
        lambda: central(size=0xFFFFFFFF),
    ),
    "a symbolic link": (
        "ZIP_FILE_TYPE",
        lambda: with_member(Member("demo/link", b"/etc/passwd", mode=SYMLINK)),
    ),
    "a symbolic link made on a Mac": (
        "ZIP_FILE_TYPE",
        lambda: with_member(Member("demo/link", b"..", mode=SYMLINK, central={"made_by": 19 << 8})),
    ),
    "a device": ("ZIP_FILE_TYPE", lambda: with_member(Member("demo/null", mode=0o020666))),
    "a pipe": ("ZIP_FILE_TYPE", lambda: with_member(Member("demo/pipe", mode=0o010644))),
    "a set-user-id program": (
        "ZIP_FILE_TYPE",
        lambda: with_member(Member("demo/su", mode=0o104755)),
    ),
    "a file that says it is a folder": (
        "ZIP_FILE_TYPE",
        lambda: with_member(Member("demo/folder", mode=FOLDER)),
    ),
    "a folder that says it is a file": (
        "ZIP_FILE_TYPE",
        lambda: with_member(Member("demo/folder/", b"", mode=REGULAR)),
    ),
    "a folder with content": (
        "ZIP_FILE_TYPE",
        lambda: with_member(Member("demo/folder/", b"hidden", mode=FOLDER)),
    ),
    "a name twice": ("ZIP_DUPLICATE", lambda: twice(CODE, b"import os")),
    "damaged data": ("ZIP_DATA", lambda: bad_stream(b"\xff" * 40, 300)),
    "data cut short": ("ZIP_DATA", lambda: bad_stream(deflate(b"x = 1\n" * 50)[:-3], 300)),
    "data behind the stream's end": (
        "ZIP_DATA",
        lambda: bad_stream(deflate(b"x = 1\n" * 50) + b"hidden", 300),
    ),
    "more than declared": ("ZIP_SIZE", lambda: understated(300)),
    "a great deal more than declared": ("ZIP_SIZE", lambda: understated(3 * 2**20)),
    "less than declared": ("ZIP_SIZE", lambda: bad_stream(deflate(b"x = 1\n" * 49), 300)),
    "stored, but of another size": (
        "ZIP_SIZE",
        lambda: bad_stream(files()[CODE], 299, STORED),
    ),
    "a wrong checksum": ("ZIP_CRC", lambda: both(crc=1)),
    "too many members": (
        "ZIP_LIMIT_ENTRIES",
        lambda: plus({f"demo/{number}": b"" for number in range(1000)}),
    ),
    "too many bytes": (
        "ZIP_LIMIT_SIZE",
        lambda: both(size=5 * 2**20),
    ),
    "a bomb": ("ZIP_BOMB", lambda: bomb(3 * 2**20)),
}


NAMES: dict[str, str] = {
    "../evil.py": "PATH_PARENT",
    "demo/../../evil.py": "PATH_PARENT",
    "demo/..": "PATH_PARENT",
    "/etc/evil": "PATH_ABSOLUTE",
    "//server/share/evil": "PATH_ABSOLUTE",
    "demo//evil.py": "PATH_EMPTY",
    "./evil.py": "PATH_DOT",
    "demo/./evil.py": "PATH_DOT",
    "C:evil.py": "PATH_DRIVE",
    "C:/evil.py": "PATH_DRIVE",
    "demo/__init__.py:stream": "PATH_DRIVE",
    "..\\evil.py": "PATH_BACKSLASH",
    "demo\\evil.py": "PATH_BACKSLASH",
    "demo/evil.py\0.txt": "PATH_NUL",
    "demo/evil\n.py": "PATH_CONTROL",
    "demo/\x1b[2Jevil.py": "PATH_CONTROL",
    "demo/evil\x7f.py": "PATH_CONTROL",
    "demo/\x9bevil.py": "PATH_CONTROL",
    "demo/\u202egpj.py": "PATH_CONTROL",
    "demo/ev\u200bil.py": "PATH_CONTROL",
    "demo/\ufeffevil.py": "PATH_CONTROL",
    "demo/evil\u2028.py": "PATH_CONTROL",
    "demo/evil\udcff.py": "PATH_ENCODING",
    "demo/con": "PATH_RESERVED",
    "demo/NUL.txt": "PATH_RESERVED",
    "Aux/evil.py": "PATH_RESERVED",
    "demo/com1.py": "PATH_RESERVED",
    "demo/LPT\u00b9": "PATH_RESERVED",
    "demo/prn .txt": "PATH_RESERVED",
    "demo/conout$": "PATH_RESERVED",
    "demo/evil.": "PATH_TRAILING",
    "demo/evil ": "PATH_TRAILING",
    "demo ./evil.py": "PATH_TRAILING",
    "demo/...": "PATH_TRAILING",
    "demo/__INIT__.py": "PATH_COLLISION",
    "DEMO/other.py": "PATH_COLLISION",
    "demo/data.txt/evil.py": "PATH_FILE_DIRECTORY",
    "Demo/Data.TXT/evil.py": "PATH_FILE_DIRECTORY",
    "demo": "PATH_FILE_DIRECTORY",
    "demo/" + "x" * 256: "PATH_LONG",
    "demo/" + "\u00e9" * 128: "PATH_LONG",
    "demo/" + "x/" * 600 + "y": "PATH_LONG",
}


def own_row_only() -> bytes:
    return recorded(f"{RECORD},,\n")


SEMANTICS: dict[str, tuple[str, Case]] = {
    "no dist-info": ("WHEEL_DIST_INFO", lambda: archive(members_of({CODE: b""}))),
    "two dist-infos": ("WHEEL_DIST_INFO", lambda: named("other-1.0.dist-info/METADATA")),
    "a dist-info in capitals beside it": (
        "WHEEL_DIST_INFO",
        lambda: named("other-1.0.Dist-Info/METADATA"),
    ),
    "a dist-info moved beside it": (
        "WHEEL_DIST_INFO",
        lambda: named("demo-1.0.data/purelib/other-1.0.dist-info/METADATA"),
    ),
    "the dist-info of another project": (
        "WHEEL_NAME",
        lambda: archive(members_of(wheel_members("other", "1.0"))),
    ),
    "the dist-info of another version": (
        "WHEEL_NAME",
        lambda: archive(members_of(wheel_members("demo", "1.1"))),
    ),
    "no METADATA": ("WHEEL_INCOMPLETE", lambda: archive(members_of(files(metadata=None)))),
    "no WHEEL": ("WHEEL_INCOMPLETE", lambda: archive(members_of(files(wheel=None)))),
    "no RECORD": ("WHEEL_INCOMPLETE", lambda: without(RECORD)),
    "METADATA of another project": ("WHEEL_NAME", lambda: metadata(Name="other")),
    "METADATA of another version": ("WHEEL_NAME", lambda: metadata(Version="2.0")),
    "METADATA with a version that is none": ("WHEEL_NAME", lambda: metadata(Version="latest")),
    "METADATA with two names": ("WHEEL_METADATA", lambda: metadata(Name="demo\nName: other")),
    "METADATA without a name": ("WHEEL_METADATA", lambda: metadata(Name="")),
    "METADATA with its name in the description": (
        "WHEEL_METADATA",
        lambda: metadata(Name="", Summary="x\n\nName: demo"),
    ),
    "METADATA of the future": ("WHEEL_METADATA", lambda: metadata(Metadata_Version="3.0")),
    "a format of the future": (
        "WHEEL_VERSION",
        lambda: wheel_file("Wheel-Version: 2.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
    ),
    "a tag that is none": (
        "WHEEL_TAGS",
        lambda: wheel_file("Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none\n"),
    ),
    "no format version": ("WHEEL_VERSION", lambda: wheel_file("Root-Is-Purelib: true\n")),
    "no Root-Is-Purelib": ("WHEEL_PURELIB", lambda: wheel_file("Wheel-Version: 1.0\n")),
    "a Root-Is-Purelib that is no truth value": (
        "WHEEL_PURELIB",
        lambda: wheel_file("Wheel-Version: 1.0\nRoot-Is-Purelib: ../lib\n"),
    ),
    "tags of another interpreter": (
        "WHEEL_TAGS",
        lambda: wheel_file(
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: cp311-cp311-win_amd64\n"
        ),
    ),
    "a file that RECORD lacks": ("RECORD_MISSING", lambda: with_member(Member("demo/evil.py"))),
    "byte code that RECORD lacks": (
        "RECORD_MISSING",
        lambda: with_member(Member("demo/__pycache__/evil.pyc")),
    ),
    "an empty RECORD": ("RECORD_MISSING", lambda: recorded("")),
    "a RECORD of itself": ("RECORD_MISSING", own_row_only),
    "a row without a file": (
        "RECORD_GHOST",
        lambda: recorded("\n".join([*record_lines(), "../../bin/evil,sha256=AA,1", ""])),
    ),
    "a row twice": (
        "RECORD_DUPLICATE",
        lambda: recorded("\n".join([record_lines()[0], *record_lines(), ""])),
    ),
    "a row without a digest": (
        "RECORD_HASH",
        lambda: recorded(",,\n".join(line.split(",")[0] for line in record_lines()) + ",,\n"),
    ),
    "weak digests": (
        "RECORD_HASH",
        lambda: archive(members_of(files() | {RECORD: record(files(), RECORD, "md5")})),
    ),
    "a digest cut short": ("RECORD_HASH", lambda: replaced("sha256=", "sha384=")),
    "a digest that is no base64": ("RECORD_HASH", lambda: replaced("sha256=", "sha256=?")),
    "another size": ("RECORD_SIZE", lambda: replaced(",300\n", ",301\n")),
    "a size that is no number": ("RECORD_SIZE", lambda: replaced(",300\n", ",-300\n")),
    "a row of four columns": ("RECORD_SYNTAX", lambda: replaced(",300\n", ",300,x\n")),
    "a RECORD that is not UTF-8": ("RECORD_SYNTAX", lambda: recorded("\udcff,,\n")),
    "an open quote in RECORD": ("RECORD_SYNTAX", lambda: recorded('"demo')),
    "another digest than the content's": (
        "RECORD_MISMATCH",
        lambda: archive(members_of(files() | {CODE: b"y = 2\n" * 50})),
    ),
    "an unknown scheme": ("WHEEL_DATA", lambda: named("demo-1.0.data/bogus/evil")),
    "a loose file in .data": ("WHEEL_DATA", lambda: named("demo-1.0.data/evil")),
    "the .data of another project": ("WHEEL_DATA", lambda: named("other-1.0.data/scripts/evil")),
    "a .data that hides a module": (
        "WHEEL_COLLISION",
        lambda: named(f"demo-1.0.data/platlib/{CODE}"),
    ),
    "two schemes for one file": (
        "WHEEL_COLLISION",
        lambda: plus({f"demo-1.0.data/{kind}lib/x.py": b"" for kind in ("pure", "plat")}),
    ),
    "a script that points nowhere": ("ENTRY_POINTS", lambda: scripts("run = demo")),
    "a script in another folder": ("ENTRY_POINTS", lambda: scripts("../run = demo:main")),
    "a script called ..": ("PATH_PARENT", lambda: scripts(".. = demo:main")),
    "a script named like a device": ("PATH_RESERVED", lambda: scripts("nul = demo:main")),
    "a script on another drive": ("ENTRY_POINTS", lambda: scripts("c:run = demo:main")),
    "a script with a space": ("ENTRY_POINTS", lambda: scripts("a b = demo:main")),
    "a script without a name": ("ENTRY_POINTS", lambda: scripts("= demo:main")),
    "code in place of a module": (
        "ENTRY_POINTS",
        lambda: scripts("run = os;os.system('id'):main"),
    ),
    "code in place of a function": ("ENTRY_POINTS", lambda: scripts("run = demo:main()")),
    "a line break smuggled in": ("ENTRY_POINTS", lambda: scripts("run = demo:main\x0bimport os")),
    "a keyword for a module": ("ENTRY_POINTS", lambda: scripts("run = import.x:main")),
    "an empty part": ("ENTRY_POINTS", lambda: scripts("run = demo..x:main")),
    "a script twice": ("ENTRY_POINTS", lambda: scripts("run = a:b\nRun = c:d")),
    "a line before any group": ("ENTRY_POINTS", lambda: entry_points("run = demo:main\n")),
    "entry points that are not UTF-8": ("ENTRY_POINTS", lambda: entry_points(b"[x]\n\xff")),
}


HOSTILE: dict[str, tuple[str, Case]] = {
    **STRUCTURE,
    **{ascii(name)[:60]: (code, lambda name=name: named_raw(name)) for name, code in NAMES.items()},
    **SEMANTICS,
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a file above the store, for archives that climb."""
    inner = tmp_path / "above" / "between"
    inner.mkdir(parents=True)
    (tmp_path / "above" / "evil.py").write_bytes(b"untouched")
    return tmp_path / "above"


def test_there_are_at_least_fifty() -> None:
    assert len(HOSTILE) >= 150


@pytest.mark.parametrize(("code", "case"), HOSTILE.values(), ids=HOSTILE)
def test_refused_and_nothing_left(place: Path, code: str, case: Case) -> None:
    refused_and_nothing_left(place, code, case())


def crossed(**fields: object) -> bytes:
    return archive(changed(CODE, **fields))


def sha512_record() -> bytes:
    parts = files()
    return archive(members_of(parts | {RECORD: record(parts, RECORD, "sha512")}))


def signed() -> bytes:
    members = [Member(f"{RECORD}.{kind}", b"signature") for kind in ("jws", "p7s")]
    return archive([*members_of(files()), *members])


def wide_member() -> bytes:
    content = files()[CODE]
    extra = wide_sizes(len(content), len(deflate(content)))
    values = {"size": 0xFFFFFFFF, "packed": 0xFFFFFFFF, "extra": extra}
    return crossed(local=values, central=values)


def wide_local_only() -> bytes:
    content = files()[CODE]
    return crossed(local={"extra": wide_sizes(len(content), len(deflate(content)))})


def times() -> bytes:
    """Extra fields as Info-ZIP writes them: other ones in the two headers."""
    stamp = struct.pack("<2HBI", 0x5455, 5, 1, 0)
    both_stamps = struct.pack("<2HB2I", 0x5455, 9, 3, 0, 0)
    return crossed(local={"extra": both_stamps}, central={"extra": stamp})


DECENT: dict[str, Case] = {
    "plain": plain,
    "stored": lambda: archive(members_of(files(), method=STORED)),
    "ZIP64 end": lambda: plain(wide=True),
    "ZIP64 member": wide_member,
    "ZIP64 sizes where none are needed": wide_local_only,
    "data descriptor": streamed,
    "wide data descriptor": lambda: streamed(
        descriptor=descriptor(files()[CODE], len(deflate(files()[CODE])), wide=True)
    ),
    "data descriptor beside known sizes": lambda: streamed(local={"flags": 8}),
    "directory in another order": lambda: plain(order=[4, 2, 0, 1, 3]),
    "folders": lambda: archive(
        [
            Member("demo/", b"", STORED, FOLDER),
            *members_of(files()),
            Member("empty/", b"", mode=FOLDER),
        ]
    ),
    "made on Windows": lambda: crossed(central={"made_by": 20, "attributes": 0x20}),
    "no mode at all": lambda: crossed(central={"attributes": 0}),
    "time stamps": times,
    "the same name in an extra field": lambda: both(extra=unicode_alias(CODE.encode())),
    "signatures of RECORD": signed,
    "SHA-512": sha512_record,
    "CRLF in RECORD": lambda: replaced("\n", "\r\n"),
    "sizes left out of RECORD": lambda: replaced(",300\n", ",\n"),
    "no row for RECORD itself": lambda: recorded("\n".join(record_lines()[:-1]) + "\n"),
    "a letter beyond ASCII": lambda: plus({"demo/\u00e9t\u00e9/\u6f22\u5b57.py": b"x"}),
    "names that look bad and are not": lambda: plus(
        dict.fromkeys(
            ("demo/..x", "demo/.hidden", "demo/console.py", "demo/a..b", "x/com10.py"), b""
        )
    ),
    "a platform relabelled after the build": lambda: wheel_file(
        "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-linux_x86_64\n"
    ),
    "no tags in WHEEL": lambda: wheel_file("Wheel-Version: 1.9\nRoot-Is-Purelib: TRUE\n"),
    "other groups of entry points": lambda: entry_points(
        "# a comment\n[demo.plugins]\nname with spaces = anything at all\n\n"
        "[console_scripts]\n  run = demo.cli : main.run [extra]\n"
    ),
    "description with header-like lines": lambda: metadata(Summary="x\n\nName: other"),
}


@pytest.mark.parametrize("case", DECENT.values(), ids=DECENT)
def test_decent_wheels_are_unpacked(place: Path, case: Case) -> None:
    store = WheelStore(place / "between" / "store")
    tree = unpack(store, case())
    content = {file.path: file for file in tree.files}
    assert (store.directory(tree.sha256) / CODE).read_bytes() == files()[CODE]
    assert content[CODE].sha256 == hashlib.sha256(files()[CODE]).hexdigest()
    on_disk = {
        path.relative_to(store.directory(tree.sha256)).as_posix()
        for path in store.directory(tree.sha256).rglob("*")
        if path.is_file()
    }
    assert on_disk == set(content)
    assert not {path for path in content if path.startswith(RECORD)}
    assert store.tree(tree.sha256) == tree


def test_the_first_letter_of_unicode_forms_may_not_be_told_apart(place: Path) -> None:
    store = WheelStore(place / "store")
    composed, decomposed = "demo/caf\u00e9.py", "demo/cafe\u0301.py"
    with pytest.raises(ArtifactError) as caught:
        unpack(store, plus({composed: b"1", decomposed: b"2"}))
    assert caught.value.code == "PATH_COLLISION"


@pytest.mark.parametrize(
    ("filename", "name", "version", "code"),
    [
        ("demo-1.0-py3-none-any.whl", "other", "1.0", "WHEEL_NAME"),
        ("demo-1.0-py3-none-any.whl", "demo", "2.0", "WHEEL_NAME"),
        ("demo-1.0.whl", "demo", "1.0", "WHEEL_FILENAME"),
        ("demo.zip", "demo", "1.0", "WHEEL_FILENAME"),
        ("../demo-1.0-py3-none-any.whl", "demo", "1.0", "WHEEL_FILENAME"),
    ],
)
def test_it_must_be_what_was_asked_for(
    place: Path, filename: str, name: str, version: str, code: str
) -> None:
    store = WheelStore(place / "store")
    sha256 = stored(store, plain())
    with pytest.raises(ArtifactError) as caught:
        unpack_wheel(store, sha256, filename, name, version)
    assert caught.value.code == code


def test_spelling_of_name_and_version_does_not_matter(place: Path) -> None:
    store = WheelStore(place / "store")
    parts = wheel_members("Big.Demo", "1.0")
    sha256 = stored(store, archive(members_of(parts)))
    tree = unpack_wheel(store, sha256, "Big_Demo-1.0-py3-none-any.whl", "big-DEMO", "1.0.0")
    assert (tree.name, tree.version) == ("big-demo", "1.0.0")


def test_deflated_members_are_what_they_say(place: Path) -> None:
    assert unpack(WheelStore(place / "store"), archive(members_of(files(), method=DEFLATED)))
