from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from support.wheels import build_wheel, core_metadata
from unit.index.distributions import described, large_wheel, sdist, static_pkg_info
from unit.index.loopback import Loopback, Reply

from ppm.engine.errors import IndexFailure
from ppm.engine.index.credentials import Credentials
from ppm.engine.index.ladder import MetadataLadder
from ppm.engine.index.metadata import parse_metadata
from ppm.engine.index.model import CoreMetadata, DistributionFile
from ppm.engine.index.transport import Transport


def climb(*files: DistributionFile, **hooks: Any) -> list[CoreMetadata]:
    async def run() -> list[CoreMetadata]:
        async with Transport(credentials=Credentials(), attempts=2) as transport:
            ladder = MetadataLadder(transport, **hooks)
            return [await ladder.metadata(file) for file in files]

    return asyncio.run(run())


def failure(file: DistributionFile, **hooks: Any) -> IndexFailure:
    with pytest.raises(IndexFailure) as caught:
        climb(file, **hooks)
    return caught.value


def served(
    server: Loopback, path: Path, *, ranges: bool = True, metadata: str = "", **headers: str
) -> DistributionFile:
    server.answers[f"/f/{path.name}"] = Reply(
        body=path.read_bytes(),
        ranges=ranges,
        headers={key.replace("_", "-"): value for key, value in headers.items()},
    )
    return described(path, f"{server.url}/f/{path.name}", metadata=metadata)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return build_wheel(tmp_path, "tin-can", "1.0", requires=["lid>=2"])


def with_sibling(server: Loopback, wheel: Path, sibling: bytes, digest: str) -> DistributionFile:
    file = served(server, wheel, metadata=digest)
    server.answers[f"/f/{wheel.name}.metadata"] = Reply(body=sibling)
    return file


def test_sibling_is_taken_first(server: Loopback, wheel: Path) -> None:
    sibling = core_metadata("tin-can", "1.0", requires=["from-sibling"]).encode()
    file = with_sibling(server, wheel, sibling, hashlib.sha256(sibling).hexdigest())
    [found] = climb(file)
    assert (found.origin, found.requires_dist) == ("sibling", ("from-sibling",))
    assert server.paths() == [f"/f/{wheel.name}.metadata"]


def test_sibling_stands_before_the_query(server: Loopback, wheel: Path) -> None:
    sibling = core_metadata("tin-can", "1.0").encode()
    server.answers[f"/f/{wheel.name}.metadata?sig=1"] = Reply(body=sibling)
    [found] = climb(described(wheel, f"{server.url}/f/{wheel.name}?sig=1", metadata="true"))
    assert found.origin == "sibling"


def test_sibling_with_another_digest_is_refused(server: Loopback, wheel: Path) -> None:
    sibling = core_metadata("tin-can", "1.0").encode()
    assert failure(with_sibling(server, wheel, sibling, "0" * 64)).code == "HASH_MISMATCH"


def test_sibling_of_another_project_is_refused(server: Loopback, wheel: Path) -> None:
    sibling = core_metadata("tin-cup", "1.0").encode()
    assert failure(with_sibling(server, wheel, sibling, "true")).code == "INVALID_METADATA"


@pytest.mark.parametrize("status", [404, 403])
def test_missing_sibling_leads_to_ranges(server: Loopback, wheel: Path, status: int) -> None:
    file = served(server, wheel, metadata="true")
    server.answers[f"/f/{wheel.name}.metadata"] = Reply(status=status)
    [found] = climb(file)
    assert (found.origin, found.requires_dist) == ("range", ("lid>=2",))


def test_one_range_request_is_enough_for_a_usual_wheel(server: Loopback, wheel: Path) -> None:
    [found] = climb(served(server, wheel))
    assert found.origin == "range"
    assert [asked.headers["Range"] for asked in server.asked] == ["bytes=-65536"]
    assert server.asked[0].headers["Accept-Encoding"] == "identity"


def test_far_metadata_takes_further_ranges_of_the_same_file(
    server: Loopback, tmp_path: Path
) -> None:
    path = large_wheel(tmp_path, "big", "1.0", requires=["lid"])
    [found] = climb(served(server, path, ETag='"v1"'))
    assert (found.origin, found.requires_dist) == ("range", ("lid",))
    assert len(server.asked) == 2
    assert server.asked[1].headers["If-Range"] == '"v1"'
    assert found.sha256 == climb(served(server, path, ranges=False))[0].sha256


