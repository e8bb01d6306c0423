"""Answering: a committed sentence goes to the skills, from there to the model if none knows it, and into words.

Skills and model are asked one thing at a time, so what answers within the turn answers what was asked last.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Literal

from services.dialogue.clauses import Cutter, Lengths
from services.dialogue.history import messages
from services.dialogue.latency import Moments
from services.dialogue.phrases import Phrase, phrase
from services.dialogue.preparing import conversation
from services.dialogue.recalling import mention_loss, mention_noted, recall, take, tell
from services.dialogue.speaking import add_text, close, end_text, say
from services.dialogue.state import ANSWER, Answer, Outcome, State, emit, named, wake_after, with_answer
from services.dialogue.words import is_stop
from shared.events import (
    AlarmRang,
    AudioChime,
    AudioStop,
    AudioVolume,
    LlmDelta,
    LlmFailed,
    LlmRequest,
    LlmResponse,
    MemoryResult,
    Message,
    ToolCall,
    ToolRequest,
    ToolResult,
    TurnCommitted,
    TurnStarted,
)

__all__ = [
    "apologise",
    "commit",
    "on_delta",
    "on_llm_failed",
    "on_recall_overdue",
    "on_recalled",
    "on_response",
    "on_result",
    "open_turn",
    "ring",
    "say_alone",
]


def open_turn(state: State, reason: Literal["speech", "text", "alarm"], first_sample: int) -> State:
    """Begin the next turn."""
    turn = state.turn + 1
    return emit(replace(state, turn=turn), TurnStarted, turn, reason=reason, first_sample=first_sample)


def begin(
    state: State, reason: Literal["speech", "text", "alarm"], asked: str, language: str, *, spoken: bool
) -> State:
    """Begin the answer of the turn that is open; it is only shown when there is nothing to speak it."""
    state, reply = named(state, "r")
    answer = Answer(
        turn=state.turn,
        reason=reason,
        asked=asked,
        language=language,
        spoken=spoken and not state.written and not state.dead & {"tts", "audio"},
        reply=reply,
        cutter=Cutter(Lengths.of(state.rules.settings)),
        stage="words",
    )
    return replace(state, answer=answer)


def commit(
    state: State,
    text: str,
    language: str,
    *,
    spoken: bool,
    confidence: float = 1.0,
    voiced: int = 0,
    endpoint: int = 0,
    moments: Moments | None = None,
) -> State:
    """The person's words are final: ask the skills, or the model where there are none."""
    state = emit(
        state,
        TurnCommitted,
        state.turn,
        text=text,
        language=language,
        confidence=confidence,
        last_voiced_sample=voiced,
        endpoint_sample=endpoint,
    )
    reason: Literal["speech", "text"] = "text" if moments is None else "speech"
    state = begin(replace(state, language=language, misses=0), reason, text, language, spoken=spoken)
    state = with_answer(state, moments=replace(moments or Moments(), asked=state.now))
    if "skills" in state.dead:
        return _ask_model(state)
    return _call(with_answer(state, stage="skill"), sentence=text)


def say_alone(state: State, name: Phrase, outcome: Outcome, moments: Moments | None = None, **words: str) -> State:
    """Answer the open turn with one of dialogue's own sentences; `words` fill its gaps."""
    state = begin(state, "speech", "", state.language, spoken=True)
    state = with_answer(state, outcome=outcome, moments=replace(moments or Moments(), asked=state.now))
    return say(state, phrase(name, state.language, **words))


def apologise(state: State, name: Phrase) -> State:
    """Say what was lost, after whatever was said already; the turn ends as failed."""
    answer = state.answer
    assert answer is not None
    space = " " if answer.text and not answer.text[-1].isspace() else ""
    state = with_answer(state, outcome="failed", tools=(), complete=False)
    return say(state, space + phrase(name, answer.language))


