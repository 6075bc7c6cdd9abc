"""What a wheel means: one distribution that agrees with itself, turned into a plan to unpack it.

Follows the binary distribution format; where that leaves a choice, the strict one is taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import msgspec
from packaging.tags import parse_tag
from packaging.utils import (
    InvalidWheelFilename,
    NormalizedName,
    canonicalize_name,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from ppm.engine.errors import ArtifactError
from ppm.engine.store.archive import Directory, Entry, Limits, locate, read_directory, read_member
from ppm.engine.store.entry_points import read_entry_points
from ppm.engine.store.model import EntryPoint
from ppm.engine.store.record import Recorded, read_record
from ppm.engine.store.zipformat import ReadAt

SCHEMES = frozenset({"purelib", "platlib", "headers", "scripts", "data"})
_LARGEST_METADATA = 64 * 2**20
_EXECUTABLE = 0o111
_HEADER = re.compile(r"([^\s:]+):[ \t]*(.*)")


class PlannedFile(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One file to unpack: where its packed bytes begin and everything they must agree with.

    ``digest`` is what RECORD says, in hexadecimal, by ``algorithm``.
    """

    path: str
    start: int
    method: int
    compressed_size: int
    size: int
    crc: int
    executable: bool
    algorithm: str
    digest: str


