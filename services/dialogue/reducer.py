"""Turn-taking as a pure function: (state, event, now) to (state, commands).

No clock, no I/O, no randomness: the same inputs give the same conversation. Where to read: `listening` (onset to
words), `interrupting` (speech over an answer), `answering` (words to answer), `recalling` (what memory knows),
`resuming` (what was said before),
`speaking` (answer to heard words), `lost` (what does not come).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from services.dialogue import answering, interrupting, listening, lost, recalling, resuming, speaking
from services.dialogue.commands import Command, Woke
from services.dialogue.latency import Capture
from services.dialogue.state import ANSWER, BARGE_IN, ENDPOINT, LIMIT, RECALL, RECOGNITION, State
from shared.events import (
    AlarmRang,
    AudioCaptured,
    AudioPlayed,
    Event,
    LlmDelta,
    LlmFailed,
    LlmResponse,
    MemoryForget,
    MemoryNoted,
    MemoryResult,
    ModelLoaded,
    ServiceCrashed,
    ServiceFailed,
    ServiceReady,
    SessionCleared,
    SessionClosed,
    SessionOpened,
    SessionResumed,
    SessionSummarised,
    SkillsRegistered,
    SpeechEnded,
    SpeechStarted,
    SttFailed,
    SttFinal,
    SttPartial,
    TextEntered,
    ToolResult,
    TtsAudio,
    TtsFailed,
    TtsFinished,
    WakeDetected,
)

__all__ = ["CONSUMED", "reduce"]


def reduce(state: State, event: Event | Woke, now: int) -> tuple[State, tuple[Command, ...]]:
    """Return the conversation after `event`, handled at `now` (unix ns), and what is to be done, in order."""
    state = replace(state, now=now, commands=())
    state = _WAKES[event.name](state) if isinstance(event, Woke) else _STEPS[type(event)](state, event)
    if state.idle and state.alarms:
        alarm, *rest = state.alarms
        state = answering.ring(replace(state, alarms=tuple(rest)), alarm)
    return (replace(state, commands=()) if state.commands else state), state.commands


def _on_captured(state: State, event: AudioCaptured) -> State:
    return replace(state, capture=Capture(event.first_sample + len(event.pcm) // 2, event.at, event.rate))


def _on_text(state: State, event: TextEntered) -> State:
    text = event.text.strip()
    if not text:
        return state
    utterance = state.utterance
    if utterance is not None:
        state = replace(listening.cancel(state), later=None)
        if utterance.started:
            state = speaking.close_unanswered(state, "ignored")
    if state.answer is not None:
        state = speaking.interrupt(state, "text", state.position)
    state = answering.open_turn(state, "text", 0)
    return answering.commit(state, text, state.language, spoken=event.speak)


def _on_alarm(state: State, event: AlarmRang) -> State:
    others = tuple(alarm for alarm in state.alarms if alarm.alarm != event.alarm)
    return replace(state, alarms=(*others, event))


def _on_skills(state: State, event: SkillsRegistered) -> State:
    return answering.warm_up(replace(state, tools=event.tools))


def _on_model(state: State, event: ModelLoaded) -> State:
    if event.role != "llm":
        return state
    return answering.warm_up(replace(state, told_no_model=False, has_model=True))


def _on_opened(state: State, event: SessionOpened) -> State:
    return replace(state, language=event.language or state.language, written=event.over == "text")


def _on_cleared(state: State, event: SessionCleared) -> State:
    return replace(state, past=(), summary=None)


def _on_closed(state: State, event: SessionClosed) -> State:
    # The input ended: no silence will follow that could end what is being said. The answer is given all the same.
    return lost.lose_ears(state)


_WAKES: Mapping[str, Callable[[State], State]] = {
    ENDPOINT: listening.on_endpoint,
    LIMIT: listening.on_limit,
    RECOGNITION: listening.on_recognition_overdue,
    BARGE_IN: interrupting.overdue,
    RECALL: answering.on_recall_overdue,
    ANSWER: lost.on_answer_overdue,
}

_STEPS: Mapping[type[Event], Callable[[State, Any], State]] = {
    AlarmRang: _on_alarm,
    AudioCaptured: _on_captured,
    AudioPlayed: speaking.on_played,
    LlmDelta: answering.on_delta,
    LlmFailed: answering.on_llm_failed,
    LlmResponse: answering.on_response,
    MemoryForget: recalling.on_forget,
    MemoryNoted: recalling.on_noted,
    MemoryResult: answering.on_recalled,
    ModelLoaded: _on_model,
    ServiceCrashed: lost.on_service_lost,
    ServiceFailed: lost.on_service_failed,
    ServiceReady: lost.on_service_ready,
    SessionCleared: _on_cleared,
    SessionClosed: _on_closed,
    SessionOpened: _on_opened,
    SessionResumed: resuming.on_resumed,
    SessionSummarised: resuming.on_summarised,
    SkillsRegistered: _on_skills,
    SpeechEnded: listening.on_speech_ended,
    SpeechStarted: listening.on_speech_started,
    SttFailed: listening.on_stt_failed,
    SttFinal: listening.on_final,
    SttPartial: listening.on_partial,
    TextEntered: _on_text,
    ToolResult: answering.on_result,
    TtsAudio: speaking.on_tts_audio,
    TtsFailed: lost.on_tts_failed,
    TtsFinished: speaking.on_tts_finished,
    WakeDetected: listening.on_wake,
}

CONSUMED: tuple[type[Event], ...] = tuple(kind for kind in _STEPS if kind is not AudioCaptured)
"""Kinds of events that the reducer knows, but for the capture clock, which is subscribed to by itself."""
