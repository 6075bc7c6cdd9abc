"""What every clock does."""

from __future__ import annotations

import re

import pytest

from ppm.engine.clock import SteppingClock, SystemClock
from ppm.engine.ports import Clock

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@pytest.fixture(params=[SystemClock, SteppingClock])
def clock(request: pytest.FixtureRequest) -> Clock:
    made: Clock = request.param()
    return made


def test_times_are_utc_with_six_digits_and_never_run_back(clock: Clock) -> None:
    times = [clock.now() for _ in range(50)]
    assert all(TIME.fullmatch(time) for time in times)
    assert times == sorted(times)


def test_elapsed_time_never_runs_back(clock: Clock) -> None:
    times = [clock.elapsed_us() for _ in range(50)]
    assert times == sorted(times)


def test_identities_are_uuid7_and_all_different(clock: Clock) -> None:
    identities = [clock.new_id() for _ in range(200)]
    assert all(UUID7.fullmatch(identity) for identity in identities)
    assert len(set(identities)) == len(identities)
