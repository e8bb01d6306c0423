"""The figures in Prometheus's text format, made at the moment they are asked for: until then they cost nothing.

Names follow OpenTelemetry's conventions for generative AI and for messaging where these have one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from services.metrics.series import Series

if TYPE_CHECKING:
    from services.metrics.measurements import Measurements

__all__ = ["exposition"]


def exposition(found: Measurements) -> bytes:
    """Return the text of everything that is known now."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Everything(found))
    return generate_latest(registry)


class _Everything(Collector):
    def __init__(self, found: Measurements) -> None:
        self._found = found

    def collect(self) -> Iterator[Metric]:
        yield from _turns(self._found)
        yield from _engines(self._found)
        yield from _bus(self._found)
        yield from _services(self._found)
        yield from _process(self._found)


def _turns(found: Measurements) -> Iterator[Metric]:
    parts = [((name,), series) for name, series in found.latencies.parts.items() if name != "total"]
    yield _histogram("sotto_turn_part_seconds", "Where the time of a spoken turn goes, by part.", ("part",), parts)
    whole = found.latencies.parts["total"]
    yield _histogram(
        "sotto_turn_latency_seconds", "From the last voiced sample to the first audible one.", (), [((), whole)]
    )
    turns = [((reason, by), count) for (reason, by), count in found.latencies.turns.items()]
    yield _counter("sotto_turns", "Turns, by why they ended and who answered.", ("reason", "by"), turns)


def _engines(found: Measurements) -> Iterator[Metric]:
    engines = found.engines
    model = (engines.loaded["llm"].name,) if "llm" in engines.loaded else ("",)
    label = ("gen_ai_request_model",)
    for name, words, series in (
        ("gen_ai_server_request_duration_seconds", "A generation from its request to its end.", engines.generation_s),
        ("gen_ai_server_time_to_first_token_seconds", "Reading the prompt.", engines.prefill_s),
        ("sotto_llm_tokens_per_second", "Tokens of the answer per second.", engines.decode_rate),
    ):
        yield _histogram(name, words, label, [(model, series)])
    tokens = [
        (("input", *model), engines.prompt_tokens),
        (("input_cached", *model), engines.cached_tokens),
        (("output", *model), engines.completion_tokens),
    ]
    names = ("gen_ai_token_type", *label)
    yield _counter("gen_ai_client_token_usage_tokens", "Tokens read, found in the cache, and written.", names, tokens)
    factors = [(("tts",), engines.synthesis_rtf), (("stt",), engines.recognition_rtf)]
    yield _histogram("sotto_real_time_factor", "Time of work over time of sound, by engine.", ("role",), factors)
    failures = [(key, count) for key, count in engines.failures.items()]
    yield _counter("sotto_engine_failures", "Requests that an engine could not meet.", ("role", "reason"), failures)
    tools = [(key, count) for key, count in engines.tools.items()]
    yield _counter("gen_ai_tool_calls", "Skills run, by outcome.", ("gen_ai_tool_name", "outcome"), tools)
    loaded = [((role, one.name, one.engine), 1) for role, one in engines.loaded.items()]
    yield _gauge("sotto_model_loaded", "1 for each model in use.", ("role", "model", "engine"), loaded)


def _bus(found: Measurements) -> Iterator[Metric]:
    label = ("messaging_destination_name",)
    sent = [((cls.kind,), count) for cls, count in found.counts.events.items()]
    yield _counter("messaging_client_sent_messages", "Events published, by kind.", label, sent)
    ledgers = _by_name(found)
    names = ("messaging_consumer_group_name",)
    for field, words in (
        ("offered", "Events offered to a subscription."),
        ("delivered", "Events that its reader took."),
        ("dropped", "Events lost to its overflow policy."),
        ("stale", "Events skipped because their turn was fenced."),
    ):
        lines = [((name,), account[field]) for name, account in ledgers.items()]
        yield _counter(f"sotto_subscription_{field}_messages", words, names, lines)
    for field, words in (("queued", "Events that wait."), ("high_water", "The most that ever waited.")):
        lines = [((name,), account[field]) for name, account in ledgers.items()]
        yield _gauge(f"sotto_subscription_{field}_messages", words, names, lines)
    lags: dict[tuple[str, ...], float] = {}
    for ledger in found.ledgers():
        lags[ledger.name,] = max(found.lag_s(ledger), lags.get((ledger.name,), 0.0))
    words = "How long the event has waited that waits longest."
    yield _gauge("sotto_subscription_lag_seconds", words, names, lags.items())


