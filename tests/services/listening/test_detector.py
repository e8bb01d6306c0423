"""The detector: hysteresis, onsets and ends, on probabilities alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.listening.detector import Ended, SpeechDetector, Started
from services.listening.ports import WINDOW

HANGOVER = 5 * WINDOW


def listened(*probabilities: float, onset_windows: int = 2) -> list[Started | Ended]:
    detector = SpeechDetector(0.5, 0.35, onset_windows, HANGOVER)
    pushed = (detector.push(p, i * WINDOW) for i, p in enumerate(probabilities))
    return [noticed for noticed in pushed if noticed is not None]


def test_an_onset_is_dated_back_to_the_first_voiced_sample() -> None:
    assert listened(0.0, 0.1, 0.9, 0.8) == [Started(2 * WINDOW, 4 * WINDOW, (0.9 + 0.8) / 2)]


def test_a_murmur_before_the_onset_belongs_to_it() -> None:
    assert listened(0.0, 0.4, 0.9, 0.9) == [Started(1 * WINDOW, 4 * WINDOW, 0.9)]


def test_a_long_murmur_dates_an_onset_back_one_window_at_most() -> None:
    assert listened(0.4, 0.4, 0.4, 0.9, 0.9) == [Started(2 * WINDOW, 5 * WINDOW, 0.9)]


def test_a_click_of_one_window_is_no_speech() -> None:
    assert listened(0.0, 0.99, 0.0, 0.99, 0.0) == []


def test_speech_ends_after_the_hangover_just_past_its_last_voiced_window() -> None:
    voiced, silent = (0.9,) * 4, (0.1,) * 5
    assert listened(*voiced, *silent)[1:] == [Ended(0, 4 * WINDOW, 9 * WINDOW)]


def test_a_pause_shorter_than_the_hangover_ends_nothing() -> None:
    assert len(listened(*(0.9,) * 4, *(0.1,) * 4, 0.4, *(0.1,) * 4)) == 1


def test_between_the_thresholds_what_was_goes_on() -> None:
    assert len(listened(0.9, 0.9, *(0.4,) * 100)) == 1
    assert listened(*(0.4,) * 100) == []


def test_a_cut_ends_speech_in_progress_and_forgets_the_rest() -> None:
    detector = SpeechDetector(0.5, 0.35, 2, HANGOVER)
    detector.push(0.9, 0)
    assert detector.cut(WINDOW) is None
    assert detector.push(0.9, 10 * WINDOW) is None, "the window before the cut no longer counts"
    assert isinstance(detector.push(0.9, 11 * WINDOW), Started)
    assert detector.cut(13 * WINDOW) == Ended(10 * WINDOW, 12 * WINDOW, 13 * WINDOW)
    assert not detector.speaking


@given(st.lists(st.floats(0, 1), max_size=200), st.integers(1, 4))
def test_starts_and_ends_alternate_in_order_whatever_is_heard(probabilities: list[float], onset: int) -> None:
    noticed = listened(*probabilities, onset_windows=onset)
    assert all(isinstance(n, Started if i % 2 == 0 else Ended) for i, n in enumerate(noticed))
    last = 0
    for start, end in zip(noticed[::2], noticed[1::2], strict=False):
        assert isinstance(start, Started)
        assert isinstance(end, Ended)
        assert last <= start.sample < start.noticed_sample <= end.noticed_sample
        assert start.sample == end.start_sample
        assert end.sample <= end.noticed_sample - HANGOVER
        last = end.sample


def test_one_window_that_is_surely_voice_is_an_onset() -> None:
    detector = SpeechDetector(0.5, 0.35, 2, HANGOVER, sure=0.85)
    assert detector.push(0.7, 0) is None
    assert detector.push(0.1, WINDOW) is None
    started = detector.push(0.9, 2 * WINDOW)
    assert isinstance(started, Started)
    assert (started.sample, started.noticed_sample) == (2 * WINDOW, 3 * WINDOW)
