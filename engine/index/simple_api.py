"""The simple repository API: what to ask for, and which parser reads the answer."""

from __future__ import annotations

from ppm.engine.index.failures import refused_page
from ppm.engine.index.model import ProjectPage

ACCEPT = (
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, "
    "text/html;q=0.01"
)
MAX_PAGE_SIZE = 256 << 20

_JSON = frozenset(
    {"application/vnd.pypi.simple.v1+json", "application/vnd.pypi.simple.latest+json"}
)
_HTML = frozenset(
    {
        "application/vnd.pypi.simple.v1+html",
        "application/vnd.pypi.simple.latest+html",
        "text/html",
    }
)


def parse_page(body: bytes, *, content_type: str, name: str, index: str, url: str) -> ProjectPage:
    """Parse a project page, by the parser that its ``Content-Type`` names and no other.

    Args:
        body: The page, decompressed.
        content_type: The header's value.
        name: The normalised name of the project that was asked for.
        index: The base URL of the index, without credentials.
        url: Where the answer came from in the end; relative URLs are relative to it.

    Raises:
        IndexFailure: ``INDEX_CONTENT`` or ``INDEX_VERSION``.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type in _JSON:
        from ppm.engine.index.json_page import parse_json

        return parse_json(body, name=name, index=index, url=url)
    if media_type in _HTML:
        from ppm.engine.index.html_page import parse_html

        return parse_html(body, name=name, index=index, url=url)
    raise refused_page(url, f"is of type {media_type[:100]!r}, which is no project page")
