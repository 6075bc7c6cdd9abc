"""The HTML form of a project page (PEP 503, frozen by PEP 833).

Only start tags matter, so the page is scanned for them and no tree is built. Each byte is looked at
a bounded number of times, whatever the page holds: tree builders need quadratic time on unclosed
elements, and an index may be hostile.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

from ppm.engine.index.failures import refused_page
from ppm.engine.index.model import ProjectPage
from ppm.engine.index.page import MAX_FILES, PageBuilder, filename_of
from ppm.engine.index.urls import join_url, split_fragment

_MAX_TAG_LENGTH = 1 << 16
_INTERESTING = re.compile(
    r"<(?:(!--)|(a|base|meta|script|style|textarea|title)(?=[\s/>]))", re.IGNORECASE
)
_TAG_REST = re.compile(r"""(?:[^>=]++|=\s*+"[^"]*+"|=\s*+'[^']*+'|=)*+>""")
_ATTRIBUTE = re.compile(
    r"""([^\s"'<>/=]++)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>][^\s>]*+)))?+"""
)
_TEXT_ONLY = frozenset({"script", "style", "title", "textarea"})


def parse_html(body: bytes, *, name: str, index: str, url: str) -> ProjectPage:
    """Parse a page whose ``Content-Type`` says HTML.

    Raises:
        IndexFailure: ``INDEX_VERSION`` for a later major version; ``INDEX_CONTENT`` beyond bounds.
    """
    builder = PageBuilder(name=name, index=index, base=url)
    based = False
    files = 0
    for tag, attributes in start_tags(body.decode("utf-8", "replace")):
        if tag == "a" and "href" in attributes:
            files += 1
            if files > MAX_FILES:
                raise refused_page(url, f"lists more than {MAX_FILES} files")
            _add_anchor(builder, attributes)
        elif tag == "meta":
            _read_meta(builder, attributes)
        elif tag == "base" and not based and "href" in attributes:
            based = True
            builder.base = join_url(url, attributes["href"].strip())
    return builder.build()


def start_tags(page: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The ``a``, ``base`` and ``meta`` start tags, in order, with their attributes unescaped.

    Comments and the contents of ``script``, ``style``, ``title`` and ``textarea`` are no tags. A
    tag or comment that never ends takes the rest of the page with it, as in a browser.
    """
    place = 0
    while match := _INTERESTING.search(page, place):
        if match[1]:
            end = page.find("-->", match.end() - 2)
            if end < 0:
                return
            place = end + 3
            continue
        rest = _TAG_REST.match(page, match.end())
        if rest is None:
            return
        place = rest.end()
        tag = match[2].lower()
        if tag not in _TEXT_ONLY:
            yield tag, _attributes(page[match.end() : place - 1])
            continue
        closing = re.compile(f"</{tag}(?=[\\s/>])", re.IGNORECASE).search(page, place)
        if closing is None:
            return
        place = closing.end()


def _attributes(text: str) -> dict[str, str]:
    """The first of equal names counts; an attribute without value has an empty one."""
    found: dict[str, str] = {}
    if len(text) > _MAX_TAG_LENGTH:
        return found
    for name, double, single, bare in _ATTRIBUTE.findall(text):
        value = double or single or bare
        found.setdefault(name.lower(), unescape(value) if "&" in value else value)
    return found


def _add_anchor(builder: PageBuilder, attributes: dict[str, str]) -> None:
    reference = attributes["href"].strip()
    algorithm, _, digest = split_fragment(reference)[1].partition("=")
    metadata = attributes.get("data-core-metadata", attributes.get("data-dist-info-metadata", ""))
    builder.add(
        filename_of(reference),
        reference,
        sha256=digest.partition("&")[0] if algorithm == "sha256" else "",
        requires_python=attributes.get("data-requires-python", ""),
        yanked=attributes.get("data-yanked"),
        upload_time=attributes.get("data-upload-time", ""),
        metadata="" if metadata == "false" else metadata.removeprefix("sha256="),
    )


def _read_meta(builder: PageBuilder, attributes: dict[str, str]) -> None:
    kind, content = attributes.get("name", "").lower(), attributes.get("content", "")
    if kind == "pypi:repository-version":
        builder.check_api_version(content)
    elif kind == "pypi:project-status":
        builder.status = content.strip().lower()
