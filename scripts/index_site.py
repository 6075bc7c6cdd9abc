"""A folder of distributions as the documents of a simple index (PEP 503, 629, 658, 691, 700).

Everything a client can ask for is made in advance, so that a server only has to look it up. Two
files beside a distribution change how it is listed: ``<filename>.yanked`` (its text is the reason)
and the modification time of the distribution itself, which is its upload time.
"""

from __future__ import annotations

import email.parser
import functools
import gzip
import hashlib
import html
import json
import re
import tarfile
import time
import urllib.parse
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

JSON_TYPE = "application/vnd.pypi.simple.v1+json"
HTML_TYPE = "application/vnd.pypi.simple.v1+html"
PLAIN_HTML = "text/html"
SUFFIXES = (".whl", ".tar.gz")
# Below this a compressed page saves nothing that a client would notice.
COMPRESS_FROM = 1024


@dataclass(frozen=True, kw_only=True)
class Features:
    """What the index offers; each can be switched off as some real mirrors do.

    ``max_age`` is how long pages stay fresh, in seconds. ``credentials`` is ``user:password``,
    asked for by HTTP basic authentication where it is not empty. ``away`` is the time in seconds
    that every answer takes longer, as if the index were that far away.
    """

    json: bool = True
    metadata: bool = True
    ranges: bool = True
    hashes: bool = True
    compression: bool = True
    max_age: int = 600
    credentials: str = ""
    away: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Document:
    """One representation of one resource: bytes in memory, or a file too large to keep there."""

    kind: str
    content_type: str
    etag: str
    cache_control: str
    body: bytes = b""
    path: Path | None = None
    size: int = 0

    @functools.cached_property
    def compressed(self) -> bytes:
        """The body, gzipped once; empty where that is not worth it."""
        worth = self.kind == "page" and self.size >= COMPRESS_FROM
        return gzip.compress(self.body, 6, mtime=0) if worth else b""


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A distribution of the folder and what its page says of it."""

    path: Path
    project: str
    version: str
    sha256: str
    size: int
    upload_time: str
    requires_python: str
    metadata: bytes | None
    yanked: str | None


@dataclass(frozen=True)
class Site:
    """The documents by path; a page has one for each type it can be asked for."""

    pages: Mapping[str, Mapping[str, Document]] = field(default_factory=dict)
    files: Mapping[str, Document] = field(default_factory=dict)

    def find(self, path: str, accept: str) -> Document | None:
        """The document at ``path`` in the best type that ``accept`` allows."""
        if path in self.files:
            return self.files[path]
        variants = self.pages.get(path)
        if variants is None:
            return None
        for content_type in _preferred(accept):
            if content_type in variants:
                return variants[content_type]
        return variants[PLAIN_HTML]


def write_index(folder: Path, features: Features = Features()) -> Site:
    """Read every distribution of ``folder`` and write the documents of its index.

    Files that are no readable archive are listed all the same, without metadata: an index does not
    look into what it serves.
    """
    listed = [_listed(path) for path in sorted(folder.iterdir()) if path.name.endswith(SUFFIXES)]
    projects: dict[str, list[Listed]] = {}
    for item in listed:
        projects.setdefault(item.project, []).append(item)
    pages = {"/simple/": _root(projects, features)}
    for name, items in projects.items():
        pages[f"/simple/{name}/"] = _project(name, items, features)
    return Site(pages, dict(_files(listed, features)))


def normalised(name: str) -> str:
    """A project name as it stands in URLs (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _preferred(accept: str) -> list[str]:
    """The types of an ``Accept`` header, best first."""
    weighted: list[tuple[float, str]] = []
    for part in accept.split(","):
        content_type, *parameters = (text.strip() for text in part.split(";"))
        quality = next((text[2:] for text in parameters if text.startswith("q=")), "1")
        weighted.append((-float(quality), content_type))
    return [content_type for _, content_type in sorted(weighted, key=lambda pair: pair[0])]


def _listed(path: Path) -> Listed:
    content = path.read_bytes()
    name, version = _name_and_version(path.name)
    metadata = _wheel_metadata(path) if path.suffix == ".whl" else None
    described = metadata if path.suffix == ".whl" else _sdist_metadata(path)
    yanked = path.with_name(path.name + ".yanked")
    headers = email.parser.HeaderParser().parsestr((described or b"").decode("utf-8", "replace"))
    return Listed(
        path=path,
        project=normalised(name),
        version=version,
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        upload_time=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(path.stat().st_mtime)),
        requires_python=str(headers.get("Requires-Python", "")),
        metadata=metadata,
        yanked=yanked.read_text(encoding="utf-8") if yanked.exists() else None,
    )


