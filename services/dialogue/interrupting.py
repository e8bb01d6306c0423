"""Interrupting, in two steps: speech over an answer silences the speaker at once; what it is decides what follows.

Real words, a stop, or long speech interrupt: the answer is fenced and the utterance becomes the next turn. A
backchannel, a noise or an echo of the answer's own words does not: the answer goes on from the last word boundary.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from services.dialogue.answering import open_turn
from services.dialogue.speaking import interrupt, release
from services.dialogue.state import (
    BARGE_IN,
    State,
    Utterance,
    emit,
    forget,
    samples,
    wake_at,
    with_answer,
    with_utterance,
)
from services.dialogue.words import is_backchannel, is_echo, is_stop, normal
from shared.events import AudioPause, AudioResume, SttFinal, TurnResumed

__all__ = ["Meaning", "confirm", "consider", "hush", "meaning", "overdue", "resume"]

_IN_VAIN = 3
"""Times that an answer falls silent for a noise."""

Meaning = Literal["stop", "words", "backchannel", "noise"]


def hush(state: State) -> State:
    """First step: somebody speaks, the speaker falls silent, nothing is decided.

    An answer that was silenced in vain before goes on: what is heard is likely its own echo, which can be told apart
    only while it sounds. Words still interrupt it.
    """
    answer, utterance = state.answer, state.utterance
    assert utterance is not None
    if answer is not None and answer.in_vain >= _IN_VAIN:
        return state
    state = wake_at(state, BARGE_IN, utterance.first_sample + samples(state.rules.settings.barge_in_ms))
    if answer is None or answer.paused or answer.ledger.all_ended(answer.reply):
        return state
    return emit(with_answer(state, paused=True), AudioPause, answer.turn, reply=answer.reply)


def consider(state: State) -> State:
    """More was understood of what is said over the answer: interrupt as soon as it surely has words of its own."""
    utterance = state.utterance
    if utterance is None or utterance.started:
        return state
    if utterance.confidence < state.rules.settings.barge_in_confidence:
        return state
    found = _found(state, utterance.text)
    if found == "stop":
        return confirm(state, "stop")
    if found == "words" and (len(normal(utterance.text)) > 1 or utterance.stable.strip()):
        return confirm(state, "barge-in")
    return state


def overdue(state: State) -> State:
    """Somebody has been speaking for long: that interrupts, unless it is so far no more than a backchannel or echo."""
    utterance = state.utterance
    if utterance is None or utterance.started or not utterance.voiced:
        return state
    if normal(utterance.text) and _found(state, utterance.text) in ("backchannel", "noise"):
        return state
    return confirm(state, "barge-in")


def meaning(state: State, event: SttFinal) -> Meaning:
    """What the whole of it was."""
    if not event.trusted and not event.others:
        return "noise"
    return _found(state, event.text)


def confirm(state: State, reason: Literal["barge-in", "stop"]) -> State:
    """Second step: it is an interruption. The answer ends, and the turn of the utterance opens."""
    utterance = _listened(state)
    state = forget(state, BARGE_IN)
    if state.answer is not None:
        state = interrupt(state, reason, utterance.first_sample)
    state = open_turn(state, "speech", utterance.first_sample)
    return with_utterance(state, started=True)


def resume(state: State, reason: Literal["backchannel", "noise"]) -> State:
    """It was no interruption: the utterance is dropped and the answer goes on."""
    state = forget(replace(state, utterance=None), BARGE_IN)
    answer = state.answer
    if answer is None:
        return state
    if answer.paused:
        clause, sample = answer.ledger.place(answer.reply)
        state = emit(
            state, TurnResumed, answer.turn, reply=answer.reply, reason=reason, clause=clause, from_sample=sample
        )
        state = emit(state, AudioResume, answer.turn, reply=answer.reply, clause=clause, from_sample=sample)
        state = with_answer(state, paused=False, in_vain=answer.in_vain + (reason == "noise"))
    return release(state)


def _found(state: State, text: str) -> Meaning:
    if not normal(text):
        return "noise"
    if is_stop(text, state.language):
        return "stop"
    if is_backchannel(text, state.language):
        return "backchannel"
    return "noise" if is_echo(text, _spoken(state)) else "words"


def _spoken(state: State) -> str:
    if state.answer is not None:
        return state.answer.ledger.recent()
    return state.past[-1].ledger.recent() if state.past else ""


def _listened(state: State) -> Utterance:
    assert state.utterance is not None, "nothing is being listened to"
    return state.utterance
