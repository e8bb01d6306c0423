"""Traces: a turn as OpenTelemetry sees it, from the wake word to the last sample, sent over OTLP where that is set.

Spans are made when the turn is over, from the events it left; nothing is measured twice, and a conversation that
nobody traces pays nothing.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.metrics.settings import MetricsSettings
from shared.errors import SottoError
from shared.events import (
    AudioPlayed,
    Event,
    LlmFailed,
    LlmRequest,
    LlmResponse,
    SttFailed,
    SttFinal,
    SttFinish,
    ToolCall,
    ToolResult,
    TtsFailed,
    TtsFinished,
    TtsRequest,
    TurnFinished,
    TurnInterrupted,
    TurnStarted,
    WakeDetected,
)

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

__all__ = ["TRACED", "NoTracing", "Tracing", "open_tracing"]

TRACED: tuple[type[Event], ...] = (
    AudioPlayed,
    LlmFailed,
    LlmRequest,
    LlmResponse,
    SttFailed,
    SttFinal,
    SttFinish,
    ToolCall,
    ToolResult,
    TtsFailed,
    TtsFinished,
    TtsRequest,
    TurnFinished,
    TurnInterrupted,
    TurnStarted,
    WakeDetected,
)
_REQUESTS: dict[type[Event], str] = {
    SttFinish: "recognise",
    ToolCall: "execute_tool",
    LlmRequest: "chat",
    TtsRequest: "synthesise",
}
_TURNS = 64
"""Turns that may be open at a time; older ones are forgotten."""

Attributes = dict[str, str | int | float | bool]


class NoTracing(SottoError):
    """Traces are asked for and cannot be made."""


def open_tracing(settings: MetricsSettings) -> Tracing | None:
    """Return what sends traces to where the settings say, or None when they do not; it blocks. Raises NoTracing."""
    if not settings.otlp:
        return None
    if not settings.otlp.startswith(("http://", "https://")):
        raise NoTracing(
            f"metrics.otlp {settings.otlp!r} is no address.",
            remedy="Write http://localhost:4318/v1/traces, for example.",
        )
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ModuleNotFoundError as error:
        raise NoTracing(
            f"Traces need a package that is not here: {error.name}.", remedy="Run `scripts/setup server`."
        ) from error
    provider = new_provider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=settings.otlp, timeout=5)))
    return Tracing(provider)


def new_provider() -> TracerProvider:
    """Return a tracer provider of our own: nothing global is touched, nothing is read from the environment."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    return TracerProvider(resource=Resource({"service.name": "sotto"}), shutdown_on_exit=False)


@dataclass(slots=True)
class _Open:
    """A turn that goes on: its events so far."""

    started: TurnStarted
    woken_at: int = 0
    requests: dict[str, Event] = field(default_factory=dict)
    spans: list[tuple[str, int, int, Attributes]] = field(default_factory=list)
    heard_until: int = 0
    interrupted: bool = False


class Tracing:
    """Fed with TRACED in their order; one trace for each turn that finished."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("sotto")
        self._open: OrderedDict[tuple[str, int], _Open] = OrderedDict()
        self._woken: dict[str, int] = {}

    def see(self, event: Event) -> None:
        """Take in one event."""
        if isinstance(event, WakeDetected):
            self._woken[event.session] = event.at
        elif isinstance(event, TurnStarted):
            self._open[event.session, event.turn] = _Open(event, self._woken.pop(event.session, 0))
            if len(self._open) > _TURNS:
                self._open.popitem(last=False)
        elif (turn := self._open.get((event.session, event.turn))) is not None:
            self._within(turn, event)

    def close(self) -> None:
        """Send what waits, on a thread: a collector that does not answer holds up nobody."""
        threading.Thread(target=self._provider.shutdown, name="sotto-traces", daemon=True).start()

    def _within(self, turn: _Open, event: Event) -> None:
        if type(event) in _REQUESTS:
            turn.requests[event.id] = event
        elif event.cause in turn.requests:
            request = turn.requests.pop(event.cause)
            turn.spans.append((_REQUESTS[type(request)], request.at, event.at, _attributes(event)))
        match event:
            case AudioPlayed():
                turn.heard_until = event.at
            case TurnInterrupted():
                turn.interrupted = True
            case TurnFinished():
                del self._open[event.session, event.turn]
                self._emit(turn, event)

    def _emit(self, turn: _Open, finished: TurnFinished) -> None:
        from opentelemetry.trace import set_span_in_context

        start = min(turn.started.at, turn.woken_at or turn.started.at)
        end = max(finished.at, turn.heard_until)
        whole = self._tracer.start_span("turn", start_time=start, attributes=_of_turn(turn, finished))
        inside = set_span_in_context(whole)
        for name, since, until, attributes in turn.spans:
            self._tracer.start_span(name, inside, start_time=since, attributes=attributes).end(until)
        _add_latency(whole, finished)
        whole.end(end)


def _add_latency(span: Span, finished: TurnFinished) -> None:
    if finished.latency is not None:
        for name, ns in finished.latency.model_dump().items():
            span.set_attribute(f"sotto.latency.{name}_ms", ns / 1e6)


def _of_turn(turn: _Open, finished: TurnFinished) -> Attributes:
    """What a turn was, without what was said in it: that stays here."""
    return {
        "gen_ai.conversation.id": finished.session,
        "sotto.turn": finished.turn,
        "sotto.reason": finished.reason,
        "sotto.by": finished.by,
        "sotto.over": turn.started.reason,
        "sotto.interrupted": turn.interrupted,
    }


def _attributes(answer: Event) -> Attributes:
    match answer:
        case LlmResponse(usage=usage):
            return {
                "gen_ai.operation.name": "chat",
                "gen_ai.request.model": answer.model,
                "gen_ai.response.finish_reasons": answer.finish,
                "gen_ai.usage.input_tokens": usage.prompt_tokens,
                "gen_ai.usage.output_tokens": usage.completion_tokens,
                "gen_ai.server.time_to_first_token": usage.prefill_ns / 1e9,
            }
        case ToolResult():
            return {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": answer.name, "outcome": answer.outcome}
        case SttFinal():
            return {"sotto.engine": answer.engine, "sotto.confidence": answer.confidence, "sotto.mode": answer.mode}
        case TtsFinished():
            return {"sotto.engine": answer.engine, "sotto.clause": answer.clause, "sotto.samples": answer.samples}
        case LlmFailed() | SttFailed() | TtsFailed():
            return {"error.type": answer.reason}
        case _:
            return {}
