"""The latency ledger: moments of one spoken turn, and the exclusive parts between them that sum to the whole."""

from __future__ import annotations

import itertools
from dataclasses import astuple, dataclass

from shared.events import Latency

__all__ = ["Capture", "Moments", "moment"]

_NS = 1_000_000_000


def moment(at: int, since: int, now: int) -> int:
    """When a step was taken that is stamped `at`, perhaps by a clock that differs: after `since`, and before now."""
    return at if since <= at <= now else now


@dataclass(frozen=True, slots=True)
class Capture:
    """One point at which the capture clock and the wall clock are known together."""

    sample: int
    at: int
    """Unix ns."""
    rate: int

    def time_of(self, sample: int) -> int:
        """Unix ns at which `sample` was captured."""
        return self.at - (self.sample - sample) * _NS // self.rate


@dataclass(frozen=True, slots=True)
class Moments:
    """When each step of the turn came, unix ns; 0 for a step that did not (yet) come. Fields are in their order."""

    voiced: int = 0
    """The last voiced sample left the person."""
    endpoint: int = 0
    """Dialogue was sure that the person had finished."""
    final: int = 0
    """The text was known."""
    asked: int = 0
    """Whoever answered was asked. A skill that was asked in vain before the model counts as queue."""
    first_token: int = 0
    """The first piece of the answer's text came."""
    clause: int = 0
    """The first clause was sent to be spoken."""
    audio: int = 0
    """Its first samples came."""
    audible: int = 0
    """They left the device."""

    def parts(self, model_queue_ns: int = 0) -> Latency | None:
        """Return the ledger, or None when nobody spoke or nothing was audible.

        Clocks and reports jitter (a file is played in whole frames): a step is never before the step before it, so
        that no part is negative and the sum is exact. `model_queue_ns`, the model's own waiting line, moves from
        prefill to queue.
        """
        if not self.voiced or not self.audible:
            return None
        at = tuple(itertools.accumulate(astuple(self), max))
        wait, tail, queue, prefill, clause, synthesis, playout = (b - a for a, b in itertools.pairwise(at))
        moved = min(max(model_queue_ns, 0), prefill)
        return Latency(
            endpoint_wait=wait,
            recognition_tail=tail,
            queue=queue + moved,
            prefill=prefill - moved,
            first_clause=clause,
            synthesis=synthesis,
            playout=playout,
            total=at[-1] - self.voiced,
        )
