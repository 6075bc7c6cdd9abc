"""What aiohttp raises and what servers answer, in PPM's words.

INDEX_UNREACHABLE    no connection, no name, a certificate that does not verify, a broken transfer
INDEX_TIMEOUT        connected or not, nothing came for too long
INDEX_HTTP_STATUS    a status nobody can use
INDEX_UNAUTHORIZED   401, 403 or 407
INDEX_REDIRECT       a redirect that may not be followed
"""

from __future__ import annotations

from ppm.engine.errors import IndexFailure
from ppm.engine.index.http import aiohttp
from ppm.engine.redact import redact_text

RETRIED_STATUS = frozenset({429, 500, 502, 503, 504, 520, 527})
UNAUTHORIZED_STATUS = frozenset({401, 403, 407})

_CERTIFICATE_HINT = (
    "name the file with your authority's certificates in PIP_CERT, or correct this machine's clock"
)


def is_transient(error: BaseException) -> bool:
    """Whether the same request may well succeed in a moment."""
    if isinstance(error, (aiohttp.ClientSSLError, aiohttp.InvalidURL)):
        return False
    return isinstance(
        error, (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError)
    )


def translate(error: BaseException, url: str) -> IndexFailure:
    """The failure to raise, with ``error`` as its cause, for what aiohttp raised about ``url``."""
    where = redact_text(url)
    if isinstance(error, TimeoutError):
        return IndexFailure(
            f"{where} did not answer in time",
            code="INDEX_TIMEOUT",
            hint="check the network and run the command again",
        )
    if isinstance(error, aiohttp.InvalidURL):
        return IndexFailure(
            f"{where} is not a URL", code="INVALID_URL", hint="check how the URL is spelled"
        )
    if isinstance(error, (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError)):
        return IndexFailure(
            f"the connection broke while reading {where}",
            code="INDEX_UNREACHABLE",
            hint="run the command again",
        )
    return IndexFailure(
        f"cannot reach {where}: {redact_text(_reason(error))}",
        code="INDEX_UNREACHABLE",
        hint=_unreachable_hint(error),
    )


def status_failure(status: int, url: str, *, hint: str = "") -> IndexFailure:
    """The failure for an answer that nobody can use."""
    where = redact_text(url)
    if status in UNAUTHORIZED_STATUS:
        refused = IndexFailure(
            f"{where} refuses access (HTTP {status})",
            code="INDEX_UNAUTHORIZED",
            hint="put user and password for this host into ~/.netrc or into the index URL",
        )
        refused.http_status = status
        return refused
    return IndexFailure(
        f"{where} answered HTTP {status}",
        code="INDEX_HTTP_STATUS",
        hint=hint or "try again later, or ask whoever runs this index",
    )


def redirect_failure(url: str, target: str, reason: str) -> IndexFailure:
    """The failure for a redirect that may not be followed."""
    return IndexFailure(
        f"{redact_text(url)} redirects to {redact_text(target)}: {reason}",
        code="INDEX_REDIRECT",
        hint="name the index by its final URL, or ask whoever runs it",
    )


def _reason(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"its certificate does not verify ({error.certificate_error})"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name is not known"
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy answered HTTP {error.status}"
    if isinstance(error, aiohttp.ClientResponseError):
        return "the answer is not HTTP"
    if isinstance(error, aiohttp.ClientOSError):
        return error.strerror or "the connection failed"
    return "the connection failed"


def _unreachable_hint(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientSSLError):
        return _CERTIFICATE_HINT
    if isinstance(error, (aiohttp.ClientHttpProxyError, aiohttp.ClientProxyConnectionError)):
        return "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY"
    return "check the network, or use --offline to work from the cache"
