from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from unit.index.certificates import self_signed
from unit.index.loopback import Loopback, Reply

from ppm.engine.errors import IndexFailure
from ppm.engine.index.credentials import Credentials
from ppm.engine.index.response import TransportResponse
from ppm.engine.index.transport import Transport

_SECRET = "hunter2"


def read(
    url: str,
    *,
    credentials: Credentials | None = None,
    ca_file: str | None = None,
    headers: Mapping[str, str] = {},
    limit: int = 1 << 20,
    idle_timeout: float = 30.0,
    attempts: int = 4,
) -> tuple[TransportResponse, bytes]:
    async def run() -> tuple[TransportResponse, bytes]:
        async with Transport(
            credentials=credentials or Credentials(),
            ca_file=ca_file,
            idle_timeout=idle_timeout,
            attempts=attempts,
        ) as transport:
            return await transport.read(url, headers, limit=limit)

    return asyncio.run(run())


def failure(url: str, **options: object) -> IndexFailure:
    with pytest.raises(IndexFailure) as caught:
        read(url, **options)  # type: ignore[arg-type]
    assert caught.value.hint
    assert _SECRET not in caught.value.message
    return caught.value


def redirect(target: str, status: int = 302) -> Reply:
    return Reply(status=status, headers={"Location": target})


def test_get_gives_status_headers_and_body(server: Loopback) -> None:
    server.answers["/page"] = Reply(body=b"hello", headers={"ETag": '"1"'})
    response, body = read(f"{server.url}/page#fragment")
    assert (response.status, response.headers["etag"], body) == (200, '"1"', b"hello")
    assert response.url == f"{server.url}/page"
    assert server.asked[0].headers["Accept-Encoding"] == "identity"
    assert "Authorization" not in server.asked[0].headers


def test_not_found_is_the_callers_to_judge(server: Loopback) -> None:
    response, _ = read(f"{server.url}/missing")
    assert response.status == 404
    assert response.unexpected().code == "INDEX_HTTP_STATUS"


def test_redirects_are_followed_and_the_final_url_told(server: Loopback) -> None:
    server.answers["/a/b"] = redirect("../c", 301)
    server.answers["/c"] = Reply(body=b"there")
    response, body = read(f"{server.url}/a/b")
    assert (response.url, body) == (f"{server.url}/c", b"there")


def test_eleven_redirects_are_one_too_many(server: Loopback) -> None:
    server.answers["/loop"] = redirect("/loop")
    assert failure(f"{server.url}/loop").code == "INDEX_REDIRECT"
    assert len(server.asked) == 11


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://index.example/x", "http:///x"])
def test_redirect_to_anything_but_the_web_is_refused(server: Loopback, target: str) -> None:
    server.answers["/x"] = redirect(target)
    assert failure(f"{server.url}/x").code == "INDEX_REDIRECT"


def test_login_of_a_url_is_sent_to_its_origin_only(
    server: Loopback, other_server: Loopback
) -> None:
    index = f"http://user:{_SECRET}@127.0.0.1:{server.port}/simple/"
    server.answers["/simple/x/"] = redirect("/moved")
    server.answers["/moved"] = redirect(f"{other_server.url}/x")
    other_server.answers["/x"] = Reply(body=b"page")
    _, body = read(f"{server.url}/simple/x/", credentials=Credentials([index]))
    assert body == b"page"
    assert all("Authorization" in asked.headers for asked in server.asked)
    assert "Authorization" not in other_server.asked[0].headers


def test_login_in_the_asked_url_counts_and_is_not_told(
    server: Loopback, other_server: Loopback
) -> None:
    server.answers["/x"] = redirect(f"{other_server.url}/x")
    response, _ = read(f"http://user:{_SECRET}@127.0.0.1:{server.port}/x")
    assert server.asked[0].headers["Authorization"].startswith("Basic ")
    assert "Authorization" not in other_server.asked[0].headers
    assert _SECRET not in response.url


