"""A direct reference (PEP 508 ``name @ URL``) read into what it asks for. Pure.

Options stand in the fragment, as pip has them: ``sha256``, ``subdirectory``, ``egg`` (ignored: the
name stands before the ``@``), and ``editable=true``, which is PPM's own. A path may be relative to
the project: ``file:./libs/core``.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypeAlias
from urllib.parse import quote, unquote, urlsplit

import msgspec

from ppm.engine.errors import RequirementError
from ppm.engine.redact import public_text, redact_text

Kind: TypeAlias = Literal["archive", "directory", "git"]

GIT = "git+"
GIT_PROTOCOLS = ("https", "ssh", "file")
"""How a repository may be reached; git itself is told to use no other."""

_ARCHIVES = (".whl", ".tar.gz")
_OTHER_ARCHIVES = (".zip", ".tgz", ".tar", ".tar.bz2", ".tbz", ".tar.xz", ".txz", ".egg")
_THIS_MACHINE = frozenset({"", "localhost"})
_HEXADECIMAL = frozenset("0123456789abcdef")
_DIGEST_LENGTH = 64


class Reference(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a direct reference asks for.

    ``url`` is that of an archive or repository, which may hold a login, ``""`` where ``path`` (with
    ``/``; relative to the project, or absolute) is a place of this machine. ``revision`` is a
    branch, tag or commit, ``""`` for the repository's own choice. ``sha256`` is what the archive
    has to have, ``""`` for anything.
    """

    kind: Kind
    url: str = ""
    path: str = ""
    revision: str = ""
    subdirectory: str = ""
    sha256: str = ""
    editable: bool = False

    @property
    def source(self) -> str:
        """The one spelling of the reference, without logins: as locks and events hold it."""
        options = (
            f"sha256={self.sha256}" if self.sha256 else "",
            f"subdirectory={quote(self.subdirectory)}" if self.subdirectory else "",
            "editable=true" if self.editable else "",
        )
        fragment = "&".join(filter(None, options))
        return f"{self.place}{'#' if fragment else ''}{fragment}"

    @property
    def place(self) -> str:
        """The place alone, without logins."""
        if self.path:
            return path_text(self.path)
        public = public_text(self.url)
        if self.kind != "git":
            return public
        return f"{GIT}{public}@{self.revision}" if self.revision else f"{GIT}{public}"

    @property
    def filename(self) -> str:
        """The last part of the place, ``""`` if it has none."""
        path = unquote(urlsplit(self.url).path) if self.url else self.path
        return posixpath.basename(path.rstrip("/"))

    def on_disk(self, root: Path) -> Path:
        """The place of this machine that ``path`` names, seen from the project's ``root``."""
        return Path(posixpath.normpath(posixpath.join(root.as_posix(), self.path)))


def path_text(path: str) -> str:
    """A local path as a reference has it: a ``file:`` URL if absolute, else with a dot first."""
    return Path(path).as_uri() if path.startswith("/") else f"file:{quote(path)}"


@lru_cache(1024)
def parse_reference(text: str) -> Reference:
    """Read the URL of a direct reference.

    Raises:
        RequirementError: ``UNSUPPORTED_REQUIREMENT`` for a kind of place that PPM does not install
            from, ``UNSAFE_REFERENCE`` for one that would leave where it belongs.
    """
    try:
        return _parsed(text)
    except ValueError as error:
        raise _unsupported(text, f"it is no URL ({error})") from error


def _parsed(text: str) -> Reference:
    place, _, fragment = text.strip().partition("#")
    options = _options(text, fragment)
    if place.startswith(GIT):
        return _git(text, place.removeprefix(GIT), options)
    scheme = urlsplit(place).scheme.lower()
    if scheme in {"http", "https"}:
        return _archive(text, options, url=place)
    # One letter before the colon is a drive.
    if scheme == "file" or len(scheme) <= 1:
        path = _local_path(text, place, scheme)
        if path.endswith(_ARCHIVES + _OTHER_ARCHIVES):
            return _archive(text, options, path=path)
        return _directory(text, path, options)
    raise _unsupported(text, f"{scheme} is no way to install from")


def _options(text: str, fragment: str) -> Mapping[str, str]:
    options: dict[str, str] = {}
    for part in filter(None, fragment.split("&")):
        key, _, value = part.partition("=")
        if key not in {"sha256", "subdirectory", "egg", "editable"} or key in options:
            raise _unsupported(text, f"{key!r} after the # is nothing that is followed")
        options[key] = unquote(value)
    return options