def ring(state: State, alarm: AlarmRang) -> State:
    """Begin a turn by itself: chime, and say what is due."""
    state = begin(open_turn(state, "alarm", 0), "alarm", "", alarm.language, spoken=True)
    state = emit(state, AudioChime, state.turn, sound="alarm")
    return say(with_answer(state, by="alarm"), alarm.speech)


# ---- skills


def on_result(state: State, event: ToolResult) -> State:
    """A skill answered, the sentence's or the one the model asked for."""
    answer = state.answer
    if answer is None or event.turn != answer.turn:
        return state
    if answer.stage == "tool":
        return _told(state, event)
    if answer.stage != "skill":
        return state
    if event.outcome == "unmatched":
        return close(state, "answered") if is_stop(answer.asked, answer.language) else _ask_model(state)
    state = with_answer(state, by=event.name, language=event.language or answer.language)
    if event.outcome == "failed":
        return say(with_answer(state, outcome="failed"), event.speech or phrase("went-wrong", answer.language))
    return _act(state, event)


def _act(state: State, event: ToolResult) -> State:
    if event.action == "repeat":
        return _again(state, event)
    if event.action == "resume":
        return _go_on(state, event)
    state = _side_effect(state, event)
    return say(state, event.speech) if event.speech else close(state, "answered")


def _side_effect(state: State, event: ToolResult) -> State:
    if event.action in ("stop", "silence"):
        return emit(replace(state, alarms=()), AudioStop, state.turn, reply="")
    if event.action in ("louder", "quieter"):
        return emit(state, AudioVolume, state.turn, change=event.action, percent=None)
    percent = event.data.get("percent")
    if event.action == "volume" and isinstance(percent, int | float):
        return emit(state, AudioVolume, state.turn, change="set", percent=max(0, min(100, round(percent))))
    return state


def _again(state: State, event: ToolResult) -> State:
    last = next((exchange for exchange in reversed(state.past) if exchange.said), None)
    return say(state, last.text.strip() if last else event.speech or phrase("nothing-to-repeat", event.language))


def _go_on(state: State, event: ToolResult) -> State:
    last = next((exchange for exchange in reversed(state.past) if exchange.real), None)
    if last is None or (last.complete and not last.rest()):
        return say(state, event.speech or phrase("nothing-to-resume", event.language))
    return say(state, last.rest()) if last.complete else _ask_model(state)


def _call(state: State, *, sentence: str = "", request: ToolRequest | None = None) -> State:
    state = emit(
        state,
        ToolCall,
        state.turn,
        sentence=sentence,
        name=request.name if request else "",
        arguments=request.arguments if request else {},
        language=state.language,
    )
    return wake_after(state, ANSWER, state.rules.settings.skill_timeout_s)


# ---- the model


def on_recalled(state: State, event: MemoryResult) -> State:
    """Memory answered: the model is asked with what it knows, or without memory where that cannot be read."""
    answer = state.answer
    if answer is None or event.turn != answer.turn or answer.stage != "recall":
        return state
    if event.problem:
        state = with_answer(state, without_memory=True)
    return _ask_model(take(state, event.items))


def on_recall_overdue(state: State) -> State:
    """Memory did not answer in time: the model is asked without it."""
    if state.answer is None or state.answer.stage != "recall":
        return state
    return _ask_model(take(state, ()))


def _ask_model(state: State) -> State:
    answer, settings = state.answer, state.rules.settings
    assert answer is not None
    if "llm" in state.dead:
        return apologise(state, "lost-model")
    if answer.recalled is None and settings.recall_ms:
        if state.memory == "ready":
            return recall(state)
        state = with_answer(state, recalled=(), without_memory=state.memory == "lost")
    recalled = answer.recalled or ()
    said = conversation(state, answer.asked, recalled)
    state = emit(
        state,
        LlmRequest,
        answer.turn,
        messages=(*said, *answer.messages),
        tools=state.tools if answer.rounds < settings.tool_rounds else (),
        max_tokens=settings.max_tokens,
        temperature=settings.temperature,
        seed=settings.seed,
        stop=(),
        recalled=recalled,
    )
    moments = answer.moments if answer.moments.first_token else replace(answer.moments, asked=state.now)
    state = with_answer(state, stage="model", by="llm", since_request=len(answer.text), moments=moments)
    return wake_after(state, ANSWER, settings.model_timeout_s)