def test_netrc_login_is_sent_and_not_past_a_redirect(
    server: Loopback, other_server: Loopback, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login user password {_SECRET}\n")
    server.answers["/x"] = redirect(f"{other_server.url}/x")
    read(f"{server.url}/x", credentials=Credentials(netrc_file=netrc))
    assert "Authorization" in server.asked[0].headers
    assert "Authorization" not in other_server.asked[0].headers


def test_login_in_a_redirect_is_dropped(server: Loopback, other_server: Loopback) -> None:
    target = f"http://user:{_SECRET}@127.0.0.1:{other_server.port}/x"
    server.answers["/x"] = redirect(target)
    read(f"{server.url}/x")
    assert "Authorization" not in other_server.asked[0].headers


@pytest.mark.parametrize("status", [401, 403])
def test_refused_access_fails_at_once(server: Loopback, status: int) -> None:
    server.answers["/x"] = Reply(status=status)
    raised = failure(f"http://user:{_SECRET}@127.0.0.1:{server.port}/x")
    assert raised.code == "INDEX_UNAUTHORIZED"
    assert len(server.asked) == 1


def test_server_errors_are_tried_again(server: Loopback) -> None:
    server.answers["/x"] = [Reply(status=503), Reply(status=500), Reply(body=b"at last")]
    assert read(f"{server.url}/x")[1] == b"at last"


def test_lasting_server_errors_fail_after_all_attempts(server: Loopback) -> None:
    server.answers["/x"] = Reply(status=502)
    assert failure(f"{server.url}/x", attempts=2).code == "INDEX_HTTP_STATUS"
    assert len(server.asked) == 2


def test_retry_after_is_waited_for(server: Loopback) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    server.answers["/x"] = [Reply(status=429, headers={"Retry-After": soon}), Reply(body=b"ok")]
    start = time.monotonic()
    assert read(f"{server.url}/x")[1] == b"ok"
    assert time.monotonic() - start > 0.9


def test_retry_after_beyond_patience_fails_at_once(server: Loopback) -> None:
    server.answers["/x"] = Reply(status=429, headers={"Retry-After": "3600"})
    raised = failure(f"{server.url}/x")
    assert "3600 seconds" in raised.hint
    assert len(server.asked) == 1


def test_nobody_listening_is_unreachable() -> None:
    with Loopback() as gone:
        url = gone.url
    assert failure(f"{url}/x", attempts=2).code == "INDEX_UNREACHABLE"


def test_silence_is_a_timeout(server: Loopback) -> None:
    server.answers["/x"] = Reply(silent_for=1.0)
    assert failure(f"{server.url}/x", idle_timeout=0.1, attempts=1).code == "INDEX_TIMEOUT"


def test_broken_transfer_is_read_again(server: Loopback) -> None:
    whole = Reply(body=b"0123456789")
    server.answers["/x"] = [Reply(body=whole.body, stops_after=4), whole]
    assert read(f"{server.url}/x")[1] == whole.body
    assert len(server.asked) == 2


def test_transfer_that_always_breaks_is_unreachable(server: Loopback) -> None:
    server.answers["/x"] = Reply(body=b"0123456789", stops_after=4)
    assert failure(f"{server.url}/x", attempts=2).code == "INDEX_UNREACHABLE"


def test_gzip_is_undone_by_read_and_kept_by_chunks(server: Loopback) -> None:
    packed = gzip.compress(b"page" * 1000)
    server.answers["/x"] = Reply(body=packed, headers={"Content-Encoding": "gzip"})
    assert read(f"{server.url}/x")[1] == b"page" * 1000

    async def raw() -> bytes:
        async with (
            Transport(credentials=Credentials()) as transport,
            transport.get(f"{server.url}/x") as response,
        ):
            return b"".join([chunk async for chunk in response.chunks()])

    assert asyncio.run(raw()) == packed


def test_gzip_bomb_is_refused_without_holding_it(server: Loopback) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    server.answers["/x"] = Reply(body=bomb, headers={"Content-Encoding": "gzip"})
    assert failure(f"{server.url}/x", limit=1 << 20).code == "INDEX_TOO_LARGE"


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("br", b"x"), ("gzip", b"not gzip"), ("gzip", gzip.compress(b"x", mtime=0)[:-9])],
)
def test_encoding_that_does_not_decode_is_refused(
    server: Loopback, encoding: str, body: bytes
) -> None:
    server.answers["/x"] = Reply(body=body, headers={"Content-Encoding": encoding})
    assert failure(f"{server.url}/x").code == "INDEX_CONTENT"


def test_body_beyond_the_limit_is_refused(server: Loopback) -> None:
    server.answers["/x"] = Reply(body=b"x" * 11)
    assert failure(f"{server.url}/x", limit=10).code == "INDEX_TOO_LARGE"
    assert len(read(f"{server.url}/x", limit=11)[1]) == 11


@pytest.mark.parametrize("url", ["file:///etc/passwd", "http://", "http://[::1/x", "x/y"])
def test_urls_that_are_not_of_the_web_are_refused(url: str) -> None:
    assert failure(url).code == "INVALID_URL"


def test_signed_query_goes_on_the_wire_as_it_is(server: Loopback) -> None:
    server.answers["/f%2Bx.whl?sig=a%2Fb%3D"] = Reply(body=b"ok")
    assert read(f"{server.url}/f%2Bx.whl?sig=a%2Fb%3D")[0].status == 200


def test_proxy_of_the_environment_is_asked(
    server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://user:{_SECRET}@127.0.0.1:{server.port}")
    server.answers["/x"] = Reply(body=b"by proxy")
    assert read("http://index.example/x")[1] == b"by proxy"
    assert server.asked[0].headers["Proxy-Authorization"].startswith("Basic ")
    assert server.asked[0].headers["Host"] == "index.example"


def test_no_proxy_is_respected(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server.answers["/x"] = Reply(body=b"direct")
    assert read(f"{server.url}/x")[1] == b"direct"


def test_own_authority_is_trusted_and_leaving_https_refused(
    server: Loopback, tmp_path: Path
) -> None:
    context, ca_file = self_signed(tmp_path)
    with Loopback(tls=context) as secure:
        secure.answers["/x"] = Reply(body=b"sealed")
        secure.answers["/down"] = redirect(f"{server.url}/x")
        assert read(f"{secure.url}/x", ca_file=str(ca_file))[1] == b"sealed"
        assert failure(f"{secure.url}/down", ca_file=str(ca_file)).code == "INDEX_REDIRECT"
    assert server.asked == []


def test_unknown_authority_is_told_with_a_hint(tmp_path: Path) -> None:
    context, _ = self_signed(tmp_path)
    with Loopback(tls=context) as secure:
        raised = failure(f"{secure.url}/x")
    assert raised.code == "INDEX_UNREACHABLE"
    assert "PIP_CERT" in raised.hint


def test_file_of_certificates_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nonsense")
    raised = failure("https://127.0.0.1:9/", ca_file=str(tmp_path / "ca.pem"))
    assert raised.code == "INVALID_CERTIFICATES"


def test_requests_on_the_wire_are_counted(server: Loopback) -> None:
    server.answers["/a"] = redirect("/b")
    server.answers["/b"] = [Reply(status=503), Reply()]

    async def run() -> int:
        async with Transport(credentials=Credentials()) as transport:
            await transport.read(f"{server.url}/a", limit=1)
            return transport.requests

    assert asyncio.run(run()) == 3
