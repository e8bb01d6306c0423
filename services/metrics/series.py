"""A series of readings: percentiles over the last ones exactly, and since the start within 2 %, in bounded memory."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import deque
from collections.abc import Sequence

__all__ = ["Series"]

_STEP = 1.04
"""Each bucket ends 4 % after the one before: the middle is within 2 % of whatever is in it."""
_LEAST = 1e-6


class Series:
    """Readings of 0 or more, in one unit. `bounds` are those of the histogram that is shown to others."""

    def __init__(self, window: int, bounds: Sequence[float]) -> None:
        self.count = 0
        self.total = 0.0
        self.bounds = tuple(bounds)
        self._recent: deque[float] = deque(maxlen=window)
        self._shown = [0] * (len(self.bounds) + 1)
        self._fine: dict[int, int] = {}

    def add(self, value: float) -> None:
        """Take in a reading."""
        self.count += 1
        self.total += value
        self._recent.append(value)
        self._shown[bisect_left(self.bounds, value)] += 1
        bucket = math.ceil(math.log(max(value, _LEAST) / _LEAST, _STEP))
        self._fine[bucket] = self._fine.get(bucket, 0) + 1

    def recent(self, percent: float) -> float | None:
        """The value that `percent` % of the last readings do not exceed (nearest rank); None without any."""
        ordered = sorted(self._recent)
        return ordered[_rank(percent, len(ordered)) - 1] if ordered else None

    def ever(self, percent: float) -> float | None:
        """The same of all readings since the start, within 2 %."""
        left = _rank(percent, self.count)
        for bucket in sorted(self._fine):
            left -= self._fine[bucket]
            if left <= 0:
                return _LEAST * _STEP ** (bucket - 0.5) if bucket else 0.0
        return None

    def buckets(self) -> list[tuple[str, float]]:
        """The cumulative histogram as Prometheus wants it: upper bound, and how many are at most that."""
        counted = 0.0
        lines = []
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self._shown, strict=True):
            counted += count
            lines.append((bound, counted))
        return lines

    def summary(self) -> dict[str, float | None]:
        """Percentiles of the last readings and of all, and how many there were."""
        percents = (50, 95, 99)
        return {
            "count": self.count,
            **{f"p{percent}": self.recent(percent) for percent in percents},
            **{f"p{percent}_ever": self.ever(percent) for percent in percents},
        }


def _rank(percent: float, count: int) -> int:
    return max(1, math.ceil(count * percent / 100))