def _by_name(found: Measurements) -> dict[str, dict[str, int]]:
    """The ledgers, those of one name added up: a label may come only once."""
    accounts: dict[str, dict[str, int]] = {}
    for ledger in found.ledgers():
        account = accounts.setdefault(ledger.name, dict.fromkeys(_FIELDS, 0))
        for field in _FIELDS:
            account[field] += getattr(ledger, field)
    return accounts


_FIELDS = ("offered", "delivered", "dropped", "stale", "queued", "high_water")


def _services(found: Measurements) -> Iterator[Metric]:
    counts = found.counts
    services = counts.services.by_name.values()
    states = [((one.name, one.state), 1) for one in services]
    yield _gauge("sotto_service_state", "1 for the state that each service is in.", ("service", "state"), states)
    restarts = [((one.name,), one.restarts) for one in services]
    yield _counter("sotto_service_restarts", "Times that a service was run again.", ("service",), restarts)
    crashes = [((one.name,), one.crashes) for one in services]
    yield _counter("sotto_service_crashes", "Times that a service raised.", ("service",), crashes)
    dead = [((name,), count) for name, count in counts.dead.items()]
    yield _counter("sotto_dead_messages", "Events that were given up.", ("service",), dead)


def _process(found: Measurements) -> Iterator[Metric]:
    watcher, reading = found.watcher, found.watcher.reading
    yield _counter(
        "sotto_loop_stalls", "Times that the event loop did not come round.", (), [((), watcher.stall_count)]
    )
    yield _counter("sotto_loop_stalled_seconds", "How long it did not.", (), [((), watcher.stalled_s)])
    words = "Spent in collections of garbage of 5 ms and more: nothing else runs meanwhile."
    yield _counter("sotto_gc_pause_seconds", words, (), [((), watcher.collected_s)])
    yield _gauge("process_cpu_ratio", "CPU in use; 1 is one core.", (), [((), reading.cpu)])
    yield _gauge("process_resident_memory_bytes", "Memory in use.", (), [((), reading.rss)])
    threads = [((name,), share) for name, share in reading.threads.items()]
    yield _gauge("sotto_thread_cpu_ratio", "CPU by thread; 1 is one core.", ("thread",), threads)
    gpus = reading.gpus
    busy = [((gpu.name,), gpu.busy) for gpu in gpus]
    yield _gauge("sotto_gpu_busy_ratio", "The part of the time in which a GPU works.", ("gpu",), busy)
    used = [((gpu.name,), gpu.memory_used) for gpu in gpus]
    yield _gauge("sotto_gpu_memory_used_bytes", "Memory of a GPU in use, by whatever program.", ("gpu",), used)


# ---- families

Labels = tuple[str, ...]


def _counter(name: str, words: str, labels: Labels, lines: Iterable[tuple[Labels, float]]) -> Metric:
    family = CounterMetricFamily(name, words, labels=labels)
    for values, value in lines:
        family.add_metric(values, value)
    return family


def _gauge(name: str, words: str, labels: Labels, lines: Iterable[tuple[Labels, float]]) -> Metric:
    family = GaugeMetricFamily(name, words, labels=labels)
    for values, value in lines:
        family.add_metric(values, value)
    return family


def _histogram(name: str, words: str, labels: Labels, lines: Iterable[tuple[Labels, Series]]) -> Metric:
    family = HistogramMetricFamily(name, words, labels=labels)
    for values, series in lines:
        family.add_metric(values, series.buckets(), series.total)
    return family
