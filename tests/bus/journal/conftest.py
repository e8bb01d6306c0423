"""A conversation of a few events, and the journal that keeps it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bus.journal import Entry, Journal, Recording, Step
from shared.clock import ManualClock
from shared.events import (
    AudioCaptured,
    AudioPlayed,
    Event,
    LlmPrepare,
    Message,
    Stamp,
    TextEntered,
    ToolSpec,
    TtsAudio,
    encode,
)
from shared.ids import id_source
from shared.pcm import pcm16

FRAME = 320


class Made:
    """Stamps what a session is made of, 20 ms after each other."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self._stamp = Stamp("test", self.clock, id_source("test-"), "s1")
        self._sample = 0

    def text(self, text: str) -> TextEntered:
        self.clock.advance(20_000_000)
        return self._stamp(TextEntered, text=text, speak=False)

    def prepare(self, *said: str) -> LlmPrepare:
        tool = ToolSpec(name="tell_time", description="Tells the time.", parameters={})
        messages = tuple(Message(role="user", content=text) for text in said)
        return self._stamp(LlmPrepare, turn=1, messages=messages, tools=(tool,), max_tokens=100)

    def frame(self, level: float = 0.0) -> AudioCaptured:
        self.clock.advance(20_000_000)
        pcm = pcm16(np.full(FRAME, level, np.float32))
        frame = self._stamp(AudioCaptured, first_sample=self._sample, rate=16_000, pcm=pcm)
        self._sample += FRAME
        return frame

    def step(self, event: Event, after: int = 1000) -> Step:
        return Step(event.session, event.id, False, event.at + after, event.id)

    def spoken(self, clause: int, level: float, *, last: bool = True) -> TtsAudio:
        pcm = pcm16(np.full(1600, level, np.float32))
        fields: dict[str, Any] = {"reply": "r1-1", "clause": clause, "first_sample": 0, "rate": 16_000}
        return self._stamp(TtsAudio, turn=1, marks=(), last=last, pcm=pcm, **fields)

    def played(self, clause: int, until: int, at: int) -> AudioPlayed:
        fields: dict[str, Any] = {"reply": "r1-1", "clause": clause, "until_sample": until, "rate": 16_000}
        return self._stamp(AudioPlayed, turn=1, capture_sample=at, ended=until == 1600, **fields)


Record = Callable[..., Recording]


@pytest.fixture
def made() -> Made:
    return Made()


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """Writes entries as session `s1` and returns what can be read of them."""

    def write(entries: Sequence[Entry], **options: Any) -> Recording:
        journal = Journal(tmp_path, "s1", started_at=1_700_000_000_000_000_000, **options)
        for entry in entries:
            journal.write(entry)
            journal.flush()
        journal.close()
        return Recording(journal.place.folder)

    return write


def said(events: Sequence[Entry]) -> list[bytes]:
    """What entries say, to the byte; of sound its header and its length."""
    return [b"%b %d" % (encode(e)[0], len(encode(e)[1])) if isinstance(e, Event) else repr(e).encode() for e in events]
