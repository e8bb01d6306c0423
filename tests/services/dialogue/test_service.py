"""The shell: events carry their turn and cause, sessions are apart, and a crash loses no conversation."""

from __future__ import annotations

import asyncio

import pytest

from services.dialogue import DialogueService, DialogueSettings
from services.testing import running
from shared.events import (
    NOTHING_USED,
    AlarmRang,
    AudioCaptured,
    AudioPause,
    LlmRequest,
    LlmResponse,
    ServiceFailed,
    SessionClosed,
    SessionOpened,
    SkillsRegistered,
    SpeechEnded,
    SpeechStarted,
    SttFinish,
    SttStart,
    TextEntered,
    ToolCall,
    ToolRequest,
    ToolResult,
    ToolSpec,
    TtsRequest,
    TurnCommitted,
    TurnFinished,
    TurnInterrupted,
    TurnStarted,
)

ANSWERED = {"outcome": "answered", "name": "clock", "data": {}, "action": "none", "language": "en"}
UNMATCHED = {**ANSWERED, "outcome": "unmatched", "name": ""}


async def test_every_event_carries_its_turn_and_what_caused_it() -> None:
    async with running(DialogueService(DialogueSettings())) as bench:
        entered = bench.publish(TextEntered, text="what time is it", speak=False)
        started = await bench.next(TurnStarted)
        call = await bench.next(ToolCall)
        assert (started.turn, started.cause, call.turn, call.cause) == (1, entered.id, 1, entered.id)
        result = bench.publish(ToolResult, turn=1, speech="It is ten.", **ANSWERED)
        finished = await bench.next(TurnFinished)
        assert (finished.turn, finished.cause, finished.session) == (1, result.id, "test")


async def test_two_sessions_are_two_conversations() -> None:
    async with running(DialogueService(DialogueSettings())) as bench:
        for session in ("a", "b"):
            bench.publish(TextEntered, session=session, text=f"hello from {session}", speak=False)
            assert (await bench.next(ToolCall)).session == session
        bench.publish(ToolResult, session="b", turn=1, speech="Hello b.", **ANSWERED)
        finished = await bench.next(TurnFinished)
        assert (finished.session, finished.heard) == ("b", "Hello b.")


async def test_an_interruption_fences_on_the_bus() -> None:
    async with running(DialogueService(DialogueSettings())) as bench:
        bench.publish(TextEntered, text="one", speak=False)
        await bench.next(ToolCall)
        bench.publish(TextEntered, text="two", speak=False)
        await bench.next(ToolCall)
        assert bench.bus.fenced_turn("test") == 2


async def test_turns_go_on_after_those_that_the_bus_has_fenced() -> None:
    """A dialogue that lost its memory must not open turns that are fenced already."""
    async with running(DialogueService(DialogueSettings())) as bench:
        bench.bus.fence("test", 7)
        bench.publish(TextEntered, text="one", speak=False)
        assert (await bench.next(TurnStarted)).turn == 8


async def test_a_conversation_survives_a_restart_of_the_service() -> None:
    service = DialogueService(DialogueSettings())
    async with running(service) as bench:
        bench.publish(TextEntered, text="what time is it", speak=False)
        await bench.next(ToolCall)
    async with running(service) as bench:
        bench.publish(ToolResult, turn=1, speech="It is ten.", **ANSWERED)
        assert (await bench.next(TurnFinished)).heard == "It is ten."


async def test_tools_that_were_registered_before_the_conversation_reach_the_model() -> None:
    tool = ToolSpec(name="weather", description="The weather.", parameters={"type": "object"})
    async with running(DialogueService(DialogueSettings())) as bench:
        bench.publish(SkillsRegistered, session="", sentences={}, tools=(tool,))
        bench.publish(TextEntered, text="how is it outside", speak=False)
        await bench.next(ToolCall)
        bench.publish(ToolResult, turn=1, speech="", **UNMATCHED)
        assert (await bench.next(LlmRequest)).tools == (tool,)


async def test_the_model_hears_what_a_tool_found_and_how_the_skill_would_say_it() -> None:
    asked = {"tool_requests": (ToolRequest(id="1", name="clock", arguments={}),), "finish": "tool", "model": "m"}
    async with running(DialogueService(DialogueSettings())) as bench:
        bench.publish(TextEntered, text="how late might it be", speak=False)
        await bench.next(ToolCall)
        bench.publish(ToolResult, turn=1, speech="", **UNMATCHED)
        request = await bench.next(LlmRequest)
        bench.publish(LlmResponse, turn=1, request=request.id, text="", usage=NOTHING_USED, **asked)
        assert (await bench.next(ToolCall)).name == "clock"
        bench.publish(ToolResult, turn=1, speech="It is ten.", **(ANSWERED | {"data": {"time": "10:00"}}))
        told = (await bench.next(LlmRequest)).messages[-1]
        assert (told.role, told.content) == ("tool", '{"time": "10:00", "speech": "It is ten."}')


