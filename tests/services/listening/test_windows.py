"""Windows: frames of any length become windows of one length, at their true positions."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.listening.ports import WINDOW
from services.listening.windows import Windows


def ramp(first: int, count: int) -> bytes:
    return (np.arange(first, first + count) % 32768).astype("<i2").tobytes()


@given(st.lists(st.integers(0, 2000), max_size=30), st.integers(0, 10_000))
def test_every_sample_comes_once_in_order_at_its_position(lengths: list[int], start: int) -> None:
    windows, at, seen = Windows(), start, []
    for length in lengths:
        assert not windows.add(at, ramp(at, length))
        seen += list(windows.take())
        at += length
    assert [first for first, _ in seen] == [start + i * WINDOW for i in range((at - start) // WINDOW)]
    assert b"".join(pcm for _, pcm in seen) == ramp(start, (at - start) // WINDOW * WINDOW)


def test_behind_a_gap_windows_start_anew() -> None:
    windows = Windows()
    windows.add(0, ramp(0, 700))
    list(windows.take())
    assert windows.add(1000, ramp(1000, 700))
    assert list(windows.take()) == [(1000, ramp(1000, WINDOW))]


def test_samples_heard_already_are_passed_over() -> None:
    windows = Windows()
    windows.add(0, ramp(0, 320))
    assert not windows.add(160, ramp(160, 320))
    windows.add(0, ramp(0, 100))
    windows.add(480, ramp(480, 320))
    assert list(windows.take()) == [(0, ramp(0, WINDOW))]
    assert windows.heard_until == 800


def test_a_clock_that_begins_again_is_followed() -> None:
    windows = Windows()
    windows.add(100_000, ramp(0, 320))
    assert windows.add(0, ramp(0, 600))
    assert list(windows.take()) == [(0, ramp(0, WINDOW))]


def test_half_a_sample_at_the_end_of_a_frame_is_left_out() -> None:
    windows = Windows()
    windows.add(0, ramp(0, 512) + b"\x01")
    windows.add(512, ramp(512, 512))
    assert len(list(windows.take())) == 2