def test_file_that_changes_between_ranges_is_taken_whole(server: Loopback, tmp_path: Path) -> None:
    path = large_wheel(tmp_path, "big", "1.0")
    file = served(server, path)
    body = path.read_bytes()
    server.answers[f"/f/{path.name}"] = [
        Reply(body=body, ranges=True, headers={"ETag": '"v1"'}),
        Reply(body=body, ranges=True, headers={"ETag": '"v2"'}),
    ]
    assert climb(file)[0].origin == "wheel"


def test_server_without_ranges_is_asked_for_them_once(server: Loopback, tmp_path: Path) -> None:
    names = ["one", "two", "three"]
    files = [served(server, build_wheel(tmp_path, name, "1"), ranges=False) for name in names]
    assert [found.origin for found in climb(*files)] == ["wheel"] * 3
    assert sum("Range" in asked.headers for asked in server.asked) == 1


@pytest.mark.parametrize(
    "content_range", ["", "bytes 0-9/10", "bytes */10", "items 0-1/2", "bytes 5-1/9"]
)
def test_part_that_is_not_what_was_asked_is_not_used(
    server: Loopback, wheel: Path, content_range: str
) -> None:
    file = served(server, wheel)
    lie = Reply(body=b"x" * 20, status=206, headers={"Content-Range": content_range})
    server.answers[f"/f/{wheel.name}"] = [lie, Reply(body=wheel.read_bytes())]
    assert climb(file)[0].origin == "wheel"


def test_size_other_than_promised_is_refused(server: Loopback, wheel: Path) -> None:
    file = served(server, wheel)
    server.answers[f"/f/{wheel.name}"] = Reply(body=wheel.read_bytes() + b"x", ranges=True)
    assert failure(file).code == "HASH_MISMATCH"


@pytest.mark.parametrize("body", [b"x", b"", None])
def test_download_that_is_not_what_was_promised_is_refused(
    server: Loopback, wheel: Path, body: bytes | None
) -> None:
    file = served(server, wheel, ranges=False)
    whole = wheel.read_bytes()
    server.answers[f"/f/{wheel.name}"] = Reply(body=whole[::-1] if body is None else whole + body)
    if body == b"":
        assert climb(file)[0].origin == "wheel"
    else:
        assert failure(file).code == "HASH_MISMATCH"


def test_download_leaves_nothing_behind(
    server: Loopback, wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "t"))
    (tmp_path / "t").mkdir()
    climb(served(server, wheel, ranges=False))
    assert list((tmp_path / "t").iterdir()) == []


def test_missing_file_is_told(server: Loopback, wheel: Path) -> None:
    assert failure(described(wheel, f"{server.url}/gone.whl")).code == "INDEX_HTTP_STATUS"


def test_whole_file_is_the_givers(server: Loopback, wheel: Path) -> None:
    async def give(_: DistributionFile) -> Path:
        await asyncio.sleep(0)
        return wheel

    file = served(server, wheel, ranges=False)
    assert climb(file, whole_file=give)[0].origin == "wheel"
    assert wheel.exists()
    assert len(server.asked) == 1


def test_wheel_on_this_machine_is_read_in_place(wheel: Path) -> None:
    assert climb(described(wheel, wheel.as_uri()))[0].origin == "wheel"


def test_static_sdist_needs_no_build(server: Loopback, tmp_path: Path) -> None:
    path = sdist(tmp_path, "tin_can", "1.0", static_pkg_info("tin-can", "1.0", ["lid"]))
    [found] = climb(served(server, path))
    assert (found.origin, found.requires_dist) == ("sdist", ("lid",))


def builder(text: str) -> Callable[[DistributionFile], Awaitable[CoreMetadata]]:
    async def build(_: DistributionFile) -> CoreMetadata:
        await asyncio.sleep(0)
        return parse_metadata(text.encode(), filename="a-1.tar.gz", origin="build")

    return build


def test_other_sdists_are_built_if_somebody_builds(server: Loopback, tmp_path: Path) -> None:
    file = served(server, sdist(tmp_path, "a", "1", None))
    assert failure(file).code == "NEEDS_BUILD"
    [found] = climb(file, build_metadata=builder(core_metadata("a", "1", requires=["b"])))
    assert (found.origin, found.requires_dist) == ("build", ("b",))


def test_build_of_something_else_is_refused(server: Loopback, tmp_path: Path) -> None:
    file = served(server, sdist(tmp_path, "c", "1", None))
    build = builder(core_metadata("a", "1"))
    assert failure(file, build_metadata=build).code == "INVALID_METADATA"
