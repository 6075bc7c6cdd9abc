"""Requirements that are a place and not a name: paths and URLs, with the name found out."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import msgspec

_URL = re.compile(r"(?i)(?:(?:git|hg|bzr|svn)\+)?[a-z][a-z0-9+.-]*://")
_NAMED_URL = re.compile(r"(?i)\s*[a-z0-9][a-z0-9._-]*\s*(?:\[[^\]]*\])?\s*@")
_EXTRAS = re.compile(r"(.+?)\[([^\[\]]*)\]\Z")
_EGG = re.compile(r"(?i)(?:^|&)egg=([a-z0-9][a-z0-9._-]*)(?:\[([^\]]*)\])?")
_ARCHIVES = (".whl", ".zip", ".tar.gz", ".tgz", ".tar", ".tar.bz2", ".tbz", ".tar.xz", ".txz")


class NamelessError(ValueError):
    """A path or URL that does not tell which project it holds."""


class Location(msgspec.Struct, frozen=True, kw_only=True):
    """A place to install from: ``url``, or ``path`` where ``url`` is ``""``; ``marker`` as text.

    ``path`` is absolute; ``relative`` where it was not written so.
    """

    url: str
    path: Path = Path()
    relative: bool = False
    extras: tuple[str, ...] = ()
    marker: str = ""


def find_location(text: str, directory: Path) -> Location | None:
    """The place that ``text`` names, or ``None`` if it is to be read as PEP 508.

    As in pip: anything with a scheme is a URL; a path begins with a dot, holds a separator and is
    a folder, or ends like an archive.
    """
    if _NAMED_URL.match(text):
        return None
    if _URL.match(text):
        place, _, marker = text.partition("; ")
        place, extras = _split_extras(place.strip())
        return Location(url=place, extras=extras, marker=marker.strip())
    place, _, marker = text.partition(";")
    place, extras = _split_extras(place.strip())
    path = Path(os.path.normpath(directory / place))
    separated = place.startswith(".") or "/" in place or os.sep in place
    if not place.lower().endswith(_ARCHIVES) and not (separated and path.is_dir()):
        return None
    relative = not os.path.isabs(place)  # noqa: PTH117 - text
    return Location(url="", path=path, relative=relative, extras=extras, marker=marker.strip())


def find_editable(text: str, directory: Path) -> Location:
    """The folder or repository that ``-e`` names.

    Raises:
        ValueError: It is neither a URL nor a folder.
    """
    if _URL.match(text):
        return Location(url=text)
    place, extras = _split_extras(text.strip())
    path = Path(os.path.normpath(directory / place))
    if not path.is_dir():
        raise ValueError(
            "only a folder can be editable" if _NAMED_URL.match(text) else "there is no such folder"
        )
    relative = not os.path.isabs(place)  # noqa: PTH117 - text
    return Location(url="", path=path, relative=relative, extras=extras)


def as_requirement(location: Location, root: Path | None = None, *, editable: bool = False) -> str:
    """The PEP 508 text ``name[extras] @ URL ; marker`` of a place.

    Args:
        location: The place.
        root: The project that asks; a path that was written relative becomes relative to it.
        editable: Whether the project shall see changes in the folder at once (PEP 660).

    Raises:
        NamelessError: Neither its file name, its ``egg`` fragment nor its ``pyproject.toml`` says
            what it is called.
        ValueError: A local path that is not there.
    """
    url, extras = location.url, location.extras
    if url and editable:
        raise ValueError("only a folder can be editable")
    if not url and not location.path.exists():
        raise ValueError("there is no such file or folder")
    egg = _EGG.search(urlsplit(url).fragment)
    name = egg[1] if egg else _archive_name(url or location.path.name)
    if egg:
        extras = extras or _names(egg[2] or "")
        url = _without_egg(url)
    if name is None and not url:
        name = _project_name(location.path)
    if name is None:
        raise NamelessError("which project this is cannot be told; write it as 'name @ URL'")
    suffix = f"[{','.join(extras)}]" if extras else ""
    place = url or _path_url(location, root)
    text = f"{name}{suffix} @ {place}{'#editable=true' if editable else ''}"
    return f"{text} ; {location.marker}" if location.marker else text


def _path_url(location: Location, root: Path | None) -> str:
    if root is None or not location.relative:
        return location.path.as_uri()
    way = os.path.relpath(location.path, root)
    return f"file:{quote(way if way.startswith(os.pardir) else os.path.join(os.curdir, way))}"  # noqa: PTH118 - text


def _split_extras(place: str) -> tuple[str, tuple[str, ...]]:
    match = _EXTRAS.match(place)
    # In a URL, brackets after "egg=" belong to the fragment.
    if match is None or "#" in match[1]:
        return place, ()
    return match[1], _names(match[2])


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _without_egg(url: str) -> str:
    parts = urlsplit(url)
    fragment = _EGG.sub("", parts.fragment).strip("&")
    return parts._replace(fragment=fragment).geturl()


def _archive_name(place: str) -> str | None:
    """The project's name in the file name of a wheel or sdist."""
    from packaging.utils import (
        InvalidSdistFilename,
        InvalidWheelFilename,
        parse_sdist_filename,
        parse_wheel_filename,
    )

    filename = unquote(urlsplit(place).path.rpartition("/")[2]) if "://" in place else place
    try:
        if filename.endswith(".whl"):
            return parse_wheel_filename(filename)[0]
        return parse_sdist_filename(filename)[0]
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None


def _project_name(folder: Path) -> str | None:
    """The static name in a folder's ``pyproject.toml``."""
    import tomllib

    try:
        document = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    project = document.get("project")
    name = project.get("name") if isinstance(project, dict) else None
    return name if isinstance(name, str) else None
