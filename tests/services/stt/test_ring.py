"""The ring: the last seconds of sound by position, whatever becomes of the frames."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.stt.ring import Ring
from shared.pcm import floats


def ramp(first: int, count: int) -> bytes:
    return (np.arange(first, first + count) % 30_000 + 1).astype("<i2").tobytes()


@given(st.lists(st.integers(0, 3000), max_size=20), st.integers(0, 5000), st.integers(0, 60_000), st.integers(0, 4000))
def test_what_is_read_is_what_was_captured_there(lengths: list[int], start: int, first: int, count: int) -> None:
    ring, at = Ring(4000), start
    for length in lengths:
        ring.add(at, ramp(at, length))
        at += length
    low, high = max(first, ring.first), min(first + count, at)
    expected = floats(ramp(low, high - low)) if lengths and low < high else np.zeros(0, np.float32)
    np.testing.assert_array_equal(ring.read(first, first + count), expected)
    assert ring.until - ring.first <= 4000


def test_missing_frames_are_silence_at_their_place() -> None:
    ring = Ring(4000)
    ring.add(0, ramp(0, 100))
    ring.add(300, ramp(300, 100))
    assert not ring.read(100, 300).any()
    np.testing.assert_array_equal(ring.read(300, 400), floats(ramp(300, 100)))


def test_a_jump_beyond_the_ring_forgets_everything_before() -> None:
    ring = Ring(4000)
    ring.add(0, ramp(0, 100))
    ring.add(10**9, ramp(0, 100))
    assert ring.until == 10**9 + 100
    assert not ring.read(10**9 - 3000, 10**9).any()


def test_a_clock_that_begins_again_is_followed() -> None:
    ring = Ring(4000)
    ring.add(100_000, ramp(0, 320))
    ring.add(0, ramp(5, 320))
    assert (ring.first, ring.until) == (0, 320)
    np.testing.assert_array_equal(ring.read(0, 320), floats(ramp(5, 320)))


def test_frames_that_overlap_are_heard_once() -> None:
    ring = Ring(4000)
    ring.add(0, ramp(0, 320))
    ring.add(160, ramp(160, 320))
    ring.add(0, ramp(0, 10))
    np.testing.assert_array_equal(ring.read(0, 1000), floats(ramp(0, 480)))
