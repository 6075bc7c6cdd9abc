"""The package index of the tests and the benchmark answers as the specifications say."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from index_site import HTML_TYPE, JSON_TYPE
from local_index import Fault, IndexProcess, LocalIndex
from support.wheels import build_wheel

WHEEL = "/files/tin_can-1.0-py3-none-any.whl"
PAGE = "/simple/tin-can/"


@pytest.fixture
def index(tmp_path: Path) -> Iterator[LocalIndex]:
    folder = tmp_path / "wheels"
    path = build_wheel(folder, "tin.can", "1.0", requires=["lid>=2"], requires_python=">=3.9")
    os.utime(path, (1_800_000_000, 1_800_000_000))
    with LocalIndex(folder) as running:
        yield running


class Client:
    """One kept connection."""

    def __init__(self, index: LocalIndex) -> None:
        self.connection = http.client.HTTPConnection(index.origin.removeprefix("http://"))

    def get(
        self, path: str, method: str = "GET", **headers: str
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, path, headers=named)
        answer = self.connection.getresponse()
        return answer.status, answer.headers, answer.read()


@pytest.fixture
def client(index: LocalIndex) -> Iterator[Client]:
    talking = Client(index)
    yield talking
    talking.connection.close()


def test_json_page_lists_sizes_hashes_metadata_and_upload_time(
    index: LocalIndex, client: Client
) -> None:
    status, headers, body = client.get(PAGE, accept=JSON_TYPE)
    content = (index.folder / Path(WHEEL).name).read_bytes()
    _, _, metadata = client.get(WHEEL + ".metadata")
    assert (status, headers["Content-Type"]) == (200, JSON_TYPE)
    assert headers["Cache-Control"] == "max-age=600, public"
    assert json.loads(body) == {
        "meta": {"api-version": "1.1"},
        "name": "tin-can",
        "versions": ["1.0"],
        "files": [
            {
                "filename": Path(WHEEL).name,
                "url": "../.." + WHEEL,
                "hashes": {"sha256": hashlib.sha256(content).hexdigest()},
                "size": len(content),
                "upload-time": "2027-01-15T08:00:00Z",
                "yanked": False,
                "requires-python": ">=3.9",
                "core-metadata": {"sha256": hashlib.sha256(metadata).hexdigest()},
            }
        ],
    }


def test_html_is_served_where_json_is_not_wanted_or_not_offered(
    index: LocalIndex, client: Client
) -> None:
    _, wanted, body = client.get(PAGE, accept=f"{JSON_TYPE};q=0.1, {HTML_TYPE}")
    index.offer(json=False)
    _, offered, _ = client.get(PAGE, accept=JSON_TYPE)
    assert (wanted["Content-Type"], offered["Content-Type"]) == (HTML_TYPE, "text/html")
    assert b'data-requires-python="&gt;=3.9"' in body


def test_features_switched_off_leave_no_trace(index: LocalIndex, client: Client) -> None:
    index.offer(hashes=False, metadata=False, ranges=False)
    entry = json.loads(client.get(PAGE, accept=JSON_TYPE)[2])["files"][0]
    status, headers, _ = client.get(WHEEL, range="bytes=-4")
    assert entry["hashes"] == {}
    assert "core-metadata" not in entry
    assert client.get(WHEEL + ".metadata")[0] == 404
    assert (status, headers["Accept-Ranges"]) == (200, None)


@pytest.mark.parametrize(
    ("wanted", "start", "stop"),
    [("bytes=2-5", 2, 6), ("bytes=-7", -7, None), ("bytes=9-", 9, None)],
)
def test_ranges(
    index: LocalIndex, client: Client, wanted: str, start: int, stop: int | None
) -> None:
    content = (index.folder / Path(WHEEL).name).read_bytes()
    status, headers, body = client.get(WHEEL, range=wanted)
    first = start % len(content)
    assert (status, body) == (206, content[start:stop])
    assert headers["Content-Range"] == f"bytes {first}-{first + len(body) - 1}/{len(content)}"


def test_ranges_that_cannot_be_had(index: LocalIndex, client: Client) -> None:
    size = (index.folder / Path(WHEEL).name).stat().st_size
    status, headers, _ = client.get(WHEEL, range=f"bytes={size}-")
    changed, _, whole = client.get(WHEEL, range="bytes=0-3", if_range='"another"')
    assert (status, headers["Content-Range"]) == (416, f"bytes */{size}")
    assert (changed, len(whole)) == (200, size)


def test_entity_tags_save_the_body(client: Client) -> None:
    _, headers, _ = client.get(PAGE, accept=JSON_TYPE)
    status, _, body = client.get(PAGE, accept=JSON_TYPE, if_none_match=headers["ETag"])
    assert (status, body) == (304, b"")


def test_yanked_and_added_files_show_after_a_refresh(index: LocalIndex, client: Client) -> None:
    build_wheel(index.folder, "lid", "2.0+local.1")
    (index.folder / (Path(WHEEL).name + ".yanked")).write_text("rusty", encoding="utf-8")
    index.refresh()
    entry = json.loads(client.get(PAGE, accept=JSON_TYPE)[2])["files"][0]
    lid = json.loads(client.get("/simple/lid/", accept=JSON_TYPE)[2])["files"][0]
    assert entry["yanked"] == "rusty"
    assert client.get(lid["url"].removeprefix("../.."))[0] == 200
    assert "%2B" in lid["url"]


def test_credentials_are_asked_for(index: LocalIndex, client: Client) -> None:
    index.offer(credentials="ann:secret")
    assert client.get(PAGE)[0] == 401
    assert client.get(PAGE, authorization="Basic YW5uOnNlY3JldA==")[0] == 200


def test_faults_end_after_their_times(index: LocalIndex, client: Client) -> None:
    index.break_path(Fault(path=PAGE, status=503, headers={"Retry-After": "0"}, times=2))
    statuses = [client.get(PAGE)[0] for _ in range(3)]
    assert statuses == [503, 503, 200]


def test_a_truncated_answer_breaks_the_connection(index: LocalIndex, client: Client) -> None:
    index.break_path(Fault(path="/files/*", truncate=10))
    with pytest.raises(http.client.IncompleteRead) as broken:
        client.get(WHEEL)
    assert len(broken.value.partial) == 10


def test_wrong_bytes_are_served_whole_and_in_ranges(index: LocalIndex, client: Client) -> None:
    index.break_path(Fault(path=WHEEL, body=b"not a wheel"))
    assert client.get(WHEEL)[2] == b"not a wheel"
    assert client.get(WHEEL, range="bytes=-5")[2] == b"wheel"


def test_a_stalled_answer_stalls_no_other_and_no_shutdown(index: LocalIndex) -> None:
    index.break_path(Fault(path=WHEEL, delay=600, after=4))
    stalled, other = Client(index), Client(index)
    stalled.connection.request("GET", WHEEL)
    answer = stalled.connection.getresponse()
    assert answer.read(4) == (index.folder / Path(WHEEL).name).read_bytes()[:4]
    assert other.get(PAGE)[0] == 200
    index.__exit__(None, None, None)
    stalled.connection.close()
    other.connection.close()
    assert index.idle


def test_requests_are_counted_by_kind(index: LocalIndex, client: Client) -> None:
    client.get(PAGE, method="HEAD", accept=JSON_TYPE)
    for path in (PAGE, WHEEL, WHEEL + ".metadata", "/simple/nobody/"):
        client.get(path)
    client.get(WHEEL, range="bytes=-4")
    assert index.counts() == {"page": 2, "file": 2, "metadata": 1, "other": 1, "range": 1}
    assert [request.path for request in index.requests if request.range] == [WHEEL]


def test_large_files_arrive_whole(index: LocalIndex, client: Client) -> None:
    content = os.urandom(3_000_000)
    (index.folder / "large-1-py3-none-any.whl").write_bytes(content)
    index.refresh()
    assert client.get("/files/large-1-py3-none-any.whl")[2] == content


def test_the_same_index_as_a_process_of_its_own(index: LocalIndex) -> None:
    with IndexProcess(index.folder, "--no-json") as other:
        connection = http.client.HTTPConnection(other.url.split("/")[2])
        connection.request("GET", PAGE, headers={"Accept": JSON_TYPE})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        assert answer.headers["Content-Type"] == "text/html"
        assert other.counts() == {"page": 1, "range": 0}
