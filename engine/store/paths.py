"""Which names an archive may hold, judged by their segments before anything is written.

The distinct segments of all names are looked at together for what bad ones contain; only where that
finds something are names judged one by one, so that a decent archive costs next to nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from ppm.engine.errors import ArtifactError

LONGEST_SEGMENT = 255
LONGEST_PATH = 1024

_NUMBERED = frozenset(f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³")
_DEVICES = frozenset({"con", "prn", "aux", "nul", "conin$", "conout$"}) | _NUMBERED
_CONTROL = r"[\x00-\x1f\x7f-\x9f]"
# Invisible, reordering or private characters: format, surrogate, private use, separators.
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def check_paths(files: Sequence[str], directories: Sequence[str] = ()) -> None:
    """Refuse names that could land outside the target or on top of each other.

    Args:
        files: Archive names of regular files.
        directories: Archive names of directories, without the slash at their end.

    Raises:
        ArtifactError: A ``PATH_…`` code and the first name it fits.
    """
    names = [*files, *directories]
    plain = [name for name in names if name.isascii()]
    doubtful = names if _suspicious(plain) else [name for name in names if not name.isascii()]
    for name in doubtful:
        judge(name)
    _check_collisions(files, directories)


def _suspicious(names: Sequence[str]) -> bool:
    """Whether one of the names, all ASCII, may be bad: hits decent ones, misses no bad one."""
    segments = set("/".join(names).split("/"))
    text = f"{'/'.join(segments)}/"
    return (
        "" in segments
        or not text.isprintable()
        or any(mark in text for mark in ("\\", ":", "./", " /"))
        or not _DEVICES.isdisjoint(map(_stem, segments))
        or max(map(len, names), default=0) > LONGEST_SEGMENT
    )


def _stem(segment: str) -> str:
    """What Windows compares with its devices: without extensions and the spaces before them."""
    return segment.partition(".")[0].rstrip(" ").lower()


def judge(name: str) -> None:
    """Refuse one name; raises as :func:`check_paths`."""
    if not name:
        raise _refusal("PATH_EMPTY", name, "an empty name")
    if "\0" in name:
        raise _refusal("PATH_NUL", name, "a NUL character in a name")
    if re.search(_CONTROL, name):
        raise _refusal("PATH_CONTROL", name, "a control character in a name")
    if "\\" in name:
        raise _refusal("PATH_BACKSLASH", name, "a backslash in a name")
    if name.startswith("/"):
        raise _refusal("PATH_ABSOLUTE", name, "an absolute name")
    if ":" in name:
        raise _refusal("PATH_DRIVE", name, "a drive or stream name")
    if not name.isascii() and any(unicodedata.category(c) in _HIDDEN_CATEGORIES for c in name):
        raise _refusal("PATH_CONTROL", name, "an invisible character in a name")
    if len(encoded(name)) > LONGEST_PATH:
        raise _refusal("PATH_LONG", name[:80], f"a name of over {LONGEST_PATH} bytes")
    for segment in name.split("/"):
        _judge_segment(name, segment)


def _judge_segment(name: str, segment: str) -> None:
    if not segment:
        raise _refusal("PATH_EMPTY", name, "an empty segment in a name")
    if segment == "..":
        raise _refusal("PATH_PARENT", name, "a name that climbs out of its folder")
    if segment == ".":
        raise _refusal("PATH_DOT", name, "a '.' segment in a name")
    if segment[-1] in ". ":
        raise _refusal("PATH_TRAILING", name, "a segment that ends in a dot or a space")
    if _stem(segment) in _DEVICES:
        raise _refusal("PATH_RESERVED", name, "a device name of Windows")
    if len(encoded(segment)) > LONGEST_SEGMENT:
        raise _refusal("PATH_LONG", name[:80], f"a segment of over {LONGEST_SEGMENT} bytes")


def encoded(text: str) -> bytes:
    """``text`` as it stands on the disk."""
    return text.encode("utf-8", "surrogatepass")


def _check_collisions(files: Sequence[str], directories: Sequence[str]) -> None:
    folders = {name.rpartition("/")[0] for name in files}
    folders.update(directories)
    for folder in list(folders):
        folders.update(parents(folder))
    folders.discard("")
    folded_files = _folded(files)
    folded_folders = set(_folded(folders))
    distinct = set(folded_files)
    if not distinct.isdisjoint(folded_folders):
        pairs = zip(files, folded_files, strict=True)
        name = next(name for name, folded in pairs if folded in folded_folders)
        raise _refusal("PATH_FILE_DIRECTORY", name, "a file where a folder stands, too")
    if len(distinct) != len(files):
        raise _collision(files)
    if len(folded_folders) != len(folders):
        raise _collision(folders)


def parents(path: str) -> Iterator[str]:
    """The folders above ``path``, nearest first, without the root."""
    while path := path.rpartition("/")[0]:
        yield path


def _folded(names: Iterable[str]) -> list[str]:
    return [name.lower() if name.isascii() else _fold(name) for name in names]


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _collision(names: Iterable[str]) -> ArtifactError:
    seen: dict[str, str] = {}
    ordered = sorted(names)
    for name, folded in zip(ordered, _folded(ordered), strict=True):
        if folded in seen:
            pair = f"{seen[folded]!a} and {name!a}"
            return _refusal("PATH_COLLISION", pair, "names that many file systems take for one")
        seen[folded] = name
    raise AssertionError("no collision")


def _refusal(code: str, name: str, what: str) -> ArtifactError:
    shown = name if code == "PATH_COLLISION" else ascii(name)
    return ArtifactError(f"the archive holds {what}: {shown}", code=code)
