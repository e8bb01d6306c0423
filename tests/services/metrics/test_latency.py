"""The latency of turns: parts that sum to the whole, percentiles, and what a shorter wait would change."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dialogue.latency import Moments
from services.metrics.latency import PARTS, TOLERANCE_NS, Latencies, shorter_wait
from services.metrics.series import Series
from shared.clock import ManualClock
from shared.events import Latency, Stamp, TurnFinished
from shared.ids import id_source

stamp = Stamp("test", ManualClock(), id_source("e-"), "s")


def finished(latency: Latency | None, by: str = "llm") -> TurnFinished:
    return stamp(
        TurnFinished, reason="answered", asked="", answered="", heard="", by=by, latency=latency, turn=1
    )  # fmt: skip


def simulated(dice: random.Random) -> tuple[Latency, int]:
    """A turn with random delays, some steps missing or reported out of order, and the whole as a watch shows it."""
    voiced = dice.randrange(10**18, 2 * 10**18)
    at = [voiced]
    for _ in range(7):
        at.append(at[-1] + round(dice.expovariate(1 / 200e6)))
    audible = at[-1]
    for step in range(1, 7):
        if dice.random() < 0.1:
            at[step] = 0
        elif dice.random() < 0.1:
            at[step] -= dice.randrange(20_000_000)
    latency = Moments(*at).parts(model_queue_ns=dice.choice([0, dice.randrange(300_000_000)]))
    assert latency is not None
    return latency, audible - voiced


def test_parts_sum_to_the_whole_for_a_thousand_turns() -> None:
    """Within a millisecond of what a watch measures from the last voiced sample to the first audible one."""
    dice, latencies = random.Random(7), Latencies(1000)
    for _ in range(1000):
        latency, measured = simulated(dice)
        parts = [getattr(latency, name) for name in PARTS]
        assert min(parts) >= 0
        assert abs(sum(parts) - measured) <= TOLERANCE_NS
        latencies.see(finished(latency))
    assert latencies.off == 0
    assert latencies.parts["total"].count == 1000
    whole = sum(latencies.parts[name].total for name in PARTS)
    assert whole == pytest.approx(latencies.parts["total"].total)


def test_a_turn_that_does_not_add_up_is_named_and_not_counted() -> None:
    latencies = Latencies(10)
    latencies.see(finished(Latency(**dict.fromkeys(PARTS, 10_000_000), total=72_000_000)))
    assert (latencies.off, latencies.parts["total"].count) == (1, 0)


def test_a_typed_turn_counts_as_a_turn_and_has_no_latency() -> None:
    latencies = Latencies(10)
    latencies.see(finished(None, by="clock"))
    assert latencies.turns == {("answered", "clock"): 1}
    assert latencies.parts["total"].count == 0


@pytest.mark.parametrize(("wait_ms", "saved_ms"), [(400, 100), (100, 100), (30, 30), (0, 0)])
def test_a_shorter_wait_saves_what_there_is_to_save(wait_ms: int, saved_ms: int) -> None:
    """100 ms less, or all of a wait that was shorter."""
    latency = Latency(**dict.fromkeys(PARTS, 0) | {"endpoint_wait": wait_ms * 10**6}, total=wait_ms * 10**6)
    assert shorter_wait(latency, 100_000_000) == saved_ms * 10**6


def nearest_rank(values: Sequence[float], percent: float) -> float:
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100).__int__() - 1)]


@given(st.lists(st.floats(1e-5, 1e3), min_size=1, max_size=300), st.sampled_from([1, 50, 95, 99, 100]))
def test_percentiles_are_exact_of_late_and_close_of_all(values: list[float], percent: int) -> None:
    """The sliding ones are of the last readings alone, those since the start within 2 %."""
    series = Series(100, (0.1, 1, 10))
    for value in values:
        series.add(value)
    assert series.recent(percent) == nearest_rank(values[-100:], percent)
    ever = series.ever(percent)
    assert ever is not None
    assert ever == pytest.approx(nearest_rank(values, percent), rel=0.021)


@given(st.lists(st.floats(0, 20), max_size=100))
def test_a_histogram_counts_every_reading_once(values: list[float]) -> None:
    series = Series(10, (0.1, 1, 10))
    for value in values:
        series.add(value)
    bounds = dict(series.buckets())
    assert bounds == {
        **{str(bound): sum(value <= bound for value in values) for bound in (0.1, 1, 10)},
        "+Inf": len(values),
    }


def test_a_series_without_readings_has_no_percentiles() -> None:
    series = Series(10, (1,))
    assert (series.recent(50), series.ever(50), series.summary()["count"]) == (None, None, 0)
