"""The clocks: the machine's own, and one that stands still until it is moved."""

from __future__ import annotations

import pytest

from shared.clock import ManualClock, SystemClock


def test_a_manual_clock_moves_only_when_told_and_never_back() -> None:
    clock = ManualClock(1_000)
    assert (clock.now_ns(), clock.monotonic_ns()) == (1_000, 0)
    clock.advance(5)
    assert (clock.now_ns(), clock.monotonic_ns()) == (1_005, 5)
    with pytest.raises(ValueError, match="back"):
        clock.advance(-1)


def test_the_systems_clock_never_goes_back() -> None:
    clock = SystemClock()
    readings = [clock.monotonic_ns() for _ in range(100)]
    assert readings == sorted(readings)
    assert clock.now_ns() > 1_700_000_000_000_000_000
