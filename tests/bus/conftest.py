"""Events of a made-up conversation `s`, on a clock that stands still."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bus import Bus
from shared.clock import ManualClock
from shared.events import NOTHING_USED, AudioCaptured, LlmDelta, LlmRequest, LlmResponse, Stamp, TextEntered
from shared.ids import id_source


@pytest.fixture
def bus() -> Bus:
    return Bus(clock=ManualClock(), ids=id_source("bus-"))


class Make:
    """Stamps events: facts, work in progress, sound, and a request with its pieces and answer."""

    def __init__(self) -> None:
        self.stamp = Stamp("test", ManualClock(), id_source("test-"), "s")

    def fact(self, text: str = "", **fields: Any) -> TextEntered:
        return self.stamp(TextEntered, text=text, speak=False, **fields)

    def work(self, text: str = "", turn: int = 1, **fields: Any) -> LlmDelta:
        return self.stamp(LlmDelta, request="r", index=0, text=text, turn=turn, **fields)

    def sound(self, **fields: Any) -> AudioCaptured:
        return self.stamp(AudioCaptured, first_sample=0, rate=16_000, pcm=bytes(640), **fields)

    def request(self, turn: int = 1) -> LlmRequest:
        return self.stamp(LlmRequest, messages=(), tools=(), max_tokens=9, temperature=0.0, seed=0, stop=(), turn=turn)

    def piece(self, request: LlmRequest, index: int = 0) -> LlmDelta:
        event = self.stamp(LlmDelta, request=request.id, index=index, text=str(index), turn=request.turn)
        return event.model_copy(update={"cause": request.id})

    def answer(self, request: LlmRequest, text: str = "") -> LlmResponse:
        event = self.stamp(
            LlmResponse,
            request=request.id,
            text=text,
            finish="stop",
            tool_requests=(),
            usage=NOTHING_USED,
            model="m",
            turn=request.turn,
        )
        return event.model_copy(update={"cause": request.id})


@pytest.fixture
def make() -> Make:
    return Make()


@pytest.fixture
def texts() -> Callable[[Any], list[str]]:
    """Everything that waits in a subscription, as its texts."""

    def read(subscription: Any) -> list[str]:
        return [event.text for event in iter(subscription.take_nowait, None)]

    return read