async def test_without_skills_the_model_is_asked_at_once() -> None:
    async with running(DialogueService(DialogueSettings())) as bench:
        bench.publish(ServiceFailed, session="", service="skills", error="it crashed", restarts=5)
        bench.publish(TextEntered, text="how is it outside", speak=False)
        await bench.next(LlmRequest)
        assert not any(isinstance(event, ToolCall) for event in bench.log)


async def test_a_closed_session_is_forgotten_once_its_answer_is_given() -> None:
    service = DialogueService(DialogueSettings())
    async with running(service) as bench:
        bench.publish(SessionOpened, session="socket", over="socket", language="de")
        bench.publish(TextEntered, session="socket", text="wie spät ist es", speak=False)
        assert (await bench.next(ToolCall)).language == "de"
        bench.publish(SessionClosed, session="socket", reason="it left")
        bench.publish(ToolResult, session="socket", turn=1, speech="Es ist zehn.", **ANSWERED)
        assert (await bench.next(TurnFinished)).heard == "Es ist zehn."
        assert "socket" not in service.sessions


@pytest.mark.looptime
async def test_a_closed_session_whose_answer_never_comes_is_forgotten_too() -> None:
    service = DialogueService(DialogueSettings())
    async with running(service) as bench:
        bench.publish(TextEntered, session="socket", text="what time is it", speak=False)
        bench.publish(SessionClosed, session="socket", reason="it left")
        assert (await bench.next(TurnFinished, timeout=60)).reason == "failed"
        assert "socket" not in service.sessions


@pytest.mark.looptime
async def test_the_end_of_an_utterance_is_decided_on_the_capture_clock_however_fast_it_runs() -> None:
    async with running(DialogueService(DialogueSettings(wait_ms=600))) as bench:
        bench.publish(AudioCaptured, first_sample=0, rate=16_000, pcm=bytes(640))
        bench.publish(SpeechStarted, sample=100, noticed_sample=320, probability=0.9)
        bench.publish(SpeechEnded, start_sample=100, sample=8_000, noticed_sample=9_600)
        start = await bench.next(SttStart)
        for first in range(320, 40_000, 320):
            bench.publish(AudioCaptured, first_sample=first, rate=16_000, pcm=bytes(640))
        finish = await bench.next(SttFinish, timeout=0.1)
        assert (finish.utterance, finish.until_sample) == (start.utterance, 8_000)


async def test_a_short_sound_before_a_standstill_does_not_become_long_speech() -> None:
    """The loop stood still for two seconds: what listening notices in their frames comes before their end does."""
    async with running(DialogueService(DialogueSettings())) as bench:
        bench.publish(TextEntered, text="what time is it", speak=True)
        turn = (await bench.next(ToolCall)).turn
        bench.publish(ToolResult, turn=turn, speech="It is ten.", **ANSWERED)
        await bench.next(TtsRequest)
        frames = bench.bus.subscribe(AudioCaptured, name="listening", capacity=1000)

        async def listen() -> None:
            async for frame in frames:
                if frame.first_sample == 320 * 15:
                    bench.publish(SpeechEnded, start_sample=0, sample=320 * 10, noticed_sample=320 * 15)
                await asyncio.sleep(0)

        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(listen())
            bench.publish(SpeechStarted, sample=0, noticed_sample=320, probability=0.9)
            await bench.next(AudioPause)
            for number in range(100):
                bench.publish(AudioCaptured, first_sample=320 * number, rate=16_000, pcm=bytes(640))
            assert isinstance(await bench.next(SttFinish, TurnInterrupted), SttFinish)
            listening.cancel()


async def test_an_alarm_of_a_session_that_is_over_rings_in_the_one_that_is_here() -> None:
    async with running(DialogueService(DialogueSettings())) as bench:
        bench.publish(
            AlarmRang, session="yesterday", turn=0, alarm="tea", speech="It is time.", language="en", attempt=1
        )
        assert (await bench.next(TurnStarted)).session == "test"


async def test_typing_nothing_is_no_turn() -> None:
    async with running(DialogueService(DialogueSettings())) as bench:
        bench.publish(TextEntered, text="  ", speak=False)
        bench.publish(TextEntered, text=" hello ", speak=False)
        assert (await bench.next(TurnCommitted)).text == "hello"
