"""The latency of turns: each part over the last turns and since the start, and what would change it.

The parts of a turn are exclusive and sum to its whole; a turn whose parts do not is not counted, but named.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from services.metrics.series import Series
from shared.events import Latency, TurnFinished
from shared.logs import get_logger

__all__ = ["PARTS", "TOLERANCE_NS", "Latencies", "shorter_wait"]

PARTS = tuple(name for name in Latency.model_fields if name != "total")
TOLERANCE_NS = 1_000_000
"""By how much the sum of the parts may differ from the whole."""
_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Seconds; those that OpenTelemetry recommends for durations."""

_log = get_logger("metrics")


def shorter_wait(latency: Latency, by_ns: int) -> int:
    """By how much the turn would have been answered sooner with an endpoint wait that is shorter by `by_ns`, in ns."""
    return min(by_ns, latency.endpoint_wait)


class Latencies:
    """Takes in turns as they finish. Durations are shown in seconds."""

    def __init__(self, window: int) -> None:
        self.parts: Mapping[str, Series] = {name: Series(window, _BOUNDS) for name in (*PARTS, "total")}
        self.turns: dict[tuple[str, str], int] = {}
        """How many ended for which reason, and answered by whom."""
        self.off = 0
        """Turns whose parts did not sum to the whole."""
        self._saved = Series(window, _BOUNDS)

    def see(self, turn: TurnFinished) -> None:
        """Take in a turn."""
        key = (turn.reason, turn.by)
        self.turns[key] = self.turns.get(key, 0) + 1
        latency = turn.latency
        if latency is None:
            return
        off = latency.total - sum(getattr(latency, name) for name in PARTS)
        if abs(off) > TOLERANCE_NS:
            self.off += 1
            _log.warning("the parts of a turn do not sum to its whole", turn=turn.turn, ns=off)
            return
        for name, series in self.parts.items():
            series.add(getattr(latency, name) / 1e9)
        self._saved.add(shorter_wait(latency, 100_000_000) / 1e9)

    def summary(self) -> dict[str, JsonValue]:
        """Percentiles by part in seconds, and what a wait that is 100 ms shorter would save."""
        return {
            "parts": {name: {**series.summary()} for name, series in self.parts.items()},
            "turns": [{"reason": reason, "by": by, "count": n} for (reason, by), n in self.turns.items()],
            "off": self.off,
            "what_if": {"endpoint_wait_100_ms_shorter_saves_s": self._saved.recent(50)},
        }
