"""Percentiles of a few hundred readings."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["percentile"]


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value that `percent` of them do not exceed, between neighbours by their distance; 0 of none."""
    if not values:
        return 0.0
    line = sorted(values)
    place = (len(line) - 1) * percent / 100
    below = int(place)
    above = min(below + 1, len(line) - 1)
    return line[below] + (line[above] - line[below]) * (place - below)
