"""The list of an index's projects (PEP 503, PEP 691)."""

from __future__ import annotations

import msgspec
from packaging.utils import canonicalize_name

MAX_LIST_SIZE = 64 << 20


class _Entry(msgspec.Struct, gc=False):
    name: str


class _List(msgspec.Struct, gc=False):
    projects: list[_Entry]


def listed_projects(body: bytes, content_type: str) -> frozenset[str] | None:
    """The normalised names that an index lists; ``None`` for what is no list of projects."""
    if "json" in content_type.partition(";")[0].lower():
        try:
            names = [entry.name for entry in msgspec.json.decode(body, type=_List).projects]
        except msgspec.DecodeError:
            return None
        return frozenset(map(canonicalize_name, names))
    from ppm.engine.index.html_page import start_tags

    tags = start_tags(body.decode("utf-8", "replace"))
    links = [attributes["href"] for tag, attributes in tags if tag == "a" and "href" in attributes]
    names = [link.partition("#")[0].rstrip("/").rpartition("/")[2] for link in links]
    return frozenset(canonicalize_name(name) for name in names if name) or None
