"""What a program lets the microphone hear: samples that are laid over the frames of the microphone, in turn."""

from __future__ import annotations

from collections import deque

import numpy as np

from shared.errors import SottoError
from shared.pcm import CAPTURE_RATE, Floats

__all__ = ["Injected", "TooMuchToHear"]


class TooMuchToHear(SottoError):
    """More sound waits to be heard than is kept."""


class Injected:
    """Sound at 16 kHz that waits to be heard, at most `limit_s` seconds of it."""

    def __init__(self, limit_s: float = 600.0) -> None:
        self._limit = round(limit_s * CAPTURE_RATE)
        self._waiting: deque[Floats] = deque()
        self._count = 0

    @property
    def over(self) -> bool:
        """True when nothing waits."""
        return not self._waiting

    def add(self, samples: Floats) -> None:
        """Let these be heard after what waits already. Raises TooMuchToHear, and then takes nothing of it."""
        if self._count + len(samples) > self._limit:
            raise TooMuchToHear(
                f"At most {self._limit // CAPTURE_RATE} s of sound may wait to be heard.",
                remedy="Send the rest once this was heard.",
            )
        if len(samples):
            self._waiting.append(samples)
            self._count += len(samples)

    def over_frame(self, frame: Floats) -> Floats:
        """Return the frame, shape (samples,), with what is heard at the same time."""
        if not self._waiting:
            return frame
        mixed, place = frame.copy(), 0
        while self._waiting and place < len(mixed):
            piece = self._waiting.popleft()
            here = min(len(piece), len(mixed) - place)
            mixed[place : place + here] += piece[:here]
            if here < len(piece):
                self._waiting.appendleft(piece[here:])
            place += here
        self._count -= place
        return np.clip(mixed, -1.0, 1.0)
