"""Speaking: an answer's text goes out by clause, its words are counted as they are heard, and at the end it is closed.

A clause is sent to be spoken only while nobody speaks over the answer: until it is known whether that interrupts it,
further clauses wait.
"""

from __future__ import annotations

from dataclasses import replace

from services.dialogue.history import Exchange
from services.dialogue.latency import moment
from services.dialogue.ledger import Ledger
from services.dialogue.state import (
    ANSWER,
    Answer,
    Outcome,
    State,
    emit,
    fence,
    forget,
    samples,
    undecided,
    wake_after,
    with_answer,
)
from shared.events import (
    AudioPlayed,
    AudioStop,
    TtsAudio,
    TtsFinished,
    TtsRequest,
    TurnFinished,
    TurnHeard,
    TurnInterrupted,
)

__all__ = [
    "add_text",
    "close",
    "close_unanswered",
    "end_text",
    "interrupt",
    "on_played",
    "on_tts_audio",
    "on_tts_finished",
    "release",
    "say",
]

_KEPT = 48
"""Past turns that are kept at least; the history setting says how many of them the model sees."""


def say(state: State, text: str) -> State:
    """Add words and end the answer with them."""
    return end_text(add_text(state, text))


def add_text(state: State, text: str) -> State:
    """The answer grew by `text`."""
    answer = _going(state)
    if not text:
        return state
    cutter, clauses = answer.cutter.feed(text)
    moments = answer.moments
    if not moments.first_token:
        moments = replace(moments, first_token=state.now)
    state = with_answer(state, text=answer.text + text, cutter=cutter, moments=moments)
    return _send(state, tuple((clause, False) for clause in clauses))


def end_text(state: State) -> State:
    """The answer's text is whole: what is left of it is spoken, and the turn ends when all of it was played."""
    answer = _going(state)
    rest = answer.cutter.end()
    state = with_answer(state, stage="words")
    state = _send(state, tuple((clause, i == len(rest) - 1) for i, clause in enumerate(rest)))
    return _close_if_spoken(wake_after(state, ANSWER, state.rules.settings.speech_timeout_s))


def release(state: State) -> State:
    """Send the clauses that waited for a decision about an interruption."""
    answer = _going(state)
    state = with_answer(state, waiting=())
    return _close_if_spoken(_send(state, answer.waiting))


def on_tts_audio(state: State, event: TtsAudio) -> State:
    """Samples of a clause came: its words have places now."""
    answer = state.answer
    if answer is None or not answer.ledger.knows(event.reply):
        return state
    moments = answer.moments
    if not moments.audio and event.pcm:
        moments = replace(moments, audio=moment(event.at, moments.clause, state.now))
    ledger = answer.ledger.marked(event.reply, event.clause, event.rate, event.marks)
    return _progress(with_answer(state, moments=moments, ledger=ledger))


def on_tts_finished(state: State, event: TtsFinished) -> State:
    """A clause was synthesised; one without a sample has nothing to be played."""
    answer = state.answer
    if answer is None or event.samples or not answer.ledger.knows(event.reply):
        return state
    ledger = answer.ledger.played(event.reply, event.clause, 0, event.rate, ended=True)
    return _close_if_spoken(with_answer(state, ledger=ledger))


def on_played(state: State, event: AudioPlayed) -> State:
    """The speaker got on, with this answer or, late, with one that is over."""
    answer = state.answer
    if answer is None or not answer.ledger.knows(event.reply):
        return _late(state, event)
    moments = answer.moments
    if not moments.audible and event.until_sample:
        moments = replace(moments, audible=_began(state, event))
    ledger = _played(answer.ledger, event)
    return _close_if_spoken(_progress(with_answer(state, ledger=ledger, moments=moments)))


def interrupt(state: State, reason: str, at_sample: int) -> State:
    """The answer ends here: fence it, silence it, and keep what was heard."""
    answer = _going(state)
    state = emit(
        state,
        TurnInterrupted,
        answer.turn,
        reply=answer.reply,
        reason=reason,
        heard=answer.ledger.heard() if answer.spoken else answer.text.strip(),
        generated=answer.text,
        at_sample=at_sample,
    )
    state = emit(fence(state, answer.turn + 1), AudioStop, answer.turn, reply=answer.reply)
    return close(with_answer(state, complete=answer.stage == "words"), "interrupted")


