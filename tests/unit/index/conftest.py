from __future__ import annotations

from collections.abc import Iterator

import pytest
from unit.index.loopback import Loopback

_SEEN_BY_CLIENTS = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "netrc")


@pytest.fixture(autouse=True)
def _own_network_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _SEEN_BY_CLIENTS:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as loopback:
        yield loopback


@pytest.fixture
def other_server() -> Iterator[Loopback]:
    with Loopback() as loopback:
        yield loopback
