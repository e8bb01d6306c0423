"""When a crashed service is run again, and when no more: at once first, then later each time, until it is hopeless."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Backoff"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Delays between restarts, in seconds, and how many crashes without progress are too many.

    Progress is an event that was handled (but none about the service itself), or having been ready for `steady`
    seconds: a service that gets something done between two crashes may crash for ever. An event that was given up as
    poisoned starts the delays anew, since their cause is gone, but is no progress: a service that crashes on whatever
    it is given is failed in the end.
    """

    base: float = 0.1
    """Delay before the second restart in a row; the first comes at once."""
    factor: float = 2.0
    cap: float = 10.0
    """No delay is longer."""
    jitter: float = 0.5
    """The share of a delay that is random, so that services which fell together do not return together."""
    limit: int = 10
    """Crashes without progress that are survived: two poisoned events of five tries each. One more is failure."""
    steady: float = 10.0
    dice: Callable[[], float] = random.random
    """Gives numbers in [0, 1) for the jitter."""

    def delay(self, attempt: int) -> float:
        """Seconds to wait before restart number `attempt` in a row, from 1."""
        if attempt <= 1:
            return 0.0
        whole = min(self.cap, self.base * self.factor ** min(attempt - 2, 64))
        return whole * (1.0 - self.jitter * self.dice())
