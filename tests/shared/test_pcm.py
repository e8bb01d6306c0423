"""PCM conversions are exact where they can be and say what they do where they cannot."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from shared.pcm import floats, level_dbfs, pcm16, resample, samples_in


@given(arrays("<i2", st.integers(0, 50)))
def test_samples_survive_the_way_to_floats_and_back(samples: np.ndarray) -> None:
    pcm = samples.tobytes()
    assert pcm16(floats(pcm)) == pcm
    assert samples_in(pcm) == len(samples)


@given(arrays(np.float32, st.integers(0, 50), elements=st.floats(-1, 32767 / 32768, width=32)))
def test_floats_are_rounded_to_the_nearest_sample(samples: np.ndarray) -> None:
    assert np.all(np.abs(floats(pcm16(samples)) - samples) <= 0.5 / 32768 + 1e-9)


def test_what_is_too_loud_is_clipped_and_what_is_no_number_is_silence() -> None:
    pcm = pcm16(np.array([2.0, -2.0, np.nan, np.inf, -np.inf]))
    assert np.frombuffer(pcm, "<i2").tolist() == [32767, -32768, 0, 0, 0]


def test_levels() -> None:
    sine = np.sin(np.arange(16_000) * 2 * math.pi * 440 / 16_000)
    assert level_dbfs(pcm16(sine)) == pytest.approx(-3.01, abs=0.01)
    assert level_dbfs(b"") == level_dbfs(bytes(64)) == -math.inf


def test_resampling_keeps_the_time_and_the_tone() -> None:
    sine = np.sin(np.arange(48_000) * 2 * math.pi * 440 / 48_000).astype(np.float32)
    resampled = resample(sine, 48_000, 16_000)
    assert len(resampled) == 16_000
    assert resampled.dtype == np.float32
    assert np.argmax(np.abs(np.fft.rfft(resampled))) == 440
    assert resample(sine, 48_000, 48_000) is sine
