"""Listening: from the onset of speech to the words that were meant, with the wake-word gate before it.

An onset opens a turn at once, unless an answer is being given: then the speaker is silenced, and `interrupting`
decides whether the turn opens.
"""

from __future__ import annotations

from dataclasses import replace

from services.dialogue.answering import commit, open_turn, say_alone
from services.dialogue.interrupting import confirm, consider, hush, meaning, resume
from services.dialogue.latency import moment
from services.dialogue.phrases import Phrase
from services.dialogue.preparing import prepare
from services.dialogue.speaking import close_unanswered, interrupt
from services.dialogue.state import (
    BARGE_IN,
    ENDPOINT,
    LIMIT,
    RECOGNITION,
    Onset,
    State,
    Utterance,
    emit,
    forget,
    named,
    samples,
    undecided,
    wake_after,
    wake_at,
    with_utterance,
)
from services.dialogue.words import differing, is_hum
from shared.events import (
    AudioChime,
    SpeechEnded,
    SpeechStarted,
    SttCancel,
    SttFailed,
    SttFinal,
    SttFinish,
    SttPartial,
    SttStart,
    WakeDetected,
)

__all__ = [
    "cancel",
    "finish",
    "lose_recognition",
    "on_endpoint",
    "on_final",
    "on_limit",
    "on_partial",
    "on_recognition_overdue",
    "on_speech_ended",
    "on_speech_started",
    "on_stt_failed",
    "on_wake",
]

_WAKE_TAIL = samples(300)
"""Speech that ends this soon after a wake word was the wake word."""

_BEHIND = samples(200)
"""A partial text that ends so long before the voice did may lack no word, only the silence after it."""


# ---- onset and wake word


def on_speech_started(state: State, event: SpeechStarted) -> State:
    """Somebody speaks: a new utterance, more of the one that is open, or the next one."""
    state = replace(state, voiced_from=event.sample)
    utterance = state.utterance
    if utterance is None:
        return _listen(state, event.sample) if _gate_open(state, event.sample) else state
    if utterance.finishing:
        return replace(state, later=Onset(state.later.first_sample if state.later else event.sample))
    return forget(with_utterance(state, voiced=True), ENDPOINT)


def on_wake(state: State, event: WakeDetected) -> State:
    """A wake word opens the microphone, and whatever was said or answered before it is over."""
    settings = state.rules.settings
    if event.phrase not in settings.wake or (state.utterance is not None and state.utterance.finishing):
        return state
    if undecided(state):
        state = confirm(state, "barge-in")
    if state.utterance is not None:
        state = cancel(state)
    else:
        if state.answer is not None:
            state = interrupt(state, "barge-in", event.sample)
        state = open_turn(state, "speech", event.sample)
    state = emit(state, AudioChime, state.turn, sound="wake")
    state = _open(state, event.sample, started=True, after_wake=True)
    if state.voiced_from is not None:
        return state
    return _await_more(with_utterance(state, voiced=False, last_voiced=event.sample))


def _gate_open(state: State, sample: int) -> bool:
    return not state.rules.settings.wake or state.answer is not None or sample <= state.gate_until


def _listen(state: State, sample: int) -> State:
    if state.answer is not None:
        return hush(_open(state, sample, started=False))
    return _open(open_turn(state, "speech", sample), sample, started=True)


def _open(state: State, sample: int, *, started: bool, after_wake: bool = False) -> State:
    settings = state.rules.settings
    state, name = named(state, "u")
    turn = state.turn if started else state.turn + 1
    utterance = Utterance(name, turn, sample, started, after_wake)
    state = emit(
        replace(state, utterance=utterance),
        SttStart,
        turn,
        utterance=name,
        from_sample=sample if after_wake else max(0, sample - samples(settings.preroll_ms)),
        language="" if settings.detect_language else state.language,
    )
    return prepare(wake_at(state, LIMIT, sample + samples(settings.max_utterance_s * 1000)))


# ---- endpoint


def on_speech_ended(state: State, event: SpeechEnded) -> State:
    """A pause, or the end: wait as long as the words so far ask for."""
    state = replace(state, voiced_from=None)
    utterance = state.utterance
    if utterance is None:
        return state
    if utterance.finishing:
        later = state.later and replace(state.later, last_voiced=max(event.sample, state.later.first_sample))
        return replace(state, later=later)
    return _await_more(with_utterance(state, voiced=False, last_voiced=max(event.sample, utterance.first_sample)))


def on_partial(state: State, event: SttPartial) -> State:
    """Something was understood: it may show an interruption, or that the sentence is whole or hangs."""
    utterance = state.utterance
    if utterance is None or utterance.name != event.utterance or utterance.finishing:
        return state
    state = consider(
        with_utterance(
            state,
            text=event.text,
            stable=event.stable,
            confidence=event.confidence,
            covered=event.until_sample,
            complete=event.complete,
        )
    )
    return prepare(state if utterance.voiced else _await_more(state))


def on_endpoint(state: State) -> State:
    """The silence was long enough."""
    utterance = state.utterance
    if utterance is None or utterance.voiced or utterance.finishing:
        return state
    return finish(state)


def on_limit(state: State) -> State:
    """The person has been talking for as long as can be listened to."""
    utterance = state.utterance
    if utterance is None or utterance.finishing:
        return state
    return finish(with_utterance(state, voiced=False, last_voiced=max(state.position, utterance.first_sample)))


