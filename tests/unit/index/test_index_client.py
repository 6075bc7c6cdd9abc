from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from support.wheels import build_wheel, core_metadata
from unit.index.distributions import described
from unit.index.loopback import Loopback, Reply

from ppm.engine.errors import IndexFailure
from ppm.engine.index.cache import IndexCache
from ppm.engine.index.cached_source import CachedSource
from ppm.engine.index.client import IndexClient
from ppm.engine.index.credentials import Credentials
from ppm.engine.index.model import ProjectPage
from ppm.engine.index.transport import Transport
from ppm.engine.ports import NotCached

_Result = TypeVar("_Result")
LINK = '<a href="../../f/a-{}-py3-none-any.whl">x</a>'


class Machine:
    """A cache that outlives its runs, each with a client of its own."""

    def __init__(self, root: Path, *indexes: str) -> None:
        self.root = root
        self.time = 1_000_000.0
        self.indexes = indexes
        self.options: dict[str, Any] = {}
        self.cache = self.new_cache()

    def new_cache(self) -> IndexCache:
        return IndexCache(self.root, now=lambda: self.time)

    def run(self, question: Callable[[IndexClient], Awaitable[_Result]]) -> _Result:
        async def run() -> _Result:
            async with Transport(credentials=Credentials(), attempts=2) as transport:
                self.cache = self.new_cache()
                client = IndexClient(
                    self.indexes, transport=transport, cache=self.cache, **self.options
                )
                return await question(client)

        return asyncio.run(run())

    def page(self, name: str = "a") -> ProjectPage:
        return self.run(lambda client: client.page(name))

    def failure(self, name: str = "a") -> IndexFailure:
        with pytest.raises(IndexFailure) as caught:
            self.page(name)
        assert caught.value.hint
        return caught.value


@pytest.fixture
def machine(tmp_path: Path, server: Loopback) -> Machine:
    return Machine(tmp_path / "index", f"{server.url}/simple/")


@pytest.fixture
def two(tmp_path: Path, server: Loopback, other_server: Loopback) -> Machine:
    return Machine(tmp_path / "index", f"{server.url}/one/", f"{other_server.url}/two/")


def html(*versions: str, **headers: str) -> Reply:
    body = "".join(LINK.format(version) for version in versions)
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return Reply(body=body.encode(), headers={"Content-Type": "text/html", **named})


def versions(page: ProjectPage) -> list[str]:
    return [release.version for release in page.releases]


def test_page_is_asked_for_at_its_normal_name(machine: Machine, server: Loopback) -> None:
    server.answers["/simple/a/"] = html("1", "2")
    page = machine.page()
    assert (page.index, versions(page)) == (machine.indexes[0], ["2", "1"])
    assert page.releases[0].files[0].url == f"{server.url}/f/a-2-py3-none-any.whl"
    asked = server.asked[0].headers
    assert asked["Accept"].startswith("application/vnd.pypi.simple.v1+json, ")
    assert asked["Accept-Encoding"] == "gzip"


def test_relative_urls_count_from_where_the_answer_came_from(
    machine: Machine, server: Loopback, other_server: Loopback
) -> None:
    moved = f"{other_server.url}/x/y/z/"
    server.answers["/simple/a/"] = Reply(status=301, headers={"Location": moved})
    other_server.answers["/x/y/z/"] = html("1")
    page = machine.page()
    assert page.index == machine.indexes[0]
    assert page.releases[0].files[0].url == f"{other_server.url}/x/f/a-1-py3-none-any.whl"


def test_questions_in_flight_are_asked_once(machine: Machine, server: Loopback) -> None:
    server.answers["/simple/a/"] = Reply(**{**html("1").__dict__, "silent_for": 0.1})

    async def ask(client: IndexClient) -> int:
        await asyncio.gather(*(client.page("a") for _ in range(20)))
        await client.page("a")
        return client.requests

    assert machine.run(ask) == 1


def test_hundred_projects_are_asked_for_together(machine: Machine, server: Loopback) -> None:
    names = [f"p{number}" for number in range(100)]
    for name in names:
        body = f'<a href="{name}-1-py3-none-any.whl">x</a>'.encode()
        headers = {"Content-Type": "text/html"}
        server.answers[f"/simple/{name}/"] = Reply(body=body, headers=headers, silent_for=0.1)

    async def ask(client: IndexClient) -> list[ProjectPage]:
        return await asyncio.wait_for(asyncio.gather(*map(client.page, names)), 5)

    assert [page.name for page in machine.run(ask)] == names


def test_fresh_page_needs_no_request(machine: Machine, server: Loopback) -> None:
    server.answers["/simple/a/"] = html("1", Cache_Control="max-age=60")
    machine.page()
    machine.time += 59
    machine.page()
    assert len(server.asked) == 1
    machine.time += 2
    machine.page()
    assert len(server.asked) == 2


