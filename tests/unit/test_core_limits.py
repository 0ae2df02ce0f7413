"""The limiter's bounds and the meter's sums, under threads."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from connectors.core.contract import Usage
from connectors.core.limits import Limiter, Meter


@pytest.mark.parametrize(("sub", "most"), [(False, 3), (True, 2)])
def test_no_more_calls_than_allowed_are_in_flight(sub, most):
    limiter = Limiter(3, sub_concurrency=2)
    full = threading.Barrier(most)  # breaks unless `most` calls really are in flight together
    lock, inside, seen = threading.Lock(), 0, 0

    def call(_: int) -> None:
        nonlocal inside, seen
        with limiter.slot(sub=sub):
            with lock:
                inside += 1
                seen = max(seen, inside)
            full.wait(timeout=5)
            time.sleep(0.03)  # time for one too many to come in
            with lock:
                inside -= 1

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(call, range(6)))
    assert seen == most


def test_a_slot_is_given_back_after_a_failure():
    limiter = Limiter(1)
    for _ in range(2):
        with pytest.raises(ValueError, match="boom"), limiter.slot():
            raise ValueError("boom")


def test_starts_are_spaced():
    now, naps = [100.0], []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        now[0] += seconds

    limiter = Limiter(1, spacing=0.25, clock=lambda: now[0], sleep=sleep)
    for _ in range(3):
        with limiter.slot():
            pass
    now[0] += 10
    with limiter.slot():
        pass
    assert naps == [0.25, 0.25]


def test_the_meter_adds_up_under_threads():
    meter = Meter(Usage())
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: meter.add(calls=1, credits=2, size=3), range(2000)))
    assert (meter.usage.calls, meter.usage.credits, meter.usage.bytes) == (2000, 4000, 6000)