def close(state: State, outcome: Outcome) -> State:
    """End the answer and its turn, and remember what was heard of it."""
    answer = _going(state)
    exchange = Exchange(
        turn=answer.turn,
        asked=answer.asked,
        text=answer.text,
        ledger=answer.ledger,
        shown=not answer.spoken,
        complete=answer.complete,
        real=answer.outcome == "answered" and bool(answer.text.strip()),
        said=answer.outcome in ("answered", "failed") and bool(answer.text.strip()),
        at=state.now,
    )
    state = emit(
        state,
        TurnFinished,
        answer.turn,
        reason=outcome,
        asked=answer.asked,
        answered=answer.text,
        heard=exchange.heard(),
        by=answer.by,
        latency=answer.moments.parts(answer.model_queue_ns),
    )
    past = (*state.past, *(() if answer.forgets else (exchange,)))[-max(state.rules.settings.history_turns, _KEPT) :]
    state = _follow_up(forget(replace(state, answer=None, past=past), ANSWER))
    return fence(state, answer.turn + 1) if outcome == "failed" else state


def close_unanswered(state: State, outcome: Outcome) -> State:
    """End the open turn, in which nothing was said that asks for an answer."""
    return emit(
        state if outcome in ("silent", "ignored") else _follow_up(state),
        TurnFinished,
        state.turn,
        reason=outcome,
        asked="",
        answered="",
        heard="",
        by="",
        latency=None,
    )


def _follow_up(state: State) -> State:
    until = state.position + samples(state.rules.settings.follow_up_ms)
    return replace(state, gate_until=max(state.gate_until, until))


def _send(state: State, clauses: tuple[tuple[str, bool], ...]) -> State:
    answer = _going(state)
    if not answer.spoken or not clauses:
        return state
    if undecided(state):
        return with_answer(state, waiting=(*answer.waiting, *clauses))
    for text, last in clauses:
        state = _request(state, text, last=last)
    return state


def _request(state: State, text: str, *, last: bool) -> State:
    answer = _going(state)
    state = emit(
        state,
        TtsRequest,
        answer.turn,
        reply=answer.reply,
        clause=answer.clause,
        text=text,
        language=answer.language,
        voice="",
        last=last,
    )
    moments = answer.moments
    if not moments.clause:
        moments = replace(moments, clause=state.now)
    ledger = answer.ledger.sent(answer.reply, answer.clause, text)
    return with_answer(state, clause=answer.clause + 1, ledger=ledger, moments=moments)


def _close_if_spoken(state: State) -> State:
    answer = state.answer
    if answer is None or answer.stage != "words" or answer.waiting or not answer.ledger.all_ended(answer.reply):
        return state
    return close(state, answer.outcome)


def _progress(state: State) -> State:
    if state.answer is None or state.answer.stage != "words":
        return state
    return wake_after(state, ANSWER, state.rules.settings.speech_timeout_s)


def _began(state: State, event: AudioPlayed) -> int:
    known = event.capture_sample and state.capture
    reported = known.time_of(event.capture_sample) if known else event.at
    return reported - event.until_sample * 1_000_000_000 // event.rate


def _late(state: State, event: AudioPlayed) -> State:
    """A report of an answer that is over: what was heard of it may be a word more than was told."""
    past = tuple(_heard_late(exchange, event) for exchange in state.past)
    before, state = state.past, replace(state, past=past)
    for told, now in zip(before, past, strict=True):
        if now is not told and now.heard() != told.heard():
            state = emit(state, TurnHeard, now.turn, heard=now.heard())
    return state


def _heard_late(exchange: Exchange, event: AudioPlayed) -> Exchange:
    if not exchange.ledger.knows(event.reply):
        return exchange
    return replace(exchange, ledger=_played(exchange.ledger, event))


def _played(ledger: Ledger, event: AudioPlayed) -> Ledger:
    return ledger.played(event.reply, event.clause, event.until_sample, event.rate, ended=event.ended)


def _going(state: State) -> Answer:
    assert state.answer is not None, "no answer is being given"
    return state.answer