def _archive(text: str, options: Mapping[str, str], *, url: str = "", path: str = "") -> Reference:
    name = unquote(urlsplit(url).path) if url else path
    if not name.endswith(_ARCHIVES):
        raise _unsupported(text, "it is neither a .whl nor a .tar.gz")
    if "editable" in options:
        raise _unsupported(text, "only a folder can be editable")
    subdirectory = _subdirectory(text, options)
    if subdirectory and name.endswith(".whl"):
        raise _unsupported(text, "a wheel has no subdirectory")
    return Reference(
        kind="archive",
        url=url,
        path=path,
        subdirectory=subdirectory,
        sha256=_digest(text, options),
    )


def _directory(text: str, path: str, options: Mapping[str, str]) -> Reference:
    _refuse_digest(text, options)
    editable = options.get("editable", "false").lower()
    if editable not in {"true", "false"}:
        raise _unsupported(text, "editable is true or false")
    subdirectory = _subdirectory(text, options)
    return Reference(
        kind="directory",
        path=_normal(posixpath.join(path, subdirectory)),
        editable=editable == "true",
    )


def _git(text: str, place: str, options: Mapping[str, str]) -> Reference:
    _refuse_digest(text, options)
    if "editable" in options:
        raise _unsupported(text, "only a folder can be editable")
    scheme, separator, rest = place.partition("://")
    if scheme not in GIT_PROTOCOLS or not separator:
        raise _unsupported(text, f"a repository is reached by {', '.join(GIT_PROTOCOLS)}")
    host, slash, path = rest.partition("/")
    path, at, revision = path.rpartition("@") if "@" in path else (path, "", "")
    if at and not revision:
        raise _unsupported(text, "it names no repository and one revision of it")
    _check_git(text, host, path, revision)
    return Reference(
        kind="git",
        url=f"{scheme}://{host}{slash}{path}",
        revision=revision,
        subdirectory=_subdirectory(text, options),
    )


def _check_git(text: str, host: str, path: str, revision: str) -> None:
    """Refuse what git could take for an option or for more than one thing."""
    address = host.rpartition("@")[2]
    parts = (host, address, path, revision)
    if any(part.startswith("-") for part in parts) or any(
        character.isspace() or not character.isprintable() for part in parts for character in part
    ):
        raise _unsafe(text, "an address or revision may not begin with '-' or hold blanks")
    if not path or revision.startswith((":", "+", "^", "/")) or ".." in revision:
        raise _unsupported(text, "it names no repository and one revision of it")
    if any(character in revision for character in "*?[\\~^:"):
        raise _unsupported(text, "a revision is a branch, a tag or a commit")


def _local_path(text: str, place: str, scheme: str) -> str:
    if scheme != "file":
        path = place
    else:
        parts = urlsplit(place)
        if parts.netloc.lower() not in _THIS_MACHINE or parts.query:
            raise _unsupported(text, "it names a file on another machine")
        path = unquote(parts.path)
    if not path or "\0" in path or "\\" in path:
        raise _unsupported(text, "it names no path")
    return _normal(path)


def _normal(path: str) -> str:
    """The path without detours; a relative one begins with a dot."""
    path = posixpath.normpath(path)
    if path.startswith("//"):
        path = path[1:]
    return path if path.startswith(("/", "../")) or path in {".", ".."} else f"./{path}"


def _subdirectory(text: str, options: Mapping[str, str]) -> str:
    """A folder below the top of what is installed from, with ``/``.

    Raises:
        RequirementError: ``UNSAFE_REFERENCE`` where it would be elsewhere.
    """
    value = options.get("subdirectory", "")
    if not value:
        return ""
    steps = value.split("/")
    if value.startswith("/") or ".." in steps or "\\" in value or not value.isprintable():
        raise _unsafe(text, "its subdirectory is not below it")
    folder = posixpath.normpath(value)
    return "" if folder == "." else folder


def _digest(text: str, options: Mapping[str, str]) -> str:
    digest = options.get("sha256", "").lower()
    if digest and (len(digest) != _DIGEST_LENGTH or not set(digest) <= _HEXADECIMAL):
        raise _unsupported(text, "its sha256 is not 64 hexadecimal digits")
    return digest


def _refuse_digest(text: str, options: Mapping[str, str]) -> None:
    if "sha256" in options:
        raise _unsupported(text, "only an archive has a sha256")


def _unsupported(text: str, why: str) -> RequirementError:
    return RequirementError(
        f"{redact_text(text)} cannot be installed from: {why}",
        code="UNSUPPORTED_REQUIREMENT",
        hint="write https://…/name-1.0-….whl, https://…/name-1.0.tar.gz, file:./folder or"
        " git+https://…@revision",
    )


def _unsafe(text: str, why: str) -> RequirementError:
    return RequirementError(
        f"{redact_text(text)} is refused: {why}",
        code="UNSAFE_REFERENCE",
        hint="correct it where it is written",
    )
