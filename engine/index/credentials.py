"""Who may see which password: logins from URLs and netrc, each bound to its origin."""

from __future__ import annotations

import base64
import itertools
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ppm.engine.errors import IndexFailure
from ppm.engine.index.urls import Login, Origin, origin_of, split_login, split_url

if TYPE_CHECKING:
    from netrc import netrc

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class _Scope(NamedTuple):
    origin: Origin
    path: str
    login: Login


class Credentials:
    """Answers which ``Authorization`` a request may carry.

    A login from a URL is sent to that URL's scheme, host and port only. A netrc entry names a host
    without scheme and port, so it is sent to the origins of the configured URLs, and beyond them
    only over https (or to this machine), only to a host it names, and never after a redirect.

    Args:
        urls: Configured URLs (indexes, plugins …), with their userinfo if they have one.
        netrc_file: Where netrc is read from when it is first needed; ``None`` for no netrc.
    """

    def __init__(self, urls: Iterable[str] = (), *, netrc_file: Path | None = None) -> None:
        self._scopes: list[_Scope] = []
        self._origins: set[Origin] = set()
        self._netrc_file = netrc_file
        self._netrc: netrc | None = None
        for url in urls:
            self.add(url)

    @classmethod
    def from_environment(
        cls, urls: Iterable[str] = (), environ: Mapping[str, str] | None = None
    ) -> Credentials:
        """Logins of ``urls``, and of ``$NETRC`` or ``~/.netrc`` where that file exists."""
        environ = os.environ if environ is None else environ
        named = environ.get("NETRC")
        file = Path(named) if named else Path(environ.get("HOME") or Path.home()) / ".netrc"
        return cls(urls, netrc_file=file if file.is_file() else None)

    def add(self, url: str) -> str:
        """Remember the login of ``url``, if it has one, for its origin; returns the bare URL."""
        bare, login = split_login(url)
        origin = origin_of(bare)
        self._origins.add(origin)
        if login is not None:
            self._scopes.append(_Scope(origin, split_url(bare).path, login))
        return bare

    @property
    def ready(self) -> bool:
        """Whether :meth:`authorization` answers without reading a file first."""
        return self._netrc_file is None or self._netrc is not None

    def authorization(self, url: str, *, redirected: bool = False) -> str | None:
        """The value of the ``Authorization`` header for ``url``, or ``None``.

        Args:
            url: Where the request goes, without userinfo.
            redirected: Whether a server, not the user, chose this URL.
        """
        login = self._configured(url) or self._from_netrc(url, redirected=redirected)
        return None if login is None else basic_authorization(login)

    def _configured(self, url: str) -> Login | None:
        origin, path = origin_of(url), split_url(url).path
        scopes = [scope for scope in self._scopes if scope.origin == origin]
        if not scopes:
            return None
        return max(scopes, key=lambda scope: _shared_segments(scope.path, path)).login

    def _from_netrc(self, url: str, *, redirected: bool) -> Login | None:
        if self._netrc_file is None:
            return None
        origin = origin_of(url)
        entries = self._load_netrc(self._netrc_file)
        if origin in self._origins:
            found = entries.authenticators(origin.host)
        elif not redirected and (origin.scheme == "https" or origin.host in _LOOPBACK):
            found = entries.hosts.get(origin.host)
        else:
            found = None
        return None if found is None else Login(found[0] or "", found[2] or "")

    def _load_netrc(self, file: Path) -> netrc:
        if self._netrc is None:
            from netrc import NetrcParseError, netrc

            try:
                self._netrc = netrc(str(file))
            except (NetrcParseError, OSError, UnicodeDecodeError) as error:
                # The parser's own words quote tokens of the file, passwords among them.
                line = getattr(error, "lineno", None)
                reason = f"line {line}" if line else getattr(error, "strerror", None) or "not text"
                raise IndexFailure(
                    f"{file} cannot be read as a netrc file: {reason}",
                    code="INVALID_NETRC",
                    hint="correct the file, or point NETRC at another one",
                ) from error
        return self._netrc


def _shared_segments(left: str, right: str) -> int:
    pairs = zip(left.strip("/").split("/"), right.strip("/").split("/"), strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def basic_authorization(login: Login) -> str:
    """HTTP Basic (RFC 7617) with UTF-8."""
    token = base64.b64encode(f"{login.user}:{login.password}".encode())
    return f"Basic {token.decode('ascii')}"
