"""One, two and four workers share what is asked of a server: each run is carried once, and more workers are not slower for nothing."""

import os
import time
from collections import Counter

import pytest

from testing.fleets import Fleet

RUNS = int(os.environ.get("SEATRIAL_FLEET_RUNS", "4"))
pytestmark = [pytest.mark.docker, pytest.mark.postgres, pytest.mark.slow]


@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.long), 2, pytest.param(4, marks=pytest.mark.long)])
def test_workers_share_what_is_asked_and_carry_each_run_once(fleet: Fleet, workers: int) -> None:
    fleet.serve("--no-work")
    for number in range(workers):
        fleet.work(f"host{number}")
    began = time.monotonic()
    runs = [fleet.submit(number) for number in range(RUNS)]
    fleet.all_confirmed(runs)
    took = time.monotonic() - began
    shares = Counter(home for run, home in fleet.homes().items() if run in runs)
    print(f"\n{workers} workers on this one host: {RUNS} runs in {took:.1f} s, {RUNS / took:.2f} a second, {dict(shares)}")  # noqa: T201
    fleet.assert_once(runs)
    assert "server" not in shares, "it only takes requests"
    assert len(shares) == workers, "each had its share"