class WheelPlan(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A wheel that may be unpacked: ``files`` in the order of the archive."""

    name: str
    version: str
    dist_info: str
    purelib: bool
    entry_points: tuple[EntryPoint, ...]
    files: tuple[PlannedFile, ...]


class Identity(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a wheel must be: file name, project name and version, these two normalised."""

    filename: str
    name: str
    version: str


def wheel_identity(filename: str, name: str, version: str) -> Identity:
    """What a wheel must be, from any spelling of name and version."""
    return Identity(filename=filename, name=canonicalize_name(name), version=str(Version(version)))


def plan_wheel(read_at: ReadAt, size: int, identity: Identity, limits: Limits) -> WheelPlan:
    """Check the whole wheel except the content of its files, and say what to unpack.

    Args:
        read_at: The archive.
        size: Its bytes.
        identity: What it was downloaded as.
        limits: How large it may be.

    Raises:
        ArtifactError: A ``ZIP_…``, ``PATH_…``, ``WHEEL_…``, ``RECORD_…`` or ``ENTRY_POINTS`` code.
    """
    directory = read_directory(read_at, size, limits)
    starts = locate(read_at, directory)
    entries = {entry.path: entry for entry in directory.entries}
    dist_info = _dist_info(directory, identity)

    def content(name: str) -> bytes | None:
        entry = entries.get(f"{dist_info}/{name}")
        return None if entry is None else read_member(read_at, entry, _LARGEST_METADATA)

    def required(name: str) -> bytes:
        data = content(name)
        if data is None:
            raise _refusal("WHEEL_INCOMPLETE", f"the wheel has no {dist_info}/{name}")
        return data

    check_metadata(required("METADATA"), identity)
    purelib = _check_wheel_file(required("WHEEL"), identity)
    sizes = {path: entry.size for path, entry in entries.items() if not entry.is_directory}
    own_path = f"{dist_info}/RECORD"
    rows = read_record(required("RECORD"), own_path, sizes)
    _check_data(sizes, dist_info)
    return WheelPlan(
        name=identity.name,
        version=identity.version,
        dist_info=dist_info,
        purelib=purelib,
        entry_points=read_entry_points(content("entry_points.txt") or b""),
        files=_planned_files(directory.entries, starts, rows),
    )


def _planned_files(
    entries: Iterable[Entry], starts: Iterable[int], rows: Mapping[str, Recorded]
) -> tuple[PlannedFile, ...]:
    """Every file that RECORD speaks for, without shipped byte code: PPM compiles its own."""
    planned: list[PlannedFile] = []
    for entry, start in zip(entries, starts, strict=True):
        row = rows.get(entry.path)
        if row is None or "__pycache__" in entry.path.split("/"):
            continue
        planned.append(
            PlannedFile(
                entry.path,
                start,
                entry.method,
                entry.compressed_size,
                entry.size,
                entry.crc,
                bool(entry.mode & _EXECUTABLE),
                row.algorithm,
                row.digest,
            )
        )
    return tuple(planned)


def _dist_info(directory: Directory, identity: Identity) -> str:
    """The one metadata folder, which must be called what the file is called."""
    tops = {entry.path.partition("/")[0] for entry in directory.entries if "/" in entry.path}
    folders = sorted(top for top in tops if top.lower().endswith(".dist-info"))
    if len(folders) != 1:
        raise _refusal("WHEEL_DIST_INFO", f"the wheel has {len(folders)} .dist-info folders")
    filename = _filename(identity)
    stem = folders[0][: -len(".dist-info")]
    if _identity(stem) != filename:
        raise _refusal("WHEEL_NAME", f"{identity.filename} holds {folders[0]!a}")
    for top in tops:
        if top.endswith(".data") and _identity(top[: -len(".data")]) != filename:
            raise _refusal("WHEEL_DATA", f"the wheel holds {top!a}, of another distribution")
    return folders[0]


def _filename(identity: Identity) -> tuple[NormalizedName, Version]:
    try:
        name, version, _, _ = parse_wheel_filename(identity.filename)
    except InvalidWheelFilename as error:
        raise _refusal("WHEEL_FILENAME", str(error)) from error
    if (name, version) != (identity.name, Version(identity.version)):
        wanted = f"{identity.name} {identity.version}"
        raise _refusal("WHEEL_NAME", f"{identity.filename} is not a file of {wanted}")
    return name, version


def _identity(stem: str) -> tuple[NormalizedName, Version] | None:
    """Project and version from ``name-version``; ``None`` if it is no such thing."""
    name, _, version = stem.rpartition("-")
    try:
        return canonicalize_name(name), Version(version)
    except InvalidVersion:
        return None


def check_metadata(data: bytes, identity: Identity) -> None:
    """Refuse METADATA that is of another distribution than ``identity``.

    Raises:
        ArtifactError: ``WHEEL_METADATA`` or ``WHEEL_NAME``.
    """
    headers = _headers(data)
    for key in ("metadata-version", "name", "version"):
        if len(headers.get(key, [])) != 1:
            raise _refusal("WHEEL_METADATA", f"METADATA does not have one field {key!r}")
    if headers["metadata-version"][0].partition(".")[0] not in {"1", "2"}:
        shown = ascii(headers["metadata-version"][0])
        raise _refusal("WHEEL_METADATA", f"METADATA is of an unknown version {shown}")
    name, version = headers["name"][0], headers["version"][0]
    try:
        same = Version(version) == Version(identity.version)
    except InvalidVersion:
        same = False
    if not same or canonicalize_name(name) != identity.name:
        raise _refusal("WHEEL_NAME", f"METADATA of {identity.filename} says {name!a} {version!a}")


def _check_wheel_file(data: bytes, identity: Identity) -> bool:
    """``Root-Is-Purelib``, after the format's version and the tags were looked at."""
    headers = _headers(data)
    version = headers.get("wheel-version", [""])[0]
    if not re.fullmatch(r"1\.\d+", version):
        raise _refusal("WHEEL_VERSION", f"the wheel is of format version {version!a}, known is 1")
    purelib = headers.get("root-is-purelib", [""])[0].lower()
    if purelib not in {"true", "false"}:
        raise _refusal("WHEEL_PURELIB", f"Root-Is-Purelib of the wheel is {purelib!a}")
    _check_tags(headers.get("tag", []), identity)
    return purelib == "true"


def _check_tags(lines: Iterable[str], identity: Identity) -> None:
    """Refuse a wheel made for another interpreter or ABI than its file name says.

    The platform is left out, and one pair in common is enough: wheels are relabelled after they
    were built (``linux`` to ``manylinux``), and not every tool that does so rewrites WHEEL.
    """
    try:
        inside = {tag for line in lines for tag in parse_tag(line)}
    except ValueError as error:
        raise _refusal("WHEEL_TAGS", f"WHEEL has a broken tag: {error}") from error
    outside = parse_wheel_filename(identity.filename)[3]
    made_for = {(tag.interpreter, tag.abi) for tag in inside}
    if inside and made_for.isdisjoint((tag.interpreter, tag.abi) for tag in outside):
        raise _refusal("WHEEL_TAGS", f"no tag of {identity.filename} is among those in WHEEL")


def _headers(data: bytes) -> dict[str, list[str]]:
    """The header fields by lower-case name, continuation lines left out: none is read that has any.

    Text that is not UTF-8 is replaced; what is compared here is ASCII.
    """
    head = re.split(rb"\r?\n\r?\n", data, maxsplit=1)[0].decode("utf-8", "replace")
    fields: dict[str, list[str]] = {}
    for line in re.split(r"\r\n|\n", head):
        if match := _HEADER.fullmatch(line):
            fields.setdefault(match[1].lower(), []).append(match[2].strip())
    return fields


def _check_data(files: Iterable[str], dist_info: str) -> None:
    """Only known schemes below ``.data``, and nothing there that lands on something else."""
    roots: set[str] = set()
    moved: list[str] = []
    for path in files:
        top, _, rest = path.partition("/")
        if not top.endswith(".data") or not rest:
            roots.add(path.lower())
            continue
        scheme, _, target = rest.partition("/")
        if scheme not in SCHEMES or not target:
            raise _refusal("WHEEL_DATA", f"{path!a} is below no known scheme")
        if scheme in {"purelib", "platlib"}:
            moved.append(target)
    for target in moved:
        if target.partition("/")[0].lower().endswith(".dist-info"):
            raise _refusal("WHEEL_DIST_INFO", f"the wheel moves {target!a} beside {dist_info}")
        if target.lower() in roots:
            raise _refusal("WHEEL_COLLISION", f"two files of the wheel would become {target!a}")
        roots.add(target.lower())


def _refusal(code: str, message: str) -> ArtifactError:
    return ArtifactError(message, code=code)