def warm_up(state: State) -> State:
    """Have the model read what every request begins with, so that the first answer need not wait for that.

    Outside a turn: no answer is waited for, and nothing is said.
    """
    settings = state.rules.settings
    said = messages(settings.system_prompt, (), "", summary=state.summary.text if state.summary else "")
    if not (state.has_model and state.tools and said):
        return state
    return emit(
        state,
        LlmRequest,
        0,
        messages=said,
        tools=state.tools if settings.tool_rounds else (),
        max_tokens=0,
        temperature=settings.temperature,
        seed=settings.seed,
        stop=(),
    )


def on_delta(state: State, event: LlmDelta) -> State:
    """The model said a little more."""
    answer = state.answer
    if answer is None or event.turn != answer.turn or answer.stage != "model":
        return state
    return wake_after(add_text(state, event.text), ANSWER, state.rules.settings.model_timeout_s)


def on_response(state: State, event: LlmResponse) -> State:
    """The model is done: with its answer, or with asking for tools."""
    answer = state.answer
    if answer is None or event.turn != answer.turn or answer.stage != "model":
        return state
    streamed = answer.text[answer.since_request :]
    if event.text.startswith(streamed):
        state = add_text(state, event.text[len(streamed) :])
    if not answer.model_queue_ns:
        state = with_answer(state, model_queue_ns=event.usage.queue_ns)
    if event.tool_requests and answer.rounds < state.rules.settings.tool_rounds:
        return _ask_tools(state, event)
    assert state.answer is not None
    if not state.answer.text.strip():
        return say(with_answer(state, outcome="failed"), phrase("no-words", answer.language))
    state = mention_noted(mention_loss(state))
    return end_text(with_answer(state, complete=event.finish == "stop"))


def on_llm_failed(state: State, event: LlmFailed) -> State:
    """The model could not answer; the person hears why, at length the first time there is none.

    What they told of it themselves they hear all the same.
    """
    answer = state.answer
    if answer is None or event.turn != answer.turn or answer.stage != "model":
        return state
    if event.reason != "no-model":
        return apologise(state, "too-long" if event.reason == "too-long" else "lost-model")
    remembered = tell(answer)
    if remembered:
        return say(with_answer(state, by="memory"), remembered)
    name: Phrase = "no-model-again" if state.told_no_model else "no-model"
    return apologise(replace(state, told_no_model=True), name)


def _ask_tools(state: State, event: LlmResponse) -> State:
    answer = state.answer
    assert answer is not None
    spoke = Message(role="assistant", content=event.text, tool_requests=event.tool_requests)
    state = with_answer(
        state,
        stage="tool",
        rounds=answer.rounds + 1,
        messages=(*answer.messages, spoke),
        tools=event.tool_requests,
    )
    if answer.text and not answer.text[-1].isspace():
        state = add_text(state, " ")
    return _call(state, request=event.tool_requests[0])


def _told(state: State, event: ToolResult) -> State:
    answer = state.answer
    assert answer is not None
    message = Message(role="tool", content=_content(event), name=answer.tools[0].name)
    state = with_answer(state, tools=answer.tools[1:], messages=(*answer.messages, message))
    state = _side_effect(state, event)
    if len(answer.tools) > 1:
        return _call(state, request=answer.tools[1])
    return _ask_model(state)


def _content(event: ToolResult) -> str:
    """What a tool found and, last, how the skill would say it: a model need not find words for dates and numbers."""
    if not event.data:
        return event.speech or event.outcome
    return json.dumps({**event.data, "speech": event.speech} if event.speech else event.data, ensure_ascii=False)
