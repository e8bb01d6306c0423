"""The latency ledger: exclusive parts that sum to the whole."""

from __future__ import annotations

from dataclasses import fields

from hypothesis import given, settings
from hypothesis import strategies as st

from services.dialogue.latency import Capture, Moments, moment
from shared.events import Latency

NS = 1_000_000

moments = st.builds(Moments, **{field.name: st.integers(0, 10**10) for field in fields(Moments)})


def _parts(latency: Latency) -> list[int]:
    return [value for name, value in latency.model_dump().items() if name != "total"]


@settings(deadline=None)
@given(moments, st.integers(-(10**6), 10**10))
def test_whatever_the_moments_the_parts_are_not_negative_and_sum_to_the_total(at: Moments, queue: int) -> None:
    latency = at.parts(queue)
    if latency is None:
        assert not at.voiced or not at.audible
        return
    assert min(_parts(latency)) >= 0
    assert sum(_parts(latency)) == latency.total >= at.audible - at.voiced


@settings(deadline=None)
@given(st.lists(st.integers(0, 10**9), min_size=7, max_size=7))
def test_of_moments_in_order_each_part_is_the_time_between_its_two(delays: list[int]) -> None:
    times = [1]
    for delay in delays:
        times.append(times[-1] + delay)
    latency = Moments(*times).parts()
    assert latency is not None
    assert _parts(latency) == delays


def test_what_sounded_before_it_was_made_by_the_reports_sounded_when_it_was_made() -> None:
    latency = Moments(10, 20, 30, 40, 50, 60, 70, audible=65).parts()
    assert latency is not None
    assert (latency.synthesis, latency.playout, latency.total) == (10, 0, 60)


def test_the_models_own_queue_moves_from_prefill_to_queue() -> None:
    latency = Moments(1, 1, 1, 1, 1 + 10 * NS, 1 + 10 * NS, 1 + 10 * NS, 1 + 10 * NS).parts(4 * NS)
    assert latency is not None
    assert (latency.queue, latency.prefill, latency.total) == (4 * NS, 6 * NS, 10 * NS)


def test_where_nobody_spoke_or_nothing_sounded_there_is_no_ledger() -> None:
    assert Moments(audible=5).parts() is None
    assert Moments(voiced=5).parts() is None


def test_a_sample_before_the_known_one_was_captured_before_it() -> None:
    capture = Capture(sample=32_000, at=2_000_000_000, rate=16_000)
    assert capture.time_of(16_000) == 1_000_000_000


def test_a_step_is_taken_when_its_stamp_says_unless_that_clock_differs() -> None:
    """Recognition or the voice may be on a machine an hour ahead or behind."""
    hour = 3600 * 1000 * NS
    assert moment(15 * NS, since=10 * NS, now=20 * NS) == 15 * NS
    assert moment(15 * NS + hour, since=10 * NS, now=20 * NS) == 20 * NS
    assert moment(15 * NS, since=10 * NS + hour, now=20 * NS + hour) == 20 * NS + hour
