"""From voice probabilities to onsets and ends of speech: a pure state machine with hysteresis.

Positions are exact to the window: an onset is dated back to the first sample of the first voiced window that led to
it, an end to just past the last voiced window.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.listening.ports import WINDOW

__all__ = ["Ended", "SpeechDetector", "Started"]


@dataclass(frozen=True, slots=True)
class Started:
    """Speech began at `sample`; it was known once everything before `noticed_sample` had been heard."""

    sample: int
    noticed_sample: int
    probability: float
    """Mean voice probability of the windows that made the onset."""


@dataclass(frozen=True, slots=True)
class Ended:
    """Speech that began at `start_sample` ended just before `sample`; known at `noticed_sample`."""

    start_sample: int
    sample: int
    noticed_sample: int


class SpeechDetector:
    """Two thresholds, an onset of several windows in a row, and a fixed hangover (as in Silero's VADIterator).

    One window whose probability reaches `sure` is an onset by itself: who interrupts should not wait for a second one.
    Memory does not grow, whatever is heard for however long.
    """

    def __init__(
        self, start_threshold: float, stop_threshold: float, onset_windows: int, hangover: int, sure: float = 1.0
    ) -> None:
        self._start_threshold = start_threshold
        self._sure = sure
        self._stop_threshold = stop_threshold
        self._onset_windows = onset_windows
        self._hangover = hangover
        """Samples of silence that end speech."""
        self._speaking = False
        self._start = 0
        self._voiced_until = 0
        self._run: list[float] = []
        self._run_start: int | None = None

    @property
    def speaking(self) -> bool:
        """True between an onset and its end."""
        return self._speaking

    def push(self, probability: float, first_sample: int) -> Started | Ended | None:
        """Take the next window's probability; return what it made certain, if anything."""
        until = first_sample + WINDOW
        return self._going_on(probability, until) if self._speaking else self._waiting(probability, first_sample)

    def cut(self, sample: int) -> Ended | None:
        """The sound broke off at `sample`: end speech in progress at its last voiced window, forget the rest."""
        ended = self._end(sample) if self._speaking else None
        self._forget_run()
        return ended

    def _waiting(self, probability: float, first_sample: int) -> Started | None:
        if probability < self._stop_threshold:
            self._forget_run()
            return None
        if self._run_start is None:
            self._run_start = first_sample
        if probability < self._start_threshold:
            self._run.clear()
            # A murmur may last: date the onset back one window of it at most.
            self._run_start = first_sample
            return None
        self._run.append(probability)
        if len(self._run) < self._onset_windows and probability < self._sure:
            return None
        return self._begin(first_sample + WINDOW)

    def _begin(self, until: int) -> Started:
        assert self._run_start is not None
        started = Started(self._run_start, until, sum(self._run) / len(self._run))
        self._speaking, self._start, self._voiced_until = True, self._run_start, until
        self._forget_run()
        return started

    def _going_on(self, probability: float, until: int) -> Ended | None:
        if probability >= self._stop_threshold:
            self._voiced_until = until
            return None
        return self._end(until) if until - self._voiced_until >= self._hangover else None

    def _end(self, noticed: int) -> Ended:
        self._speaking = False
        return Ended(self._start, self._voiced_until, noticed)

    def _forget_run(self) -> None:
        self._run.clear()
        self._run_start = None
