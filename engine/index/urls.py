"""Taking URLs apart: userinfo, fragment, origin."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from ppm.engine.errors import IndexFailure
from ppm.engine.redact import redact_text

_REMEMBERED = 1024
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """What a credential is bound to (RFC 6454): scheme, host and port, never less."""

    scheme: str
    host: str
    port: int


class Login(NamedTuple):
    """A user name and a password, both already unquoted."""

    user: str
    password: str


@lru_cache(_REMEMBERED)
def split_url(url: str) -> SplitResult:
    """``urlsplit`` that raises PPM's error, without the secrets, on a URL that is none.

    Raises:
        IndexFailure: ``INVALID_URL``.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port, parts.hostname
    except ValueError as error:
        raise IndexFailure(
            f"{redact_text(url)} is not a URL: {error}",
            code="INVALID_URL",
            hint="check how the URL is spelled",
        ) from error
    return parts


def split_login(url: str) -> tuple[str, Login | None]:
    """``url`` without userinfo, and the userinfo; a user name alone has an empty password.

    The user of an ``ssh`` URL is part of its address and stays.
    """
    parts = split_url(url)
    userinfo, at, host = parts.netloc.rpartition("@")
    if not at or parts.scheme.endswith("ssh"):
        return url, None
    user, _, password = userinfo.partition(":")
    return parts._replace(netloc=host).geturl(), Login(unquote(user), unquote(password))


def split_fragment(url: str) -> tuple[str, str]:
    """``url`` before its ``#`` and what follows it."""
    before, _, fragment = url.partition("#")
    return before, fragment


@lru_cache(_REMEMBERED)
def origin_of(url: str) -> Origin:
    """Scheme, host and port of ``url``; the port is the scheme's where none is written."""
    parts = split_url(url)
    scheme = parts.scheme.lower()
    port = parts.port if parts.port is not None else _DEFAULT_PORTS.get(scheme, 0)
    return Origin(scheme, (parts.hostname or "").rstrip("."), port)


def is_web(url: str) -> bool:
    """Whether ``url`` is http or https and names a host."""
    origin = origin_of(url)
    return origin.scheme in _DEFAULT_PORTS and bool(origin.host)


def index_base(location: str) -> str:
    """The base URL of an index as it is kept: without login and fragment, ending in ``/``.

    A location without a scheme is a folder's path and becomes a ``file:`` URL.
    """
    if "://" not in location and not location.startswith("file:"):
        return Path(location).expanduser().absolute().as_uri().rstrip("/") + "/"
    return split_login(split_fragment(location)[0])[0].rstrip("/") + "/"


def join_url(base: str, reference: str) -> str:
    """``reference`` seen from ``base`` (RFC 3986 §5).

    Raises:
        IndexFailure: ``INVALID_URL``.
    """
    try:
        return urljoin(base, reference)
    except ValueError as error:
        raise IndexFailure(
            f"{redact_text(reference)} is not a URL: {error}",
            code="INVALID_URL",
            hint="ask whoever runs this index",
        ) from error


def folder_path(url: str) -> Path:
    """The path a ``file:`` URL names on this machine."""
    from urllib.request import url2pathname

    return Path(url2pathname(split_url(url).path))
