from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from ppm.engine.errors import StorageError
from ppm.engine.index.cache import IndexCache
from ppm.engine.index.model import CoreMetadata, DistributionFile, ProjectPage, Release

INDEX = "https://index.example/simple/"
FILES = tuple(
    DistributionFile(
        filename=name,
        url=url,
        kind=kind,
        version=version,
        sha256=sha256,
        size=7,
        requires_python=">=3.9",
        yanked=yanked,
        upload_time="2026-05-01T09:00:00Z",
        metadata=metadata,
    )
    for name, url, kind, version, sha256, yanked, metadata in [
        ("a-1.0-py3-none-any.whl", "https://f.example/1/", "wheel", "1.0", "ab" * 32, None, "true"),
        ("a-1.0.0.tar.gz", "https://f.example/2/", "sdist", "1.0.0", "", "", ""),
        ("a-1.0+x-py3-none-any.whl", "https://g.example/", "wheel", "1.0", "", "bad", "cd" * 32),
    ]
)
FILES = (
    msgspec.structs.replace(FILES[0], url=FILES[0].url + FILES[0].filename),
    msgspec.structs.replace(FILES[1], url=FILES[1].url + FILES[1].filename),
    msgspec.structs.replace(FILES[2], url=FILES[2].url + "a-1.0%2Bx-py3-none-any.whl"),
)
PAGE = ProjectPage(
    name="a",
    index=INDEX,
    releases=(Release(version="1.0", files=FILES), Release(version="0.9", files=())),
    skipped=("x: y",),
    status="archived",
)
METADATA = CoreMetadata(
    name="a",
    version="1.0",
    requires_python="",
    requires_dist=("b",),
    provides_extra=("c",),
    origin="range",
    sha256="ef" * 32,
)


class Clock:
    def __init__(self) -> None:
        self.time = 1_000_000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


def another_run(root: Path, clock: Clock) -> IndexCache:
    return IndexCache(root, now=clock)


