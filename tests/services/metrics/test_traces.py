"""Traces: a turn is one trace, from the wake word to the last sample, and says nothing of what was said."""

from __future__ import annotations

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.metrics.latency import PARTS
from services.metrics.traces import Tracing, new_provider
from shared.clock import ManualClock
from shared.events import (
    AudioPlayed,
    Event,
    Latency,
    LlmRequest,
    LlmResponse,
    Stamp,
    TtsFinished,
    TtsRequest,
    TurnFinished,
    TurnStarted,
    Usage,
    WakeDetected,
    current,
)
from shared.ids import id_source

USAGE = Usage(
    prompt_tokens=7, cached_tokens=0, completion_tokens=3, dropped_messages=0, queue_ns=0, prefill_ns=5, decode_ns=9
)


def turn() -> list[Event]:
    """A woken, spoken turn; each event comes 10 ms after the one before."""
    clock = ManualClock()
    stamp = Stamp("test", clock, id_source("e-"), "s")
    events: list[Event] = []

    def say(kind: type[Event], cause: Event | None = None, **fields: object) -> Event:
        clock.advance(10_000_000)
        token = current.set(cause)
        events.append(stamp(kind, session="s", turn=1, **fields))
        current.reset(token)
        return events[-1]

    say(WakeDetected, phrase="hey", sample=1, score=1.0)
    say(TurnStarted, reason="speech", first_sample=0)
    request = say(
        LlmRequest, messages=(), tools=(), max_tokens=1, temperature=0.0, seed=0, stop=()
    )  # fmt: skip
    say(
        LlmResponse, request, request=request.id, text="secret", finish="stop", tool_requests=(), usage=USAGE, model="m"
    )
    clause = say(TtsRequest, reply="r", clause=0, text="secret", language="en", voice="", last=True)
    say(TtsFinished, clause, reply="r", clause=0, samples=10, rate=10, engine="piper", synthesis_ns=1)
    say(AudioPlayed, reply="r", clause=0, until_sample=10, rate=10, capture_sample=0, ended=True)
    latency = Latency(**dict.fromkeys(PARTS, 1_000_000), total=7_000_000)
    say(
        TurnFinished, reason="answered", asked="secret", answered="secret", heard="secret", by="llm", latency=latency
    )  # fmt: skip
    return events


def traced(events: list[Event]) -> dict[str, ReadableSpan]:
    exporter, provider = InMemorySpanExporter(), new_provider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing = Tracing(provider)
    for event in events:
        tracing.see(event)
    provider.shutdown()
    return {span.name: span for span in exporter.get_finished_spans()}


def test_a_turn_is_one_trace() -> None:
    """Its requests are spans within, from the request to the answer."""
    events = turn()
    spans = traced(events)
    assert set(spans) == {"turn", "chat", "synthesise"}
    whole = spans["turn"]
    assert (whole.start_time, whole.end_time) == (events[0].at, events[-1].at)
    assert len({span.context.trace_id for span in spans.values()}) == 1
    assert {span.parent.span_id for name, span in spans.items() if name != "turn" and span.parent} == {
        whole.context.span_id
    }
    assert (spans["chat"].start_time, spans["chat"].end_time) == (events[2].at, events[3].at)
    assert dict(spans["chat"].attributes or {})["gen_ai.usage.output_tokens"] == 3
    assert dict(whole.attributes or {})["sotto.latency.total_ms"] == 7


def test_what_was_said_is_in_no_trace() -> None:
    """Traces go to another program: words stay here."""
    assert all("secret" not in str(dict(span.attributes or {})) for span in traced(turn()).values())


def test_a_turn_that_began_before_is_left_out() -> None:
    """Half a trace would say less than none."""
    assert traced(turn()[2:]) == {}
