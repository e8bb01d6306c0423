"""The speaker's sound beside the microphone's: as many samples for each frame, in whatever lumps they come.

An echo canceller learns how late an echo is. Reports of what was played come late and many at once on a busy machine;
if the canceller got them so, its echo would seem to move, and it would have to learn anew.
"""

from __future__ import annotations

import numpy as np

from shared.pcm import CAPTURE_RATE, Floats

__all__ = ["Reference"]

_MOST_HELD = CAPTURE_RATE * 20 // 1000
"""What is late by this much at first is late from then on; later lateness is bridged."""
_MOVED = 50
"""Frames in a row, a second, that are short: the devices are apart now, and what is missing will not come."""
_RESTING = CAPTURE_RATE // 5
"""A speaker of which nothing came for so long rests."""
_MOST = CAPTURE_RATE // 2
_NOTHING: Floats = np.zeros(0, np.float32)


class Reference:
    """Samples in, samples out, at 16 kHz. What is missing becomes silence, and is passed over when it comes."""

    def __init__(self) -> None:
        self._waiting = _NOTHING
        self._held = 0
        self._owed = 0
        self._short = 0
        self._resting = True
        self.torn = False
        """What was taken last had a hole."""

    def add(self, samples: Floats) -> None:
        """More was played."""
        if not samples.size:
            return
        if self._resting:
            self._resting, self._owed = False, 0
            self._waiting = np.zeros(self._held, np.float32)
        late = min(self._owed, samples.size)
        self._owed -= late
        self._waiting = np.concatenate((self._waiting, samples[late:]))[-_MOST:]

    def take(self, size: int) -> Floats:
        """Return what belongs to the next `size` samples of the microphone; nothing while the speaker rests."""
        self.torn = False
        if self._resting:
            return _NOTHING
        taken, self._waiting = self._waiting[:size], self._waiting[size:]
        missing = size - taken.size
        hold = min(missing, _MOST_HELD - self._held)
        self._held += hold
        self._owed += missing - hold
        self.torn = missing > hold
        self._short = self._short + 1 if missing else 0
        if self._short > _MOVED:
            self._owed = self._short = 0
        self._resting = self._owed > _RESTING
        return np.pad(taken, (0, missing))
