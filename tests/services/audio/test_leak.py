"""An echo that escapes its canceller is taken for what it is, and nobody who speaks up is."""

from __future__ import annotations

import numpy as np
import pytest

from services.audio.leak import LeakGuard
from shared.pcm import Floats

FRAME = 320


def noise(level: float, seed: int = 1) -> Floats:
    return np.asarray(np.random.default_rng(seed).standard_normal(FRAME) * level, dtype=np.float32)


PLAYED, ECHO, SILENCE = noise(0.1), noise(0.025, 2), np.zeros(FRAME, np.float32)


@pytest.fixture
def guard() -> LeakGuard:
    """It has heard an answer whose echo, 12 dB down, was cancelled; then nothing was played for a while."""
    guard = LeakGuard()
    for _ in range(100):
        guard.guard(ECHO, ECHO * np.float32(0.01), PLAYED, torn=False)
    for _ in range(40):
        guard.guard(SILENCE, SILENCE, SILENCE, torn=False)
    return guard


def test_an_echo_that_leaks_as_an_answer_begins_is_silenced(guard: LeakGuard) -> None:
    """Until the canceller has found it again."""
    for _ in range(40):
        assert not guard.guard(ECHO, ECHO, PLAYED, torn=False).any()


def test_somebody_who_speaks_up_over_it_passes(guard: LeakGuard) -> None:
    """From the first frame of the answer on."""
    said = noise(0.08, 3)
    for _ in range(40):
        np.testing.assert_array_equal(guard.guard(ECHO + said, said, PLAYED, torn=False), said)


def test_later_in_an_answer_a_quiet_voice_passes_too(guard: LeakGuard) -> None:
    """What the canceller leaves then is not its search."""
    said = noise(0.01, 3)
    passed = [guard.guard(ECHO, said, PLAYED, torn=False).any() for _ in range(100)]
    assert all(passed[60:])


def test_after_a_tear_the_canceller_searches_anew(guard: LeakGuard) -> None:
    """A hole in what was played moves the echo."""
    for _ in range(100):
        guard.guard(ECHO, ECHO * np.float32(0.01), PLAYED, torn=False)
    assert guard.guard(ECHO, ECHO, PLAYED, torn=False).any()
    assert not guard.guard(ECHO, ECHO, PLAYED, torn=True).any()


def test_while_nothing_is_played_everything_passes(guard: LeakGuard) -> None:
    """However quiet."""
    said = noise(0.001, 3)
    assert guard.guard(said, said, SILENCE, torn=False).any()


def test_without_ever_having_heard_an_echo_nothing_is_taken_for_one() -> None:
    """A first answer is the canceller's own affair."""
    assert LeakGuard().guard(ECHO, ECHO, PLAYED, torn=False).any()
