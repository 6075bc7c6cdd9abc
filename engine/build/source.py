"""Unpacking a source distribution (PEP 625, PEP 721) so that nothing lands outside its folder.

``tarfile`` only parses the headers. Its own extraction, with the ``data`` filter too, decides by
asking the file system about a tree that grows under links of the archive's own, and has been
outwitted that way; here no link exists until every file has been written, and a link may only go up
within the tree and then down, so that wherever it is followed to lies inside.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from ppm.engine.build.model import SourceLimits
from ppm.engine.build.tar_stream import BLOCK, TarStream, corrupt, too_large
from ppm.engine.errors import ArtifactError
from ppm.engine.files import storage_errors

_LONGEST_PATH = 1024
_LONGEST_SEGMENT = 255
_LATEST_TIME = 2**33
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

Parts = tuple[str, ...]


def unpack_sdist(
    archive: Path, filename: str, directory: Path, limits: SourceLimits | None = None
) -> Path:
    """Unpack a ``.tar.gz`` into ``directory``, an empty folder that is nobody else's. Blocks.

    Modes become 0644 or 0755; modification times stay, for builds that compare them.

    Args:
        archive: Where the file is, under any name.
        filename: The name it was published as.
        directory: Where its one top folder goes. After a refusal parts of it may be there.
        limits: How large it may be.

    Returns:
        The top folder.

    Raises:
        ArtifactError: ``SDIST_FORMAT``, ``SDIST_CORRUPT``, ``SDIST_LAYOUT`` (not one top folder),
            ``SDIST_PATH``, ``SDIST_LINK``, ``SDIST_MEMBER`` (a device or the like),
            ``SDIST_DUPLICATE`` or ``SDIST_TOO_LARGE``.
        StorageError: The disk refused.
    """
    check_format(filename)
    limits = limits or SourceLimits()
    with storage_errors(directory), archive.open("rb") as packed:
        allowed = max(limits.ratio_from, limits.ratio * os.fstat(packed.fileno()).st_size)
        stream = TarStream(packed, min(limits.size, allowed))
        unpacking = _Unpacking(stream, directory, limits)
        unpacking.members()
        unpacking.links()
    return directory / unpacking.top


def check_format(filename: str) -> None:
    """Refuse what is not the standard format of source distributions.

    Raises:
        ArtifactError: ``SDIST_FORMAT``.
    """
    if not filename.endswith(".tar.gz"):
        raise ArtifactError(
            f"{filename} is not a .tar.gz, the one format of source distributions that is built",
            code="SDIST_FORMAT",
            hint="choose a version that has a wheel or a .tar.gz",
        )


class _Unpacking:
    """One archive on its way to the disk; ``top`` is its top folder once a member has named it."""

    def __init__(self, stream: TarStream, directory: Path, limits: SourceLimits) -> None:
        self._stream = stream
        self._directory = str(directory)
        self._limits = limits
        self._folders: set[Parts] = {()}
        self._files: set[Parts] = set()
        self._links: list[tuple[Parts, str]] = []
        self.top = ""

    def members(self) -> None:
        """Write every folder and file; remember the links."""
        with _parsing():
            archive = tarfile.TarFile(fileobj=cast("IO[bytes]", self._stream))
        count = 0
        while (member := _next_member(archive)) is not None:
            count += 1
            if count > self._limits.members:
                raise too_large(f"more than {self._limits.members} members")
            self._take(member)
        self._stream.drain()
        if not self.top:
            raise _refusal("SDIST_LAYOUT", "the source distribution is empty")

    def links(self) -> None:
        """Make the symbolic links."""
        for parts, target in self._links:
            self._folder(parts[:-1])
            try:
                os.symlink(target, self._path(parts))  # noqa: PTH211 - no pathlib in the loops
            except FileExistsError:
                raise _duplicate(parts) from None

    def _take(self, member: tarfile.TarInfo) -> None:
        parts = judge_path(member.name)
        if not parts:
            return
        self._stay_below_top(parts, is_folder=member.isdir())
        if member.isdir():
            self._folder(parts)
        elif member.issym():
            judge_link(parts, member.linkname)
            self._links.append((parts, member.linkname))
        elif member.islnk():
            self._hard_link(parts, member.linkname)
        elif member.isreg() and not member.issparse():
            self._file(parts, member)
        else:
            raise _refusal("SDIST_MEMBER", f"{_shown(parts)} is a device, a pipe or the like")

    def _stay_below_top(self, parts: Parts, *, is_folder: bool) -> None:
        self.top = self.top or parts[0]
        if parts[0] != self.top or (len(parts) == 1 and not is_folder):
            raise _refusal(
                "SDIST_LAYOUT", f"{_shown(parts)} lies beside the one top folder, {self.top!a}"
            )

    def _file(self, parts: Parts, member: tarfile.TarInfo) -> None:
        self._folder(parts[:-1])
        path = self._path(parts)
        try:
            descriptor = os.open(path, _NEW_FILE, 0o600)
        except FileExistsError:
            raise _duplicate(parts) from None
        with os.fdopen(descriptor, "wb") as file:
            self._body(member, file)
            # Not left to the umask: modes go into the wheel.
            os.fchmod(descriptor, 0o755 if member.mode & 0o111 else 0o644)
        # Also false for NaN, which a header can spell.
        time = member.mtime if 0 <= member.mtime < _LATEST_TIME else 0
        os.utime(path, (time, time))
        self._files.add(parts)

    def _body(self, member: tarfile.TarInfo, file: IO[bytes]) -> None:
        self._stream.seek(member.offset_data)
        left = member.size
        while left:
            data = self._stream.read(min(BLOCK, left))
            if not data:
                raise corrupt(f"{member.name!a} ends early")
            file.write(data)
            left -= len(data)

    def _hard_link(self, parts: Parts, target: str) -> None:
        source = judge_path(target)
        if source not in self._files:
            raise _refusal("SDIST_LINK", f"{_shown(parts)} is a link to no earlier file")
        self._folder(parts[:-1])
        try:
            os.link(self._path(source), self._path(parts))
        except FileExistsError:
            raise _duplicate(parts) from None
        self._files.add(parts)

    def _folder(self, parts: Parts) -> None:
        if parts in self._folders:
            return
        self._folder(parts[:-1])
        try:
            os.mkdir(self._path(parts), 0o755)  # noqa: PTH102 - as above
        except FileExistsError:
            raise _duplicate(parts) from None
        self._folders.add(parts)

    def _path(self, parts: Parts) -> str:
        return "/".join((self._directory, *parts))


def _next_member(archive: tarfile.TarFile) -> tarfile.TarInfo | None:
    with _parsing():
        member = archive.next()
    # It would keep them all, for random access.
    archive.members.clear()  # type: ignore[attr-defined]  # typeshed leaves it out
    return member


@contextmanager
def _parsing() -> Iterator[None]:
    """What the parser raises for headers that make no sense; deep chains of them recurse."""
    try:
        yield
    except (tarfile.TarError, ValueError, OverflowError, RecursionError) as error:
        raise corrupt(str(error)) from error


def judge_path(name: str) -> Parts:
    """The segments of a member's name; none for the root itself.

    Raises:
        ArtifactError: ``SDIST_PATH``.
    """
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    if name.startswith("/"):
        raise _refusal("SDIST_PATH", f"{name!a} is an absolute path")
    if ".." in parts:
        raise _refusal("SDIST_PATH", f"{name!a} climbs out of its folder")
    if "\0" in name:
        raise _refusal("SDIST_PATH", f"{name!a} has a NUL character")
    longest = max((len(os.fsencode(part)) for part in parts), default=0)
    if longest > _LONGEST_SEGMENT or len(os.fsencode(name)) > _LONGEST_PATH:
        raise _refusal("SDIST_PATH", f"{name[:80]!a} … is too long")
    return parts


def judge_link(parts: Parts, target: str) -> None:
    """Refuse a symbolic link that may lead out of the top folder.

    Its own folder is a real one, so going up from there stays within as long as it is not too far;
    what follows goes down only, through folders and links that stay within themselves.

    Raises:
        ArtifactError: ``SDIST_LINK``.
    """
    steps = [step for step in target.split("/") if step not in ("", ".")]
    down = next((at for at, step in enumerate(steps) if step != ".."), len(steps))
    inside = (
        target
        and not target.startswith("/")
        and "\0" not in target
        and len(os.fsencode(target)) <= _LONGEST_PATH
        and down < len(parts) - 1
        and ".." not in steps[down:]
    )
    if not inside:
        raise _refusal("SDIST_LINK", f"{_shown(parts)} is a link to {target[:80]!a}")


def _duplicate(parts: Parts) -> ArtifactError:
    return _refusal("SDIST_DUPLICATE", f"two members would become {_shown(parts)}")


def _shown(parts: Parts) -> str:
    return ascii("/".join(parts))


def _refusal(code: str, what: str) -> ArtifactError:
    return ArtifactError(f"the source distribution is refused: {what}", code=code)
