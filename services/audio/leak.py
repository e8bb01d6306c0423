"""The moment in which an echo canceller has lost its echo: what is no louder than the echo is then taken for it.

A canceller needs some tenths of a second to find an echo that has moved: a device ran dry, or began anew with another
delay. What it leaks meanwhile sounds like somebody who interrupts. How loud an echo is, though, is known from all the
time in which it was cancelled, and hardly changes. So in the first moments of each answer, and after a tear, a frame
that was not cancelled and is not louder than its echo would be is silenced; whoever speaks up over it passes.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from shared.pcm import Floats

__all__ = ["LeakGuard"]

_HELD = 20
"""Frames, 0.4 s, in which a loud sound may come back."""
_RISKY = 45
"""Frames, 0.9 s, in which a canceller may still search."""
_QUIET = 15
"""Frames, 0.3 s, of a silent speaker after which an answer is a new one."""
_LOUD = 1e-5
"""Power, -50 dBFS, from which the speaker counts as sounding."""
_CANCELLED = 10 ** (-20 / 10)
_LEAKED = 10 ** (-10 / 10)
_LOUDER = 2.0
"""3 dB above its echo a sound is somebody's."""
_FORGET = 10 ** (-0.01 / 10)
"""How fast the loudest echo is forgotten: half a dB in a second of sound."""


class LeakGuard:
    """Pure; hears every frame of 20 ms."""

    def __init__(self) -> None:
        self._played: deque[float] = deque([0.0] * _HELD, maxlen=_HELD)
        self._gain = 0.0
        """Power of the echo over the loudest of what was just played; 0: never heard one."""
        self._silent = _QUIET
        self._risky = 0

    def guard(self, frame: Floats, cleaned: Floats, played: Floats, *, torn: bool) -> Floats:
        """Return `cleaned`, or silence where it is an echo. `torn`: what was played, `played`, has a hole."""
        self._note(_power(played), torn=torn)
        loudest = max(self._played)
        if loudest < _LOUD:
            return cleaned
        heard, left = _power(frame), _power(cleaned)
        if left < heard * _CANCELLED:
            self._gain = max(self._gain * _FORGET, heard / loudest)
        leaked = self._risky > 0 and heard * _LEAKED < left and heard < self._gain * loudest * _LOUDER
        return np.zeros_like(cleaned) if leaked else cleaned

    def _note(self, played: float, *, torn: bool) -> None:
        self._played.append(played)
        loud = played > _LOUD
        if torn or (loud and self._silent >= _QUIET):
            self._risky = _RISKY
        elif self._risky and max(self._played) > _LOUD:
            self._risky -= 1
        self._silent = 0 if loud else self._silent + 1


def _power(samples: Floats) -> float:
    return float(np.dot(samples, samples)) / max(1, samples.size)
