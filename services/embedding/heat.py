"""Heat: how often and how lately something was used, as one number that never has to be aged.

A use at time t weighs 2^(t / half-life); heat is the logarithm of the sum of all uses, so that of two entries the
cooler one is the cooler one for ever, until somebody uses it again.
"""

from __future__ import annotations

import math

__all__ = ["HALF_LIFE_S", "warmed"]

HALF_LIFE_S = 7 * 24 * 3600.0
"""A use a week ago counts half as much as one now."""


def warmed(heat: float, now_s: float) -> float:
    """Return the heat after a use at `now_s`; `-inf` is that of what was never used."""
    use = now_s / HALF_LIFE_S
    high, low = max(heat, use), min(heat, use)
    return high + math.log2(1.0 + 2.0 ** (low - high))
