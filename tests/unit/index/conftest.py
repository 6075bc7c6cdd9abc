from __future__ import annotations

from collections.abc import Iterator

import pytest
from unit.index.loopback import Loopback


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as loopback:
        yield loopback


@pytest.fixture
def other_server() -> Iterator[Loopback]:
    with Loopback() as loopback:
        yield loopback
