"""The capture clock: samples cut into frames of 20 ms without a gap, and the moment at which each was heard."""

from __future__ import annotations

import numpy as np

from shared.pcm import CAPTURE_RATE, Floats

__all__ = ["FRAME", "FRAME_NS", "CaptureClock", "Framer"]

FRAME = 320
"""Samples of a frame, 20 ms at 16 kHz."""
FRAME_NS = FRAME * 1_000_000_000 // CAPTURE_RATE


class Framer:
    """Blocks of any size in, whole frames out."""

    def __init__(self) -> None:
        self._rest: Floats = np.zeros(0, np.float32)

    def feed(self, samples: Floats) -> list[Floats]:
        """Return the frames that are whole now, each of shape (320,)."""
        joined = np.concatenate((self._rest, samples)) if self._rest.size else samples
        whole = joined.size - joined.size % FRAME
        self._rest = joined[whole:]
        return [joined[i : i + FRAME] for i in range(0, whole, FRAME)]

    def flush(self) -> list[Floats]:
        """Return what is left, filled up with silence to one frame, or nothing."""
        rest, self._rest = self._rest, np.zeros(0, np.float32)
        return [np.pad(rest, (0, FRAME - rest.size))] if rest.size else []


class CaptureClock:
    """Positions since the session began, and which position was in the air at a moment of the monotonic clock."""

    def __init__(self) -> None:
        self.position = 0
        """Samples published so far."""
        self._anchor: tuple[int, int] | None = None

    def advance(self, samples: int, until_ns: int | None = None) -> int:
        """Count a frame and return its first position; `until_ns` is when its last sample was in the air."""
        first = self.position
        self.position += samples
        self._anchor = None if until_ns is None else (self.position, until_ns)
        return first

    def at(self, now_ns: int) -> int:
        """Position that is in the air at `now_ns`; without times, the position published last."""
        if self._anchor is None:
            return self.position
        position, until_ns = self._anchor
        return max(0, position + (now_ns - until_ns) * CAPTURE_RATE // 1_000_000_000)
