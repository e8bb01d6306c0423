"""Pauses grow while something fails, up to a bound, and begin anew once it works."""

from __future__ import annotations

from services.memory.pauses import Pauses
from shared.clock import ManualClock

SECOND = 10**9


def lengths(pauses: Pauses, clock: ManualClock, times: int) -> list[int]:
    """Seconds that each of the pauses after so many failures lasts."""
    found = []
    for _ in range(times):
        pauses.failed()
        begun = clock.monotonic_ns()
        while not pauses.over:
            clock.advance(SECOND)
        found.append((clock.monotonic_ns() - begun) // SECOND)
    return found


def test_pauses_double_up_to_a_bound_and_begin_anew_after_success() -> None:
    clock = ManualClock()
    pauses = Pauses(clock.monotonic_ns, first_s=30, most_s=600)
    assert pauses.over
    assert lengths(pauses, clock, 7) == [30, 60, 120, 240, 480, 600, 600]
    pauses.failed()
    pauses.succeeded()
    assert pauses.over
    assert lengths(pauses, clock, 2) == [30, 60]
