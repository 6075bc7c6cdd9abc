from __future__ import annotations

import base64
from pathlib import Path

import pytest

from ppm.engine.errors import IndexFailure
from ppm.engine.index.credentials import Credentials
from ppm.engine.redact import redact_text, strip_credentials


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture
def netrc(tmp_path: Path) -> Path:
    file = tmp_path / ".netrc"
    file.write_text(
        "machine files.example login reader password sesame\n"
        "machine 127.0.0.1 login local password host\n"
        "default login any password body\n"
    )
    return file


def test_login_counts_for_scheme_host_and_port_together() -> None:
    credentials = Credentials(["https://user:pass@index.example/simple/"])
    assert credentials.authorization("https://index.example/f/x.whl") == basic("user", "pass")
    assert credentials.authorization("https://INDEX.example:443/") == basic("user", "pass")
    for other in [
        "http://index.example/simple/",
        "https://index.example:8443/simple/",
        "https://sub.index.example/",
        "https://index.example.evil.example/",
    ]:
        assert credentials.authorization(other) is None


def test_login_of_the_nearest_path_is_taken() -> None:
    credentials = Credentials(
        ["https://a:1@index.example/team/a/", "https://ab:2@index.example/team/ab/"]
    )
    assert credentials.authorization("https://index.example/team/ab/x/") == basic("ab", "2")
    assert credentials.authorization("https://index.example/team/a/x/") == basic("a", "1")


def test_login_is_unquoted_and_may_hold_any_sign() -> None:
    credentials = Credentials(["https://us%40er:p%3A%2Fä@index.example/"])
    assert credentials.authorization("https://index.example/") == basic("us@er", "p:/ä")
    token_only = Credentials(["https://token@index.example/"])
    assert token_only.authorization("https://index.example/") == basic("token", "")


def test_add_gives_back_the_bare_url() -> None:
    assert Credentials().add("https://u:p@index.example/s/") == "https://index.example/s/"


def test_netrc_names_a_host_and_is_sent_over_https_only(netrc: Path) -> None:
    credentials = Credentials(netrc_file=netrc)
    assert credentials.authorization("https://files.example/x") == basic("reader", "sesame")
    assert credentials.authorization("http://files.example/x") is None
    assert credentials.authorization("http://127.0.0.1:8080/x") == basic("local", "host")


def test_netrc_is_not_sent_where_a_server_leads(netrc: Path) -> None:
    credentials = Credentials(netrc_file=netrc)
    assert credentials.authorization("https://files.example/x", redirected=True) is None


def test_netrc_counts_everywhere_on_a_configured_origin(netrc: Path) -> None:
    credentials = Credentials(["http://files.example/simple/"], netrc_file=netrc)
    here = "http://files.example/x"
    assert credentials.authorization(here, redirected=True) == basic("reader", "sesame")


def test_netrc_default_is_for_configured_origins_only(netrc: Path) -> None:
    credentials = Credentials(["https://index.example/simple/"], netrc_file=netrc)
    assert credentials.authorization("https://index.example/simple/x/") == basic("any", "body")
    assert credentials.authorization("https://cdn.example/x") is None


def test_url_wins_over_netrc(netrc: Path) -> None:
    credentials = Credentials(["https://u:p@files.example/"], netrc_file=netrc)
    assert credentials.authorization("https://files.example/") == basic("u", "p")


def test_netrc_is_found_by_variable_then_at_home(netrc: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("machine files.example login other password one\n")
    home = {"HOME": str(netrc.parent)}
    url = "https://files.example/"
    at_home = Credentials.from_environment([], home)
    assert at_home.authorization(url) == basic("reader", "sesame")
    named = Credentials.from_environment([], {**home, "NETRC": str(elsewhere)})
    assert named.authorization(url) == basic("other", "one")
    none = Credentials.from_environment([], {"HOME": str(tmp_path / "nobody")})
    assert none.authorization(url) is None


def test_broken_netrc_is_named_without_its_contents(netrc: Path) -> None:
    netrc.write_text("machine files.example login user hunter2 secret\n")
    with pytest.raises(IndexFailure) as caught:
        Credentials(netrc_file=netrc).authorization("https://files.example/")
    assert caught.value.code == "INVALID_NETRC"
    assert "hunter2" not in caught.value.message


def test_password_with_an_at_sign_is_split_and_hidden_whole() -> None:
    url = "https://user:p@ss@index.example/"
    assert Credentials([url]).authorization("https://index.example/") == basic("user", "p@ss")
    assert redact_text(f"see {url} or b@c") == "see https://****@index.example/ or b@c"
    assert strip_credentials(url) == "https://index.example/"
