"""What every package source does: the live index, the warm cache, and folders of both layouts.

One set of projects is published in four ways; each source answers the same questions about it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest
from support.wheels import build_wheel
from unit.index.distributions import large_wheel, sdist, static_pkg_info
from unit.index.loopback import Loopback, Reply

from ppm.engine.errors import IndexFailure
from ppm.engine.index.cache import IndexCache
from ppm.engine.index.cached_source import CachedSource
from ppm.engine.index.client import IndexClient
from ppm.engine.index.credentials import Credentials
from ppm.engine.index.folder import FolderSource
from ppm.engine.index.model import CoreMetadata, DistributionFile, ProjectPage
from ppm.engine.index.transport import Transport
from ppm.engine.index.urls import index_base
from ppm.engine.ports import PackageSource

NAMES = ("tin-can", "lid", "old")


class Source(Protocol):
    def page(self, name: str) -> ProjectPage: ...
    def metadata(self, file: DistributionFile) -> CoreMetadata: ...


class Live:
    """The live source, each question awaited to the end."""

    def __init__(self, index: str, cache: IndexCache) -> None:
        self._index = index
        self._cache = cache

    def page(self, name: str) -> ProjectPage:
        async def ask() -> ProjectPage:
            async with Transport(credentials=Credentials()) as transport:
                return await self._client(transport).page(name)

        return asyncio.run(ask())

    def metadata(self, file: DistributionFile) -> CoreMetadata:
        async def ask() -> CoreMetadata:
            async with Transport(credentials=Credentials()) as transport:
                return await self._client(transport).metadata(file)

        return asyncio.run(ask())

    def _client(self, transport: Transport) -> IndexClient:
        return IndexClient([self._index], transport=transport, cache=self._cache)


def publish(folder: Path) -> None:
    build_wheel(folder, "tin-can", "1.0", requires=["lid>=2"], requires_python=">=3.9")
    build_wheel(folder, "tin-can", "2.0rc1", requires=["lid>=3"], extras={"Big": ["opener"]})
    build_wheel(folder, "tin-can", "1.9", files={"wrong.py": ""}, requires_python="nonsense")
    large_wheel(folder, "lid", "3.0")
    sdist(folder, "lid", "2.0", static_pkg_info("lid", "2.0", ["hinge"]))
    sdist(folder, "old", "1.0", None)
    (folder / "tin_can-1.0.exe").write_bytes(b"")


def html_page(folder: Path, name: str) -> str:
    stem = name.replace("-", "_")
    return "".join(
        f'<a href="../../files/{path.name}#sha256={hashlib.sha256(path.read_bytes()).hexdigest()}">'
        for path in sorted(folder.glob(f"{stem}-*"))
    )


@pytest.fixture
def files(tmp_path: Path) -> Path:
    publish(tmp_path / "files")
    return tmp_path / "files"


@pytest.fixture
def served(files: Path) -> Iterator[str]:
    with Loopback() as server:
        for path in files.iterdir():
            server.answers[f"/files/{path.name}"] = Reply(body=path.read_bytes(), ranges=True)
        for name in NAMES:
            server.answers[f"/simple/{name}/"] = Reply(
                body=html_page(files, name).encode(), headers={"Content-Type": "text/html"}
            )
        yield f"{server.url}/simple/"


def live(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    return Live(request.getfixturevalue("served"), IndexCache(tmp_path / "index"))


def cached(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    """The cache after a live source was asked everything, and the index is gone."""
    index = request.getfixturevalue("served")
    learning = Live(index, IndexCache(tmp_path / "index"))
    for name in [*NAMES, "nobody"]:
        for file in all_files(learning, name):
            answer_of(learning, file)
    return CachedSource([index], IndexCache(tmp_path / "index"))


def flat_folder(request: pytest.FixtureRequest, _: Path) -> Source:
    return FolderSource(index_base(str(request.getfixturevalue("files"))))


def tree_folder(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    files = request.getfixturevalue("files")
    for name in NAMES:
        page = tmp_path / "simple" / name / "index.html"
        page.parent.mkdir(parents=True)
        page.write_text(html_page(files, name))
    return FolderSource(index_base(str(tmp_path / "simple")))


def cached_folder(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    folder = index_base(str(request.getfixturevalue("files")))
    return CachedSource([folder], IndexCache(tmp_path / "index"))


def all_files(source: Source, name: str) -> list[DistributionFile]:
    try:
        return [file for release in source.page(name).releases for file in release.files]
    except IndexFailure:
        return []


def answer_of(source: Source, file: DistributionFile) -> CoreMetadata | str:
    try:
        return source.metadata(file)
    except IndexFailure as failure:
        return failure.code


Make = Callable[[pytest.FixtureRequest, Path], Source]


@pytest.fixture(params=[live, cached, flat_folder, tree_folder, cached_folder])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> PackageSource:
    make: Make = request.param
    return make(request, tmp_path)


def file_of(source: PackageSource, name: str, version: str) -> DistributionFile:
    [release] = [r for r in source.page(name).releases if r.version == version]
    return release.files[0]


def test_page_lists_releases_newest_first(source: PackageSource) -> None:
    page = source.page("tin-can")
    assert page.name == "tin-can"
    assert [release.version for release in page.releases] == ["2.0rc1", "1.9", "1.0"]
    assert page.status == "active"


def test_page_names_the_index_it_came_from(source: PackageSource) -> None:
    page = source.page("tin-can")
    assert page.index.endswith("/")
    assert "@" not in page.index


def test_files_say_what_they_are(source: PackageSource) -> None:
    files = [file for release in source.page("lid").releases for file in release.files]
    assert [(file.kind, file.version) for file in files] == [("wheel", "3.0"), ("sdist", "2.0")]
    assert all(file.url.endswith("/" + file.filename) for file in files)
    assert all(file.yanked is None for file in files)


def test_same_question_same_answer(source: PackageSource) -> None:
    assert source.page("lid") == source.page("lid")
    file = file_of(source, "lid", "3.0")
    assert source.metadata(file) == source.metadata(file)


def test_unknown_project_is_told_by_its_code(source: PackageSource) -> None:
    with pytest.raises(IndexFailure) as caught:
        source.page("nobody")
    assert caught.value.code == "UNKNOWN_PACKAGE"
    assert caught.value.hint


def test_metadata_of_a_wheel(source: PackageSource) -> None:
    found = source.metadata(file_of(source, "tin-can", "1.0"))
    assert (found.name, found.version, found.requires_python) == ("tin-can", "1.0", ">=3.9")
    assert found.requires_dist == ("lid>=2",)
    assert len(found.sha256) == 64


def test_extras_are_normalised(source: PackageSource) -> None:
    assert source.metadata(file_of(source, "tin-can", "2.0rc1")).provides_extra == ("big",)


def test_metadata_far_from_the_end_of_a_wheel(source: PackageSource) -> None:
    assert source.metadata(file_of(source, "lid", "3.0")).version == "3.0"


def test_static_metadata_of_a_source_distribution(source: PackageSource) -> None:
    found = source.metadata(file_of(source, "lid", "2.0"))
    assert (found.origin, found.requires_dist) == ("sdist", ("hinge",))


def test_file_with_invalid_metadata_is_told_by_its_code(source: PackageSource) -> None:
    with pytest.raises(IndexFailure) as caught:
        source.metadata(file_of(source, "tin-can", "1.9"))
    assert caught.value.code == "INVALID_METADATA"
    assert "nonsense" in caught.value.message
    assert caught.value.hint
