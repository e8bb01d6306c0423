"""How the engines fare: which models are loaded, how fast they read, write, hear and speak."""

from __future__ import annotations

from pydantic import JsonValue

from services.metrics.series import Series
from shared.events import (
    Event,
    LlmFailed,
    LlmResponse,
    ModelLoaded,
    ModelUnloaded,
    SttFinal,
    ToolResult,
    TtsFailed,
    TtsFinished,
    Usage,
)
from shared.pcm import CAPTURE_RATE

__all__ = ["ENGINE_EVENTS", "Engines"]

ENGINE_EVENTS: tuple[type[Event], ...] = (
    LlmFailed,
    LlmResponse,
    ModelLoaded,
    ModelUnloaded,
    SttFinal,
    ToolResult,
    TtsFailed,
    TtsFinished,
)
_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
"""What OpenTelemetry's conventions for generative AI recommend."""
_RATES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_FACTORS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


class Engines:
    """Fed with ENGINE_EVENTS."""

    def __init__(self, window: int) -> None:
        self.loaded: dict[str, ModelLoaded] = {}
        self.prefill_s = Series(window, _SECONDS)
        self.decode_rate = Series(window, _RATES)
        """Tokens per second of the answer."""
        self.generation_s = Series(window, _SECONDS)
        self.synthesis_rtf = Series(window, _FACTORS)
        """Time to synthesise over the time it sounds."""
        self.recognition_rtf = Series(window, _FACTORS)
        """Time to finish an utterance over its length."""
        self.prompt_tokens = self.cached_tokens = self.completion_tokens = 0
        self.failures: dict[tuple[str, str], int] = {}
        """By engine's role and reason."""
        self.tools: dict[tuple[str, str], int] = {}
        """By skill and outcome."""

    def see(self, event: Event) -> None:
        """Take in one event; of other kinds, nothing."""
        match event:
            case ModelLoaded():
                self.loaded[event.role] = event
            case ModelUnloaded():
                self.loaded.pop(event.role, None)
            case LlmResponse():
                self._generated(event.usage)
            case TtsFinished(samples=samples, rate=rate) if samples and rate:
                self.synthesis_rtf.add(event.synthesis_ns / 1e9 / (samples / rate))
            case SttFinal() if event.until_sample > event.start_sample:
                length = (event.until_sample - event.start_sample) / CAPTURE_RATE
                self.recognition_rtf.add(event.decode_ns / 1e9 / length)
            case LlmFailed():
                self._failed("llm", event.reason)
            case TtsFailed():
                self._failed("tts", event.engine)
            case ToolResult():
                key = (event.name, event.outcome)
                self.tools[key] = self.tools.get(key, 0) + 1

    def summary(self) -> dict[str, JsonValue]:
        """What is loaded, and the percentiles of each engine's speed."""
        return {
            "loaded": {role: {"name": one.name, "engine": one.engine} for role, one in self.loaded.items()},
            "llm": {
                "prefill_s": {**self.prefill_s.summary()},
                "tokens_per_s": {**self.decode_rate.summary()},
                "prompt_tokens": self.prompt_tokens,
                "cached_tokens": self.cached_tokens,
                "completion_tokens": self.completion_tokens,
            },
            "tts": {"rtf": {**self.synthesis_rtf.summary()}},
            "stt": {"rtf": {**self.recognition_rtf.summary()}},
        }

    def _generated(self, usage: Usage) -> None:
        self.prompt_tokens += usage.prompt_tokens
        self.cached_tokens += usage.cached_tokens
        self.completion_tokens += usage.completion_tokens
        self.prefill_s.add(usage.prefill_ns / 1e9)
        self.generation_s.add((usage.queue_ns + usage.prefill_ns + usage.decode_ns) / 1e9)
        if usage.completion_tokens and usage.decode_ns > 0:
            self.decode_rate.add(usage.completion_tokens / (usage.decode_ns / 1e9))

    def _failed(self, role: str, reason: str) -> None:
        self.failures[role, reason] = self.failures.get((role, reason), 0) + 1