def _name_and_version(filename: str) -> tuple[str, str]:
    if filename.endswith(".whl"):
        name, version = filename.split("-")[:2]
    else:
        name, version = filename.removesuffix(".tar.gz").rsplit("-", 1)
    return name, version


def _wheel_metadata(path: Path) -> bytes | None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.count("/") == 1]
            wanted = next(name for name in names if name.endswith(".dist-info/METADATA"))
            return archive.read(wanted)
    except (zipfile.BadZipFile, StopIteration):
        return None


def _sdist_metadata(path: Path) -> bytes | None:
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                if member.name.count("/") == 1 and member.name.endswith("/PKG-INFO"):
                    stream = archive.extractfile(member)
                    return stream.read() if stream else None
    except tarfile.TarError:
        pass
    return None


def _root(projects: Iterable[str], features: Features) -> dict[str, Document]:
    names = sorted(projects)
    document = {
        "meta": {"api-version": "1.1"},
        "projects": [{"name": name} for name in names],
    }
    anchors = [f'<a href="{name}/">{name}</a>' for name in names]
    return _page(document, anchors, features)


def _project(name: str, items: list[Listed], features: Features) -> dict[str, Document]:
    document = {
        "meta": {"api-version": "1.1"},
        "name": name,
        "versions": sorted({item.version for item in items}),
        "files": [_file_entry(item, features) for item in items],
    }
    return _page(document, [_anchor(item, features) for item in items], features)


def _page(
    document: Mapping[str, Any], anchors: Iterable[str], features: Features
) -> dict[str, Document]:
    text = "\n".join(
        [
            "<!DOCTYPE html><html><head>",
            '<meta name="pypi:repository-version" content="1.1"></head><body>',
            *(f"{anchor}<br>" for anchor in anchors),
            "</body></html>\n",
        ]
    )
    bodies = {HTML_TYPE: text.encode(), PLAIN_HTML: text.encode()}
    if features.json:
        bodies[JSON_TYPE] = json.dumps(document, separators=(",", ":")).encode()
    return {
        content_type: Document(
            kind="page",
            content_type=content_type,
            etag=_etag(content_type.encode() + body),
            cache_control=f"max-age={features.max_age}, public",
            body=body,
            size=len(body),
        )
        for content_type, body in bodies.items()
    }


def _file_entry(item: Listed, features: Features) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "filename": item.path.name,
        "url": _relative_url(item),
        "hashes": {"sha256": item.sha256} if features.hashes else {},
        "size": item.size,
        "upload-time": item.upload_time,
        "yanked": False if item.yanked is None else item.yanked or True,
    }
    if item.requires_python:
        entry["requires-python"] = item.requires_python
    if item.metadata is not None and features.metadata:
        digest = hashlib.sha256(item.metadata).hexdigest()
        entry["core-metadata"] = {"sha256": digest} if features.hashes else True
    return entry


def _anchor(item: Listed, features: Features) -> str:
    fragment = f"#sha256={item.sha256}" if features.hashes else ""
    attributes = [f'href="{_relative_url(item)}{fragment}"']
    if item.requires_python:
        attributes.append(f'data-requires-python="{html.escape(item.requires_python)}"')
    if item.metadata is not None and features.metadata:
        digest = hashlib.sha256(item.metadata).hexdigest()
        value = f"sha256={digest}" if features.hashes else "true"
        attributes.append(f'data-core-metadata="{value}"')
    if item.yanked is not None:
        attributes.append(f'data-yanked="{html.escape(item.yanked)}"')
    return f"<a {' '.join(attributes)}>{item.path.name}</a>"


def _relative_url(item: Listed) -> str:
    return f"../../files/{urllib.parse.quote(item.path.name)}"


def _files(listed: Iterable[Listed], features: Features) -> Iterable[tuple[str, Document]]:
    immutable = "max-age=365000000, immutable, public"
    for item in listed:
        url = f"/files/{item.path.name}"
        yield (
            url,
            Document(
                kind="file",
                content_type="application/octet-stream",
                etag=f'"{item.sha256}"',
                cache_control=immutable,
                path=item.path,
                size=item.size,
            ),
        )
        if item.metadata is not None and features.metadata:
            yield (
                f"{url}.metadata",
                Document(
                    kind="metadata",
                    content_type="application/octet-stream",
                    etag=_etag(item.metadata),
                    cache_control=immutable,
                    body=item.metadata,
                    size=len(item.metadata),
                ),
            )


def _etag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'
