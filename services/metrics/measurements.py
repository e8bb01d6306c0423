"""Everything measured, in one place: fed by the metrics service, shown as JSON and as Prometheus's text."""

from __future__ import annotations

from dataclasses import asdict

from pydantic import JsonValue

from bus import Bus, Ledger
from services.metrics.counts import Counts
from services.metrics.engines import Engines
from services.metrics.latency import Latencies
from services.metrics.settings import MetricsSettings
from services.metrics.watcher import Watcher
from shared.clock import Clock, SystemClock
from shared.events import Event, TurnFinished

__all__ = ["Measurements"]


class Measurements:
    """Made once, so that figures go on after a crash of the service that feeds them."""

    def __init__(self, bus: Bus, settings: MetricsSettings, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self.latencies = Latencies(settings.window)
        self.engines = Engines(settings.window)
        self.counts = Counts()
        self.watcher = Watcher(settings.stall_ms / 1e3, settings.sample_s)
        self._bus = bus

    def see(self, event: Event) -> None:
        """Take in one event."""
        if isinstance(event, TurnFinished):
            self.latencies.see(event)
        self.engines.see(event)
        self.counts.see(event)

    def ledgers(self) -> tuple[Ledger, ...]:
        """The account of every subscription."""
        return self._bus.stats()

    def lag_s(self, ledger: Ledger) -> float:
        """How long the event has waited that waits longest, in seconds."""
        return max(0, self._clock.now_ns() - ledger.oldest_at) / 1e9 if ledger.oldest_at else 0.0

    def stats(self) -> dict[str, JsonValue]:
        """Return all of it as JSON."""
        watcher, reading = self.watcher, self.watcher.reading
        return {
            "subscriptions": [self._account(one) for one in self.ledgers()],
            "rates": {**self.counts.rates},
            "stalls": [asdict(stall) for stall in tuple(watcher.stalls)],
            "process": {"cpu": reading.cpu, "rss": reading.rss, "threads": {**reading.threads}},
            "gpus": [asdict(gpu) for gpu in reading.gpus],
            "latency": self.latencies.summary(),
            "engines": self.engines.summary(),
            "services": {
                name: {"state": one.state, "restarts": one.restarts}
                for name, one in self.counts.services.by_name.items()
            },
        }

    def _account(self, ledger: Ledger) -> JsonValue:
        return {**asdict(ledger), "overflow": ledger.overflow.value, "lag_s": self.lag_s(ledger)}

    def exposition(self) -> bytes:
        """Return all of it in Prometheus's text format."""
        from services.metrics.prometheus import exposition

        return exposition(self)
