"""How this machine reaches the network: its proxies, and whose certificates it trusts."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path

from yarl import URL

from ppm.engine.errors import IndexFailure
from ppm.engine.index.credentials import basic_authorization
from ppm.engine.index.urls import origin_of, split_login


def proxies_here() -> dict[str, str]:
    """The proxies that the environment names, by scheme."""
    from urllib.request import getproxies

    return getproxies()


def proxy_for(url: str, proxies: Mapping[str, str]) -> tuple[URL | None, Mapping[str, str]]:
    """Which of ``proxies`` is for ``url``, and the headers for it alone."""
    if not proxies:
        return None, {}
    from urllib.request import proxy_bypass

    origin = origin_of(url)
    named = proxies.get(origin.scheme) or proxies.get("all")
    if not named or proxy_bypass(f"{origin.host}:{origin.port}"):
        return None, {}
    address, login = split_login(named if "://" in named else f"http://{named}")
    if login is None:
        return URL(address), {}
    return URL(address), {"Proxy-Authorization": basic_authorization(login)}


def load_certificates(ca_file: str | None) -> ssl.SSLContext:
    """Trust in ``ca_file`` (a file or a folder of hashed names), or in what the system trusts.

    Raises:
        IndexFailure: ``INVALID_CERTIFICATES``.
    """
    if ca_file is not None:
        path = Path(ca_file)
        try:
            if path.is_dir():
                return ssl.create_default_context(capath=ca_file)
            return ssl.create_default_context(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            raise IndexFailure(
                f"{ca_file} cannot be read as a file of certificates",
                code="INVALID_CERTIFICATES",
                hint="check PIP_CERT and the key `cert` of pip's configuration",
            ) from error
    paths = ssl.get_default_verify_paths()
    if any((paths.cafile, paths.capath)):
        return ssl.create_default_context()
    from pip._vendor import certifi

    return ssl.create_default_context(cafile=certifi.where())
