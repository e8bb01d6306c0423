"""Lost: what is done when a service that the turn waits for crashed, was given up, or says nothing.

The person is told in words where there is a voice, by a chime where there is none; then the next turn works.
"""

from __future__ import annotations

from dataclasses import replace

from services.dialogue.answering import apologise
from services.dialogue.clauses import Cutter, Lengths
from services.dialogue.listening import finish, lose_recognition
from services.dialogue.phrases import phrase
from services.dialogue.recalling import lose_memory, on_memory_ready
from services.dialogue.speaking import close, say
from services.dialogue.state import ANSWER, State, emit, named, wake_after, with_answer, with_utterance
from shared.events import (
    AudioChime,
    AudioStop,
    ServiceCrashed,
    ServiceFailed,
    ServiceReady,
    TtsFailed,
)

__all__ = [
    "lose_ears",
    "on_answer_overdue",
    "on_service_failed",
    "on_service_lost",
    "on_service_ready",
    "on_tts_failed",
]


def on_service_ready(state: State, event: ServiceReady) -> State:
    """A service works (again)."""
    return on_memory_ready(replace(state, dead=state.dead - {event.service}), event)


def on_service_failed(state: State, event: ServiceFailed) -> State:
    """The supervisor gave a service up."""
    state = replace(state, dead=state.dead | {event.service})
    if event.service == "tts" and state.answer is not None and state.answer.spoken:
        return _lose_speech(state)
    return _lose(state, event.service)


def on_service_lost(state: State, event: ServiceCrashed) -> State:
    """A service crashed. The voice alone is given the time to start again: the clause in its hand comes once more."""
    return _lose(state, event.service)


def on_tts_failed(state: State, event: TtsFailed) -> State:
    """A clause could not be spoken."""
    answer = state.answer
    if answer is None or event.reply != answer.reply:
        return state
    return _lose_speech(with_answer(state, ledger=answer.ledger.broke(event.reply, event.clause)))


def on_answer_overdue(state: State) -> State:
    """Nothing has come for too long. While the person speaks over the answer nothing is expected."""
    answer, settings = state.answer, state.rules.settings
    if answer is None:
        return state
    if state.utterance is not None:
        return wake_after(state, ANSWER, settings.speech_timeout_s)
    if answer.stage == "words":
        return _lose_speech(state)
    return apologise(state, "lost-model" if answer.stage in ("recall", "model") else "lost-skill")


def _lose(state: State, service: str) -> State:
    answer = state.answer
    if service == "memory":
        return lose_memory(state)
    if service == "stt" and state.utterance is not None:
        return lose_recognition(state)
    if service == "skills" and answer is not None and answer.stage in ("skill", "tool"):
        return apologise(state, "lost-skill")
    if service == "llm" and answer is not None and answer.stage == "model":
        return apologise(state, "lost-model")
    if service == "audio" and answer is not None and answer.ledger.clauses:
        state = _lose_speech(state)
    return lose_ears(state) if service in ("audio", "listening") else state


def lose_ears(state: State) -> State:
    """No more sound comes: what was being said ends here."""
    utterance = state.utterance
    if utterance is None or utterance.finishing:
        return replace(state, voiced_from=None)
    end = max(state.position, utterance.first_sample) if utterance.voiced else utterance.last_voiced
    return finish(with_utterance(replace(state, voiced_from=None), voiced=False, last_voiced=end))


def _lose_speech(state: State) -> State:
    answer = state.answer
    assert answer is not None
    state = emit(state, AudioStop, answer.turn, reply=answer.reply)
    if answer.voice_lost or state.dead & {"tts", "audio"}:
        state = emit(state, AudioChime, answer.turn, sound="error")
        return close(with_answer(state, complete=False), "failed")
    state, reply = named(state, "r")
    space = " " if answer.text and not answer.text[-1].isspace() else ""
    cutter = Cutter(Lengths.of(state.rules.settings))
    state = with_answer(
        state,
        reply=reply,
        cutter=cutter,
        clause=0,
        waiting=(),
        paused=False,
        voice_lost=True,
        outcome="failed",
        text=answer.text + space,
        complete=False,
    )
    return say(state, phrase("lost-speech", answer.language))
