from __future__ import annotations

import pytest
from multidict import CIMultiDict

from ppm.engine.index.freshness import lifetime

_DATE = "Sun, 22 Nov 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, 600),
        ({"cache-control": "max-age=60"}, 60),
        ({"Cache-Control": 'private, MAX-AGE="60"'}, 60),
        ({"Cache-Control": "max-age=60, max-age=90"}, 60),
        ({"Cache-Control": "max-age=60", "Age": "20"}, 40),
        ({"Cache-Control": "max-age=60", "Age": "80"}, 0),
        ({"Cache-Control": "max-age=soon"}, 0),
        ({"Cache-Control": "max-age=-5"}, 0),
        ({"Cache-Control": "max-age=" + "9" * 30}, 0),
        ({"Cache-Control": "max-age=999999999999"}, 365 * 24 * 3600),
        ({"Cache-Control": "no-cache, max-age=60"}, 0),
        ({"Cache-Control": "no-store"}, None),
        ({"Cache-Control": "max-age=60, no-store"}, None),
        ({"Cache-Control": "s-maxage=60"}, 600),
        ({"Cache-Control": "max-age=60", "Vary": "*"}, 0),
        ({"Cache-Control": "max-age=60", "Vary": "Accept"}, 60),
        ({"Pragma": "no-cache"}, 0),
        ({"Expires": "Sun, 22 Nov 2026 10:01:00 GMT", "Date": _DATE}, 60),
        ({"Expires": "0", "Date": _DATE}, 0),
        ({"Expires": "Sun, 22 Nov 2026 10:01:00 GMT", "Cache-Control": "max-age=5"}, 5),
        ({"Age": "100"}, 500),
    ],
)
def test_lifetime_follows_the_headers(headers: dict[str, str], expected: float | None) -> None:
    assert lifetime(CIMultiDict(headers), default=600) == expected


def test_expiry_without_a_date_counts_from_now() -> None:
    assert lifetime({"Expires": "Sun, 22 Nov 2009 10:01:00 GMT"}, default=600) == 0