def finish(state: State) -> State:
    """The utterance is over: ask for its words. A wake word that nothing followed ends the turn."""
    utterance = _listened(state)
    state = forget(state, ENDPOINT, LIMIT)
    if _only_wake_word(utterance):
        return close_unanswered(cancel(state), "silent")
    if "stt" in state.dead:
        return lose_recognition(state)
    moments = replace(utterance.moments, voiced=_time_of(state, utterance.last_voiced), endpoint=state.now)
    state = with_utterance(
        state, finishing=True, voiced=False, moments=moments, endpoint_sample=max(state.position, utterance.last_voiced)
    )
    state = emit(state, SttFinish, utterance.turn, utterance=utterance.name, until_sample=utterance.last_voiced)
    return wake_after(state, RECOGNITION, state.rules.settings.recognition_timeout_s)


def _await_more(state: State) -> State:
    utterance, settings = _listened(state), state.rules.settings
    if _only_wake_word(utterance):
        wait = settings.wake_window_ms
    elif not utterance.started or (utterance.complete and _known_words(utterance)):
        wait = settings.min_wait_ms
    else:
        wait = state.rules.wait(_known_words(utterance), state.language)
    return wake_at(state, ENDPOINT, utterance.last_voiced + samples(wait))


def _known_words(utterance: Utterance) -> str:
    # Words that recognition has not come to yet may change what those before them mean.
    return utterance.text if utterance.covered >= utterance.last_voiced - _BEHIND else ""


def _only_wake_word(utterance: Utterance) -> bool:
    said = utterance.last_voiced - utterance.first_sample
    return utterance.after_wake and not utterance.text.strip() and said < _WAKE_TAIL


def _time_of(state: State, sample: int) -> int:
    return state.capture.time_of(sample) if state.capture else state.now


# ---- the words


def on_final(state: State, event: SttFinal) -> State:
    """The utterance's words are known."""
    utterance = state.utterance
    if utterance is None or utterance.name != event.utterance:
        return state
    if not utterance.started:
        found = meaning(state, event)
        if found in ("backchannel", "noise"):
            return _next(resume(_dropped(state), "backchannel" if found == "backchannel" else "noise"))
        state = confirm(state, "stop" if found == "stop" else "barge-in")
    return _next(_decide(_dropped(state), utterance, event))


def on_stt_failed(state: State, event: SttFailed) -> State:
    """Recognition broke."""
    utterance = state.utterance
    return _lost(state) if utterance and utterance.name == event.utterance else state


def on_recognition_overdue(state: State) -> State:
    """Recognition says nothing."""
    return lose_recognition(state) if state.utterance and state.utterance.finishing else state


def lose_recognition(state: State) -> State:
    """Recognition will not answer any more: do without."""
    utterance = _listened(state)
    return _lost(emit(state, SttCancel, utterance.turn, utterance=utterance.name))


def _lost(state: State) -> State:
    # The person is told, unless it was only said over an answer.
    utterance = _listened(state)
    state = _dropped(state)
    if not utterance.started:
        return _next(resume(state, "noise"))
    if state.misses >= state.rules.settings.ask_again:
        return _next(close_unanswered(state, "failed"))
    return _next(say_alone(replace(state, misses=state.misses + 1), "lost-recognition", "failed"))


def cancel(state: State) -> State:
    """Stop listening to the utterance; its turn stays as it is."""
    utterance = _listened(state)
    return _dropped(emit(state, SttCancel, utterance.turn, utterance=utterance.name))


def _decide(state: State, utterance: Utterance, event: SttFinal) -> State:
    text = event.text.strip()
    if event.others and state.misses < min(1, state.rules.settings.ask_again):
        return _in_doubt(state, utterance, event)
    if not text or not (event.trusted or event.others):
        return _misheard(state, utterance, event)
    if is_hum(text):
        return close_unanswered(state, "ignored")
    return commit(
        state,
        text,
        (event.language if state.rules.settings.detect_language else "") or state.language,
        spoken=True,
        confidence=event.confidence,
        voiced=utterance.last_voiced,
        endpoint=utterance.endpoint_sample,
        moments=replace(utterance.moments, final=moment(event.at, utterance.moments.endpoint, state.now)),
    )


def _in_doubt(state: State, utterance: Utterance, event: SttFinal) -> State:
    # Asked once: then the likelier will do, since the answer names it.
    one, other = differing(event.text, event.others[0])
    moments = replace(utterance.moments, final=event.at)
    state = replace(state, misses=state.misses + 1)
    return say_alone(state, "which-one", "not-understood", moments, one=one, other=other)


def _misheard(state: State, utterance: Utterance, event: SttFinal) -> State:
    settings = state.rules.settings
    if utterance.last_voiced - utterance.first_sample <= samples(settings.noise_ms):
        return close_unanswered(state, "ignored" if event.text.strip() else "silent")
    if state.misses >= settings.ask_again or state.later is not None:
        return close_unanswered(state, "not-understood")
    moments = replace(utterance.moments, final=moment(event.at, utterance.moments.endpoint, state.now))
    name: Phrase = "still-not-understood" if state.misses else "not-understood"
    return say_alone(replace(state, misses=state.misses + 1), name, "not-understood", moments)


def _next(state: State) -> State:
    onset = state.later
    if onset is None:
        return state
    state = _listen(replace(state, later=None), onset.first_sample)
    if not onset.last_voiced:
        return state
    return _await_more(with_utterance(state, voiced=False, last_voiced=onset.last_voiced))


def _dropped(state: State) -> State:
    return forget(replace(state, utterance=None), ENDPOINT, BARGE_IN, LIMIT, RECOGNITION)


def _listened(state: State) -> Utterance:
    assert state.utterance is not None, "nothing is being listened to"
    return state.utterance
