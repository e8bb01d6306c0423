"""The metrics service: measures the conversation without taking part in it, and says what it finds as events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ClassVar

from bus import Overflow, Subscription
from services.contract import Context
from services.metrics.counts import COUNTED
from services.metrics.engines import ENGINE_EVENTS
from services.metrics.latency import PARTS
from services.metrics.measurements import Measurements
from services.metrics.settings import MetricsSettings
from services.metrics.traces import TRACED, Tracing, open_tracing
from shared.errors import SottoError
from shared.events import Event, MetricSample, TurnFinished

__all__ = ["MetricsService"]


class MetricsService:
    """Feeds `measurements`, and publishes `metric.sample` every `sample_s` seconds.

    What it reads may be dropped: a watcher that is late must not hold up what it watches.
    """

    name: ClassVar[str] = "metrics"
    consumes: ClassVar[tuple[type[Event], ...]] = ()

    def __init__(
        self,
        settings: MetricsSettings,
        measurements: Measurements,
        tracing: Callable[[MetricsSettings], Tracing | None] = open_tracing,
    ) -> None:
        self._settings = settings
        self._measurements = measurements
        self._open_tracing = tracing

    async def run(self, ctx: Context) -> None:
        """Measure until cancelled."""
        kinds: set[type[Event]] = {TurnFinished, *ENGINE_EVENTS, *COUNTED}
        try:
            tracing = await asyncio.to_thread(self._open_tracing, self._settings)
        except SottoError as error:
            ctx.degraded(str(error))
            tracing = None
        else:
            ctx.ready()
        if tracing is not None:
            kinds |= set(TRACED)
        seen: Subscription[Event] = ctx.bus.subscribe(
            *kinds, name="metrics", capacity=4096, overflow=Overflow.DROP_OLDEST
        )
        untap = ctx.bus.tap(self._measurements.counts.count)
        self._measurements.watcher.start()
        ctx.tasks.create_task(self._sample(ctx), name="metrics:sample")
        try:
            with seen:
                await self._follow(seen, tracing)
        finally:
            self._measurements.watcher.stop()
            untap()
            if tracing is not None:
                tracing.close()

    async def _follow(self, seen: Subscription[Event], tracing: Tracing | None) -> None:
        async for event in seen:
            self._measurements.see(event)
            if tracing is not None:
                tracing.see(event)

    async def _sample(self, ctx: Context) -> None:
        before = ctx.clock.monotonic_ns()
        turns = 0
        while True:
            await asyncio.sleep(self._settings.sample_s)
            now = ctx.clock.monotonic_ns()
            self._measurements.counts.read(max(1, now - before) / 1e9)
            before = now
            for name, value, labels in self._readings():
                ctx.emit(MetricSample, name=name, value=value, labels=labels)
            counted = self._measurements.latencies.parts["total"].count
            if counted > turns:
                turns = counted
                self._tell_latency(ctx)

    def _readings(self) -> list[tuple[str, float, dict[str, str]]]:
        found, watcher = self._measurements, self._measurements.watcher
        reading = watcher.reading
        threads = [("thread.cpu_ratio", share, {"thread": name}) for name, share in reading.threads.items()]
        gpus = [
            line
            for gpu in reading.gpus
            for line in (
                ("gpu.busy_ratio", gpu.busy, {"gpu": gpu.name}),
                ("gpu.memory_bytes", float(gpu.memory_used), {"gpu": gpu.name}),
            )
        ]
        return [
            *gpus,
            ("process.cpu_ratio", reading.cpu, {}),
            ("process.memory_bytes", float(reading.rss), {}),
            ("system.memory_ratio", reading.machine_memory, {}),
            *[one for one in threads if one[1] > 0],
            ("bus.events_per_second", sum(found.counts.rates.values()), {}),
            ("bus.queued", float(sum(ledger.queued for ledger in found.ledgers())), {}),
            ("bus.dropped", float(sum(ledger.dropped for ledger in found.ledgers())), {}),
            ("bus.lag_seconds", max((found.lag_s(ledger) for ledger in found.ledgers()), default=0.0), {}),
            ("loop.stalls", float(watcher.stall_count), {}),
        ]

    def _tell_latency(self, ctx: Context) -> None:
        for part in (*PARTS, "total"):
            for percent in (50, 95):
                value = self._measurements.latencies.parts[part].recent(percent)
                labels = {"part": part, "percentile": str(percent)}
                ctx.emit(MetricSample, name="turn.latency_seconds", value=value or 0.0, labels=labels)