def entries(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def test_page_comes_back_as_it_was(tmp_path: Path, clock: Clock) -> None:
    IndexCache(tmp_path, now=clock).put_page(
        INDEX, "a", PAGE, etag='"1"', last_modified="yesterday", lifetime=600
    )
    found = another_run(tmp_path, clock).fresh_page(INDEX, "a")
    assert found is not None
    assert found.page == PAGE
    assert (found.etag, found.last_modified, found.lifetime) == ('"1"', "yesterday", 600)


def test_absence_is_kept_too(tmp_path: Path, clock: Clock) -> None:
    IndexCache(tmp_path, now=clock).put_page(INDEX, "a", None, lifetime=600)
    found = another_run(tmp_path, clock).fresh_page(INDEX, "a")
    assert found is not None
    assert found.page is None
    assert another_run(tmp_path, clock).fresh_page(INDEX, "b") is None


def test_page_gets_stale_but_stays_known(tmp_path: Path, clock: Clock) -> None:
    IndexCache(tmp_path, now=clock).put_page(INDEX, "a", PAGE, lifetime=600)
    clock.time += 599
    assert another_run(tmp_path, clock).fresh_page(INDEX, "a") is not None
    clock.time += 1
    later = another_run(tmp_path, clock)
    assert later.fresh_page(INDEX, "a") is None
    assert later.page(INDEX, "a") is not None


@pytest.mark.parametrize("lifetime", [0, None])
def test_what_was_learnt_in_this_run_holds_for_this_run(
    tmp_path: Path, clock: Clock, lifetime: float | None
) -> None:
    cache = IndexCache(tmp_path, now=clock)
    cache.put_page(INDEX, "a", PAGE, lifetime=600)
    cache.put_page(INDEX, "a", PAGE, lifetime=lifetime)
    clock.time += 10_000
    assert cache.fresh_page(INDEX, "a") is not None
    later = another_run(tmp_path, clock)
    assert later.fresh_page(INDEX, "a") is None
    assert (later.page(INDEX, "a") is None) is (lifetime is None)


def test_indexes_share_nothing(tmp_path: Path, clock: Clock) -> None:
    cache = IndexCache(tmp_path, now=clock)
    cache.put_page(INDEX, "a", PAGE, lifetime=600)
    assert cache.page("https://other.example/simple/", "a") is None


def test_metadata_comes_back_for_ever(tmp_path: Path, clock: Clock) -> None:
    IndexCache(tmp_path, now=clock).put_metadata(FILES[0], METADATA)
    clock.time += 10**9
    found = another_run(tmp_path, clock).metadata(FILES[0])
    assert found is not None
    assert found.metadata == METADATA


def test_problem_with_metadata_is_kept_too(tmp_path: Path, clock: Clock) -> None:
    IndexCache(tmp_path, now=clock).put_metadata(FILES[0], None, problem="it is broken")
    found = another_run(tmp_path, clock).metadata(FILES[0])
    assert found is not None
    assert (found.metadata, found.problem) == (None, "it is broken")


def test_signed_urls_of_one_file_share_metadata(tmp_path: Path, clock: Clock) -> None:
    cache = IndexCache(tmp_path, now=clock)
    signed = msgspec.structs.replace(FILES[0], url=FILES[0].url + "?sig=1")
    cache.put_metadata(signed, METADATA)
    again = msgspec.structs.replace(FILES[0], url=FILES[0].url + "?sig=2")
    assert cache.metadata(again) is not None


def test_no_host_speaks_for_anothers_file(tmp_path: Path, clock: Clock) -> None:
    cache = IndexCache(tmp_path, now=clock)
    elsewhere = msgspec.structs.replace(FILES[0], url="https://evil.example/" + FILES[0].filename)
    cache.put_metadata(elsewhere, METADATA)
    assert cache.metadata(FILES[0]) is None


def test_other_digest_is_another_file(tmp_path: Path, clock: Clock) -> None:
    cache = IndexCache(tmp_path, now=clock)
    cache.put_metadata(FILES[0], METADATA)
    assert cache.metadata(msgspec.structs.replace(FILES[0], sha256="00" * 32)) is None


@pytest.mark.parametrize(
    ("file", "metadata"),
    [
        (FILES[0], msgspec.structs.replace(METADATA, origin="build")),
        (msgspec.structs.replace(FILES[0], url="file:///wheels/a.whl"), METADATA),
    ],
)
def test_what_may_change_is_kept_for_this_run_only(
    tmp_path: Path, clock: Clock, file: DistributionFile, metadata: CoreMetadata
) -> None:
    cache = IndexCache(tmp_path, now=clock)
    cache.put_metadata(file, metadata)
    assert cache.metadata(file) is not None
    assert another_run(tmp_path, clock).metadata(file) is None


def filled(root: Path, clock: Clock) -> None:
    cache = IndexCache(root, now=clock)
    cache.put_page(INDEX, "a", PAGE, lifetime=600)
    cache.put_metadata(FILES[0], METADATA)


def test_damaged_entry_is_a_missing_one(tmp_path: Path, clock: Clock) -> None:
    filled(tmp_path, clock)
    for path in entries(tmp_path):
        whole = path.read_bytes()
        for place in range(0, len(whole), 7):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            cache = another_run(tmp_path, clock)
            assert cache.page(INDEX, "a") is None or "metadata" in str(path)
            assert cache.metadata(FILES[0]) is None or "pages" in str(path)
        path.write_bytes(whole[:-1])
        assert another_run(tmp_path, clock).page(INDEX, "a") is None or "metadata" in str(path)
        path.write_bytes(whole)


@pytest.mark.parametrize("data", [b"", b"\0", bytes(64)])
def test_entry_of_other_bytes_is_a_missing_one(tmp_path: Path, clock: Clock, data: bytes) -> None:
    filled(tmp_path, clock)
    for path in entries(tmp_path):
        path.write_bytes(data)
    cache = another_run(tmp_path, clock)
    assert cache.page(INDEX, "a") is None
    assert cache.metadata(FILES[0]) is None


def test_entry_of_another_format_is_a_missing_one(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path, clock)
    monkeypatch.setattr("ppm.engine.index.stored._FORMAT", 2)
    cache = another_run(tmp_path, clock)
    assert cache.page(INDEX, "a") is None
    assert cache.metadata(FILES[0]) is None


def test_entries_are_the_users_own_and_whole(tmp_path: Path, clock: Clock) -> None:
    filled(tmp_path / "index", clock)
    found = entries(tmp_path)
    assert len(found) == 2
    assert {path.suffix for path in found} == {".entry"}
    assert {path.stat().st_mode & 0o777 for path in found} == {0o600}


def test_cache_that_cannot_be_written_says_so(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "index").write_text("a file")
    with pytest.raises(StorageError):
        IndexCache(tmp_path / "index", now=clock).put_page(INDEX, "a", PAGE, lifetime=600)


def test_reading_the_cache_loads_no_network_and_no_parser(tmp_path: Path, clock: Clock) -> None:
    filled(tmp_path, clock)
    script = f"""
import sys
from pathlib import Path
from ppm.engine.index.cache import IndexCache
from ppm.engine.index.cached_source import CachedSource
source = CachedSource([{INDEX!r}], IndexCache(Path({str(tmp_path)!r})), offline=True)
source.metadata(source.page("a").releases[0].files[0])
heavy = {{"aiohttp", "asyncio", "packaging", "email", "ssl", "html", "pip"}}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
    subprocess.run([sys.executable, "-I", "-c", script], check=True)