def test_page_without_caching_headers_is_fresh_for_ten_minutes(
    machine: Machine, server: Loopback
) -> None:
    server.answers["/simple/a/"] = html("1")
    machine.page()
    machine.time += 599
    machine.page()
    assert len(server.asked) == 1
    machine.time += 2
    machine.page()
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("validator", "condition", "value"),
    [
        ("ETag", "If-None-Match", '"v1"'),
        ("Last-Modified", "If-Modified-Since", "Sun, 22 Nov 2026 10:00:00 GMT"),
    ],
)
def test_stale_page_is_confirmed_and_then_fresh_again(
    machine: Machine, server: Loopback, validator: str, condition: str, value: str
) -> None:
    said = {validator.replace("-", "_"): value}
    server.answers["/simple/a/"] = [
        html("1", Cache_Control="max-age=60", **said),
        Reply(status=304),
        html("2"),
    ]
    first = machine.page()
    machine.time += 61
    assert machine.page() == first
    assert server.asked[1].headers[condition] == value
    machine.time += 59
    assert machine.page() == first
    assert len(server.asked) == 2
    machine.time += 2
    assert versions(machine.page()) == ["2"]
    assert server.asked[2].headers[condition] == value


@pytest.mark.parametrize("control", ["no-cache", "no-store", "max-age=0"])
def test_page_that_may_not_be_reused_is_asked_for_in_each_run(
    machine: Machine, server: Loopback, control: str
) -> None:
    server.answers["/simple/a/"] = html("1", Cache_Control=control)
    machine.page()
    machine.page()
    assert len(server.asked) == 2
    assert (not list(machine.root.rglob("*.entry"))) is (control == "no-store")


def test_confirmation_nobody_asked_for_is_an_error(machine: Machine, server: Loopback) -> None:
    server.answers["/simple/a/"] = Reply(status=304)
    assert machine.failure().code == "INDEX_HTTP_STATUS"


def test_damaged_entry_is_fetched_again(machine: Machine, server: Loopback) -> None:
    server.answers["/simple/a/"] = html("1")
    first = machine.page()
    for path in machine.root.rglob("*.entry"):
        path.write_bytes(b"damaged")
    assert machine.page() == first
    assert len(server.asked) == 2


def test_first_index_that_has_the_project_answers(
    two: Machine, server: Loopback, other_server: Loopback
) -> None:
    server.answers["/one/a/"] = html("1")
    other_server.answers["/two/a/"] = html("99")
    assert versions(two.page()) == ["1"]
    assert other_server.asked == []


def test_only_not_found_leads_to_the_next_index(
    two: Machine, server: Loopback, other_server: Loopback
) -> None:
    other_server.answers["/two/a/"] = html("99")
    assert two.page().index == two.indexes[1]
    two.page()
    assert server.paths() == ["/one/a/"]
    assert other_server.paths() == ["/two/a/"]


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "INDEX_UNAUTHORIZED"),
        (403, "INDEX_UNAUTHORIZED"),
        (406, "INDEX_HTTP_STATUS"),
        (500, "INDEX_HTTP_STATUS"),
    ],
)
def test_trouble_with_one_index_lets_no_other_slip_in(
    two: Machine, server: Loopback, other_server: Loopback, status: int, code: str
) -> None:
    server.answers["/one/a/"] = Reply(status=status)
    other_server.answers["/two/a/"] = html("99")
    assert two.failure().code == code
    assert other_server.asked == []


HTML_LIST = (b'<a href="B_b/">B_b</a>\n<a href="/one/c">c</a>', "text/html")
JSON_LIST = (
    b'{"meta": {"api-version": "1.0"}, "projects": [{"name": "B.b"}]}',
    "application/vnd.pypi.simple.v1+json",
)


@pytest.mark.parametrize("listing", [HTML_LIST, JSON_LIST])
def test_forbidden_means_absent_where_that_is_declared_and_not_listed(
    two: Machine, server: Loopback, other_server: Loopback, listing: tuple[bytes, str]
) -> None:
    two.options = {"forbidden_is_absent": [two.indexes[0]]}
    server.answers["/one/"] = Reply(body=listing[0], headers={"Content-Type": listing[1]})
    server.answers["/one/a/"] = Reply(status=403)
    other_server.answers["/two/a/"] = html("99")
    assert two.page().releases[0].version == "99"


@pytest.mark.parametrize(
    ("status", "listing"),
    [
        (401, Reply(body=HTML_LIST[0], headers={"Content-Type": "text/html"})),
        (403, Reply(body=b'<a href="a/">a</a>', headers={"Content-Type": "text/html"})),
        (403, Reply(body=b"no list", headers={"Content-Type": "text/html"})),
        (403, Reply(body=b"[]", headers={"Content-Type": "application/json"})),
        (403, Reply(status=403)),
        (403, Reply(status=404)),
    ],
)
def test_a_refusal_that_the_list_does_not_explain_lets_no_other_index_slip_in(
    two: Machine, server: Loopback, other_server: Loopback, status: int, listing: Reply
) -> None:
    two.options = {"forbidden_is_absent": [two.indexes[0]]}
    server.answers["/one/"] = listing
    server.answers["/one/a/"] = Reply(status=status)
    other_server.answers["/two/a/"] = html("99")
    assert two.failure().code == "INDEX_UNAUTHORIZED"
    assert other_server.asked == []


