"""Source trees on this machine: what they hold, as one digest, and copies of them to build from.

Left out is what is no source: version control, environments, caches, byte code. What a build could
not have seen does not change the digest, and the copy has nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from stat import S_ISDIR, S_ISLNK, S_ISREG, S_IXUSR

from ppm.engine.build.model import SourceLimits
from ppm.engine.build.source import judge_link
from ppm.engine.errors import ArtifactError
from ppm.engine.files import storage_errors

_LEFT_OUT = frozenset(
    {
        *(".git", ".hg", ".svn", ".ppm", ".venv", ".tox", ".nox", "__pycache__"),
        *(".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis"),
    }
)
_ENVIRONMENT = "pyvenv.cfg"
_GENERATED = (".egg-info", ".pyc")
_RECIPES = ("pyproject.toml", "setup.py", "setup.cfg")
_BLOCK = 1024 * 1024
_FOLDER = "folder"
_FILE = "file"
_LINK = "link"


def tree_digest(folder: Path) -> str:
    """SHA-256 over every source in ``folder``: paths, executable bits, contents, links. Blocks.

    Raises:
        ArtifactError: ``NO_SUCH_FOLDER``; ``SDIST_LINK`` for a link that leads out of it,
            ``SDIST_MEMBER`` for a device or the like, ``SDIST_TOO_LARGE``.
        StorageError: Something cannot be read.
    """
    total = sha256()
    with storage_errors(folder):
        for path, kind in _members(folder):
            total.update(_line(folder, path, kind))
    return total.hexdigest()


def recipe_digest(folder: Path) -> str:
    """SHA-256 over what says how ``folder`` is built: all that an editable install depends on.

    Raises:
        ArtifactError: ``NO_SUCH_FOLDER``.
        StorageError: Something cannot be read.
    """
    _require_folder(folder)
    total = sha256()
    with storage_errors(folder):
        for name in _RECIPES:
            path = folder / name
            content = sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            total.update(f"{name}\0{content}\n".encode())
    return total.hexdigest()


def copy_tree(folder: Path, target: Path) -> None:
    """Copy the sources of ``folder`` to ``target``, which is not there yet. Blocks.

    Raises: as :func:`tree_digest`.
    """
    import shutil

    with storage_errors(target):
        target.mkdir()
        for path, kind in _members(folder):
            source, copy = folder / path, target / path
            if kind == _FOLDER:
                copy.mkdir()
            elif kind == _LINK:
                copy.symlink_to(source.readlink())
            else:
                shutil.copy2(source, copy, follow_symlinks=False)


def below(tree: Path, subdirectory: str) -> Path:
    """The folder ``subdirectory`` of ``tree``, reached through no link that leads out.

    Raises:
        ArtifactError: ``NO_SUBDIRECTORY``.
    """
    folder = tree / subdirectory
    if not folder.is_dir() or not folder.resolve().is_relative_to(tree.resolve()):
        raise ArtifactError(
            f"there is no folder {subdirectory!a} in it",
            code="NO_SUBDIRECTORY",
            hint="correct #subdirectory= where the requirement is written",
        )
    return folder


def _require_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise ArtifactError(
            f"there is no folder {folder}",
            code="NO_SUCH_FOLDER",
            hint="correct its path where the requirement is written",
        )


def _members(folder: Path) -> Iterator[tuple[str, str]]:
    """The path and kind of everything that counts, a folder before what is in it, sorted."""
    _require_folder(folder)
    limits = SourceLimits()
    count = size = 0
    waiting = [""]
    while waiting:
        parent = waiting.pop()
        names = sorted(os.listdir(folder / parent))  # noqa: PTH208 - names, not paths
        if parent and _ENVIRONMENT in names:
            continue
        if parent:
            yield parent, _FOLDER
        folders = []
        for name in names:
            if name in _LEFT_OUT or name.endswith(_GENERATED):
                continue
            path = f"{parent}/{name}" if parent else name
            status = (folder / path).lstat()
            count, size = count + 1, size + status.st_size
            if count > limits.members or size > limits.size:
                raise _refused("SDIST_TOO_LARGE", f"{folder} holds more than a source tree may")
            if S_ISDIR(status.st_mode):
                folders.append(path)
            else:
                yield path, _kind(folder, path, status.st_mode)
        waiting += reversed(folders)


def _kind(folder: Path, path: str, mode: int) -> str:
    if S_ISLNK(mode):
        judge_link((folder.name, *path.split("/")), os.readlink(folder / path))  # noqa: PTH115 - text
        return _LINK
    if not S_ISREG(mode):
        raise _refused("SDIST_MEMBER", f"{folder / path} is a device, a pipe or the like")
    return _FILE


def _line(folder: Path, path: str, kind: str) -> bytes:
    place = folder / path
    if kind == _FOLDER:
        content = ""
    elif kind == _LINK:
        content = os.readlink(place)  # noqa: PTH115 - text
    else:
        executable = bool(place.lstat().st_mode & S_IXUSR)
        content = f"{'x' if executable else '-'}\0{_file_digest(place)}"
    return os.fsencode(f"{path}\0{kind}\0{content}\n")


def _file_digest(path: Path) -> str:
    digest = sha256()
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        while data := file.read(_BLOCK):
            digest.update(data)
    return digest.hexdigest()


def _refused(code: str, what: str) -> ArtifactError:
    return ArtifactError(what, code=code)
