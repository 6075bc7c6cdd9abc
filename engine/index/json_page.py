"""The JSON form of a project page (PEP 691, 700, 714, 792)."""

from __future__ import annotations

from typing import Any

import msgspec
from packaging.utils import canonicalize_name

from ppm.engine.index.failures import refused_page
from ppm.engine.index.model import ProjectPage
from ppm.engine.index.page import MAX_FILES, PageBuilder

# A file entry has about twelve; more of them than this is a page made to fill the memory.
_MAX_COMMAS = 20 * MAX_FILES


class _Meta(msgspec.Struct, rename="kebab", gc=False):
    api_version: str = "1.0"
    project_status: Any = None


class _File(msgspec.Struct, rename="kebab", gc=False):
    filename: str
    url: str
    hashes: dict[str, str]
    requires_python: str | None = None
    core_metadata: bool | dict[str, str] | msgspec.UnsetType | None = msgspec.UNSET
    dist_info_metadata: bool | dict[str, str] | None = None
    yanked: bool | str | None = None
    size: int | None = None
    upload_time: str | None = None


class _Page(msgspec.Struct, rename="kebab", gc=False):
    meta: _Meta
    name: str
    files: list[msgspec.Raw]
    project_status: Any = None


_PAGE = msgspec.json.Decoder(_Page)
_FILE = msgspec.json.Decoder(_File)


def parse_json(body: bytes, *, name: str, index: str, url: str) -> ProjectPage:
    """Parse a page whose ``Content-Type`` says JSON.

    Entries are decoded one by one, so that a malformed one is left out and the others count.

    Raises:
        IndexFailure: ``INDEX_VERSION`` for a later major version; ``INDEX_CONTENT`` for a page that
            is no such JSON, speaks of another project or is beyond bounds.
    """
    if body.count(b",") > _MAX_COMMAS:
        raise refused_page(url, f"lists more than {MAX_FILES} files")
    try:
        page = _PAGE.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise refused_page(url, f"is not a project page: {error}") from error
    builder = PageBuilder(name=name, index=index, base=url)
    builder.check_api_version(page.meta.api_version)
    if canonicalize_name(page.name) != name:
        raise refused_page(url, f"speaks of {page.name[:100]!r} where {name} was asked for")
    builder.status = _status(page.project_status) or _status(page.meta.project_status) or "active"
    for raw in page.files:
        _add_file(builder, raw)
    return builder.build()


def _add_file(builder: PageBuilder, raw: msgspec.Raw) -> None:
    try:
        file = _FILE.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return builder.skip("an entry", f"is malformed: {error}")
    offered = file.core_metadata
    yanked = file.yanked
    return builder.add(
        file.filename,
        file.url,
        sha256=file.hashes.get("sha256", ""),
        size=file.size or 0,
        requires_python=file.requires_python or "",
        yanked=yanked if isinstance(yanked, str) and yanked else ("" if yanked is True else None),
        upload_time=file.upload_time or "",
        metadata=_metadata(file.dist_info_metadata if offered is msgspec.UNSET else offered),
    )


def _metadata(offered: bool | dict[str, str] | msgspec.UnsetType | None) -> str:
    """As in :class:`DistributionFile`: a map of digests means that the sibling exists."""
    if isinstance(offered, dict):
        return offered.get("sha256", "true")
    return "true" if offered is True else ""


def _status(found: object) -> str:
    status = found.get("status") if isinstance(found, dict) else found
    return status.strip().lower() if isinstance(status, str) else ""
