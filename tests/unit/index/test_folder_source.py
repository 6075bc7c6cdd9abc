from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from support.wheels import build_wheel
from unit.index.distributions import sdist, static_pkg_info

from ppm.engine.errors import IndexFailure
from ppm.engine.index.cache import IndexCache
from ppm.engine.index.client import IndexClient
from ppm.engine.index.credentials import Credentials
from ppm.engine.index.folder import FolderSource
from ppm.engine.index.transport import Transport
from ppm.engine.index.urls import index_base


def source(folder: Path) -> FolderSource:
    return FolderSource(index_base(str(folder)))


def test_wheels_side_by_side_are_an_index(tmp_path: Path) -> None:
    for version in ("1.0", "1.10", "1.9"):
        build_wheel(tmp_path, "Tin.Can", version)
    build_wheel(tmp_path, "other", "1.0")
    (tmp_path / "notes.txt").write_text("hello")
    page = source(tmp_path).page("tin-can")
    assert [release.version for release in page.releases] == ["1.10", "1.9", "1.0"]
    [file] = page.releases[0].files
    assert file.url == (tmp_path / file.filename).as_uri()
    assert file.size == (tmp_path / file.filename).stat().st_size
    assert page.index == tmp_path.as_uri() + "/"


def test_tree_of_html_pages_is_an_index(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path / "files", "tin-can", "1.0", requires=["lid"])
    page_file = tmp_path / "simple/tin-can/index.html"
    page_file.parent.mkdir(parents=True)
    page_file.write_text(f'<a href="../../files/{wheel.name}#sha256={"ab" * 32}">x</a>')
    found = source(tmp_path / "simple")
    [file] = found.page("tin-can").releases[0].files
    assert (file.url, file.sha256) == (wheel.as_uri(), "ab" * 32)
    assert found.metadata(file).requires_dist == ("lid",)


def test_json_page_goes_before_html(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/index.html").write_text('<a href="a-1.tar.gz">x</a>')
    entry = {"filename": "a-2.tar.gz", "url": "a-2.tar.gz", "hashes": {}}
    page = {"meta": {"api-version": "1.0"}, "name": "a", "files": [entry]}
    (tmp_path / "a/index.json").write_text(json.dumps(page))
    assert [release.version for release in source(tmp_path).page("a").releases] == ["2"]


def test_projects_folder_without_page_is_listed(tmp_path: Path) -> None:
    build_wheel(tmp_path / "a", "a", "1")
    assert source(tmp_path).page("a").releases[0].version == "1"


def test_local_page_may_name_files_of_the_web(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/index.html").write_text('<a href="https://f.example/a-1.tar.gz">x</a>')
    [file] = source(tmp_path).page("a").releases[0].files
    assert file.url == "https://f.example/a-1.tar.gz"


def test_unknown_project_and_missing_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(IndexFailure) as caught:
        source(tmp_path).page("a")
    assert caught.value.code == "UNKNOWN_PACKAGE"
    with pytest.raises(IndexFailure) as caught:
        source(tmp_path / "gone").page("a")
    assert caught.value.code == "INDEX_UNREACHABLE"


def test_file_that_is_gone_is_told(tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path, "a", "1")
    found = source(tmp_path)
    [file] = found.page("a").releases[0].files
    wheel.unlink()
    with pytest.raises(IndexFailure) as caught:
        found.metadata(file)
    assert caught.value.code == "INDEX_UNREACHABLE"


def test_paths_may_hold_any_sign(tmp_path: Path) -> None:
    build_wheel(tmp_path / "a b#é%20", "a", "1+local", requires=["b"])
    found = source(tmp_path / "a b#é%20")
    [file] = found.page("a").releases[0].files
    assert found.metadata(file).requires_dist == ("b",)


def test_client_over_a_folder_asks_nobody(tmp_path: Path) -> None:
    sdist(tmp_path, "a", "1", static_pkg_info("a", "1", ["b"]))

    async def run() -> None:
        async with Transport(credentials=Credentials()) as transport:
            client = IndexClient(
                [index_base(str(tmp_path))], transport=transport, cache=IndexCache(tmp_path / "c")
            )
            page = await client.page("a")
            metadata = await client.metadata(page.releases[0].files[0])
            assert (metadata.origin, metadata.requires_dist) == ("sdist", ("b",))
            assert client.requests == 0

    asyncio.run(run())
    assert not (tmp_path / "c").exists()
