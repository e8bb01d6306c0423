"""The last seconds of captured sound, by position on the capture clock; gaps are silence."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from shared.pcm import Floats, floats

__all__ = ["Ring"]

_RESTART = 16_000
"""A position this many samples (1 s) in the past means that the capture clock began again."""


class Ring:
    """Holds `capacity` samples in fixed memory; older ones are overwritten."""

    def __init__(self, capacity: int) -> None:
        self._samples = np.zeros(capacity, np.int16)
        self._first: int | None = None
        self._until = 0

    @property
    def until(self) -> int:
        """Position just past the newest sample (0 before any)."""
        return self._until

    @property
    def first(self) -> int:
        """Position of the oldest sample that is held."""
        return max(self._first or 0, self._until - len(self._samples))

    def forget(self) -> None:
        """Hold nothing, as at first."""
        self._first, self._until = None, 0

    def add(self, first_sample: int, pcm: bytes) -> None:
        """Add a frame of mono s16le. What is missing before it is silence; what was heard already is passed over."""
        new = np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2")
        if self._first is None or first_sample < self._until - _RESTART:
            self._first = self._until = first_sample
        self._skip_to(first_sample)
        self._append(new[self._until - first_sample :])

    def read(self, first_sample: int, until_sample: int) -> Floats:
        """Return what is held of [first_sample, until_sample), a copy of shape (n,); shorter where it is gone."""
        first, until = max(first_sample, self.first), min(until_sample, self._until)
        if first >= until:
            return np.zeros(0, np.float32)
        return floats(self._samples.take(np.arange(first, until) % len(self._samples)).tobytes())

    def _skip_to(self, position: int) -> None:
        gap = position - self._until
        if gap >= len(self._samples):
            self._samples.fill(0)
            self._until = position
        elif gap > 0:
            self._append(np.zeros(gap, np.int16))

    def _append(self, new: npt.NDArray[np.int16]) -> None:
        kept = new[-len(self._samples) :]
        self._until += len(new)
        at = (self._until - len(kept)) % len(self._samples)
        to_the_end = min(len(kept), len(self._samples) - at)
        self._samples[at : at + to_the_end] = kept[:to_the_end]
        self._samples[: len(kept) - to_the_end] = kept[to_the_end:]
