"""aiohttp, imported without reading the system's certificates.

At import aiohttp makes two TLS contexts of its own, and each reads every certificate the system
trusts: 40 % of the import's processor time where that is a file of usual size. PPM makes a context
itself when the first https URL is asked. For the import alone OpenSSL is pointed at no
certificates; a request that used aiohttp's own contexts would trust nobody.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

_PLACES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


@contextmanager
def _no_certificates() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in _PLACES}
    os.environ.update(dict.fromkeys(_PLACES, os.devnull))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


with _no_certificates():
    import aiohttp

__all__ = ["aiohttp"]
