"""A session that went on with an earlier conversation is run again to the byte: the record holds what it was told."""

from __future__ import annotations

import pytest

from bus import Bus
from bus.journal import Entry, Step
from services.dialogue import DialogueService, DialogueSettings
from services.dialogue.rerun import Differs, rerun
from services.testing import running
from shared.clock import SystemClock
from shared.events import (
    Event,
    LlmRequest,
    LlmResponse,
    PastTurn,
    SessionOpened,
    SessionResumed,
    SessionSummarised,
    Summary,
    TextEntered,
    ToolCall,
    ToolResult,
    TurnFinished,
    TurnName,
    current,
    encode,
)
from shared.ids import id_source
from tests.services.dialogue.walk import USAGE

TURNS = tuple(
    PastTurn(session="before", turn=turn, at=turn, asked=asked, heard=heard, reason=reason)
    for turn, (asked, heard, reason) in enumerate(
        [("what is a fjord?", "A narrow", "interrupted"), ("and a skerry?", "A small rock.", "answered")], 1
    )
)
SUMMARY = Summary(text="They spoke of fjords.", turns=(TurnName(session="before", turn=1),), since=1, until=1)


async def held() -> list[Entry]:
    """A conversation that was resumed, and later summed up; returns what a journal takes in of it."""
    entries: list[Entry] = []

    def step(session: str, input: str, woke: bool, now: int) -> None:
        cause: Event | None = current.get()
        entries.append(Step(session, input, woke, now, cause.id if cause else None))

    service = DialogueService(DialogueSettings())
    service.watch(step)
    bus = Bus(clock=SystemClock(), ids=id_source("bus-"))
    bus.tap(entries.append)
    async with running(service, bus=bus) as bench:
        bench.publish(SessionOpened, turn=0, over="text", language="en")
        bench.publish(SessionResumed, turn=0, name="trip", turns=TURNS, summary=None, problem="")
        await said(bench, "thank you", "You are welcome.")
        bench.publish(SessionSummarised, turn=0, summary=SUMMARY)
        await said(bench, "and a bay?", "A wide inlet.")
    return entries


async def said(bench, text: str, answer: str) -> None:
    bench.publish(TextEntered, turn=0, text=text, speak=False)
    call = await bench.next(ToolCall)
    none = {"outcome": "unmatched", "name": "", "speech": "", "data": {}, "action": "none", "language": "en"}
    bench.publish(ToolResult, turn=call.turn, **none)
    request = await bench.next(LlmRequest)
    rest = {"finish": "stop", "tool_requests": (), "usage": USAGE, "model": "test"}
    bench.publish(LlmResponse, turn=call.turn, request=request.id, text=answer, **rest)
    await bench.next(TurnFinished)


async def test_what_was_said_before_comes_out_of_the_record_again() -> None:
    entries = await held()
    log = [encode(entry) for entry in entries if isinstance(entry, Event)]
    assert [encode(event) for event in rerun(entries, DialogueSettings())] == log
    first, second = (event for event in entries if isinstance(event, LlmRequest))
    assert [message.content for message in first.messages[1:]] == [
        "what is a fjord?",
        "A narrow —",
        "and a skerry?",
        "A small rock.",
        "thank you",
    ]
    assert first.messages[0].content == DialogueSettings().system_prompt
    assert second.messages[0].content.endswith("\n\nEarlier in this conversation: They spoke of fjords.")
    assert [message.content for message in second.messages[1:]] == [
        "and a skerry?",
        "A small rock.",
        "thank you",
        "You are welcome.",
        "and a bay?",
    ]


async def test_without_what_it_was_told_it_is_not_the_same() -> None:
    entries = await held()
    resumed = next(entry for entry in entries if isinstance(entry, SessionResumed))
    other = [entry.model_copy(update={"turns": ()}) if entry is resumed else entry for entry in entries]
    with pytest.raises(Differs):
        list(rerun(other, DialogueSettings()))