def test_unknown_project_is_told_with_the_indexes_asked(two: Machine) -> None:
    raised = two.failure()
    assert raised.code == "UNKNOWN_PACKAGE"
    assert two.indexes[0] in raised.message
    assert two.indexes[1] in raised.message


def test_error_page_with_status_200_is_refused(machine: Machine, server: Loopback) -> None:
    server.answers["/simple/a/"] = Reply(body=b"{}", headers={"Content-Type": "application/json"})
    assert machine.failure().code == "INDEX_CONTENT"
    assert not list(machine.root.rglob("*.entry"))


def test_offline_takes_pages_of_any_age(machine: Machine, server: Loopback) -> None:
    server.answers["/simple/a/"] = html("1")
    first = machine.page()
    machine.time += 10**8
    machine.options = {"offline": True}
    assert machine.page() == first
    assert machine.failure("b").code == "OFFLINE"
    assert len(server.asked) == 1


def test_index_never_asked_before_is_not_passed_over(two: Machine, other_server: Loopback) -> None:
    other_server.answers["/two/a/"] = html("99")
    first, second = two.indexes
    two.indexes = (second,)
    two.page()
    two.indexes = (first, second)
    two.options = {"offline": True}
    assert two.failure().code == "OFFLINE"
    with pytest.raises(NotCached):
        CachedSource(two.indexes, two.cache).page("a")


def test_what_a_client_learns_its_cached_source_knows(machine: Machine, server: Loopback) -> None:
    server.answers["/simple/a/"] = html("1", Cache_Control="no-store")
    with pytest.raises(NotCached):
        CachedSource(machine.indexes, machine.cache).page("a")
    page = machine.page()
    assert CachedSource(machine.indexes, machine.cache).page("a") is page
    with pytest.raises(NotCached):
        CachedSource(machine.indexes, machine.new_cache()).page("a")


def test_metadata_is_fetched_once_and_for_ever(
    machine: Machine, server: Loopback, tmp_path: Path
) -> None:
    wheel = build_wheel(tmp_path, "a", "1", requires=["b"])
    server.answers["/f/a.whl"] = Reply(body=wheel.read_bytes(), ranges=True)
    file = described(wheel, f"{server.url}/f/a.whl")

    async def ask(client: IndexClient) -> int:
        found = await asyncio.gather(*(client.metadata(file) for _ in range(5)))
        assert {metadata.requires_dist for metadata in found} == {("b",)}
        return client.requests

    assert machine.run(ask) == 1
    machine.time += 10**8
    assert machine.run(ask) == 0
    machine.options = {"offline": True}
    assert machine.run(ask) == 0


def test_file_without_usable_metadata_is_remembered(
    machine: Machine, server: Loopback, tmp_path: Path
) -> None:
    wheel = build_wheel(tmp_path, "a", "1")
    sibling = core_metadata("a", "1", requires_python="nonsense").encode()
    server.answers["/f/a.whl.metadata"] = Reply(body=sibling)
    file = described(wheel, f"{server.url}/f/a.whl", metadata="true")
    for _ in range(2):
        with pytest.raises(IndexFailure) as caught:
            machine.run(lambda client: client.metadata(file))
        assert caught.value.code == "INVALID_METADATA"
    assert len(server.asked) == 1


def test_lie_about_a_digest_is_not_remembered(
    machine: Machine, server: Loopback, tmp_path: Path
) -> None:
    wheel = build_wheel(tmp_path, "a", "1")
    server.answers["/f/a.whl.metadata"] = Reply(body=core_metadata("a", "1").encode())
    file = described(wheel, f"{server.url}/f/a.whl", metadata="00" * 32)
    for _ in range(2):
        with pytest.raises(IndexFailure) as caught:
            machine.run(lambda client: client.metadata(file))
        assert caught.value.code == "HASH_MISMATCH"
    assert len(server.asked) == 2


def test_logins_are_sent_and_kept_nowhere(tmp_path: Path, server: Loopback) -> None:
    server.answers["/simple/a/"] = html("1")
    credentials = Credentials()
    index = credentials.add(f"http://user:hunter2@127.0.0.1:{server.port}/simple/")

    async def run() -> ProjectPage:
        async with Transport(credentials=credentials) as transport:
            cache = IndexCache(tmp_path)
            return await IndexClient([index], transport=transport, cache=cache).page("a")

    page = asyncio.run(run())
    assert "Authorization" in server.asked[0].headers
    assert "hunter2" not in repr(page)
    assert all(b"hunter2" not in path.read_bytes() for path in tmp_path.rglob("*.entry"))
