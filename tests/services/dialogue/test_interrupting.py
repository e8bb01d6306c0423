"""Speech over an answer: silence at once, a decision later."""

from __future__ import annotations

import pytest

from shared.events import (
    AudioPause,
    AudioPlayed,
    AudioResume,
    Event,
    SpeechEnded,
    SpeechStarted,
    SttPartial,
    TextEntered,
    TtsAudio,
    TurnInterrupted,
    TurnResumed,
    WordMark,
)
from tests.services.dialogue.walk import Walk, fresh


def speaking_walk(**settings: object) -> Walk:
    """An answer of four words, of which the first was played and the second is being played."""
    walk = Walk(fresh(**settings))
    walk.feed(TextEntered, turn=0, text="what time is it", speak=True)
    walk.result("Ten past nine o'clock.")
    (clause,) = walk.clauses
    place = {"reply": clause.reply, "clause": 0, "rate": 16_000}
    marks = tuple(
        WordMark(start=start, end=end, first_sample=i * 1_000, until_sample=i * 1_000 + 900)
        for i, (start, end) in enumerate([(0, 3), (4, 8), (9, 13), (14, 22)])
    )
    walk.feed(TtsAudio, turn=1, **place, first_sample=0, marks=marks, last=True, pcm=bytes(8_000))
    walk.feed(AudioPlayed, turn=1, **place, until_sample=1_500, capture_sample=0, ended=False)
    walk.feed(SpeechStarted, turn=0, sample=0, noticed_sample=1_000, probability=0.9)
    return walk


def came(walk: Walk, *kinds: type[Event]) -> list[type[Event]]:
    """The published kinds of interest, in order."""
    return [type(event) for event in walk.published if isinstance(event, kinds)]


def partial(walk: Walk, text: str, *, stable: str = "", confidence: float = 0.9) -> None:
    walk.feed(
        SttPartial,
        turn=0,
        utterance=walk.recognising,
        text=text,
        stable=stable,
        until_sample=0,
        language="en",
        confidence=confidence,
        engine="walk",
    )


def silence(walk: Walk) -> None:
    """The voice ends, and the silence after it lasts."""
    walk.feed(SpeechEnded, turn=0, start_sample=0, sample=4_000, noticed_sample=5_600)
    walk.ring("endpoint")


def test_the_onset_pauses_the_speaker_and_opens_no_turn() -> None:
    walk = speaking_walk()
    assert came(walk, AudioPause) == [AudioPause]
    assert walk.open_turn == 1
    assert walk.fenced == 0


@pytest.mark.parametrize(
    ("text", "stable", "confidence", "interrupts"),
    [
        ("what", "", 0.9, False),
        ("what", "what", 0.9, True),
        ("what about", "", 0.9, True),
        ("what about", "", 0.2, False),
        ("stop", "", 0.9, True),
        ("okay", "okay", 0.9, False),
        ("past nine", "past nine", 0.9, False),
        ("", "", 0.9, False),
    ],
)
def test_a_partial_text_interrupts_when_it_surely_has_words_of_its_own(
    text: str, stable: str, confidence: float, interrupts: bool
) -> None:
    walk = speaking_walk()
    partial(walk, text, stable=stable, confidence=confidence)
    assert came(walk, TurnInterrupted) == [TurnInterrupted] * interrupts


def test_a_long_voice_interrupts_even_before_a_word_was_understood() -> None:
    walk = speaking_walk()
    walk.ring("barge-in")
    assert came(walk, TurnInterrupted) == [TurnInterrupted]


def test_a_long_backchannel_is_still_none() -> None:
    walk = speaking_walk()
    partial(walk, "mm-hmm, okay")
    walk.ring("barge-in")
    assert came(walk, TurnInterrupted) == []


def test_the_answer_goes_on_from_the_beginning_of_the_word_that_was_cut() -> None:
    walk = speaking_walk()
    silence(walk)
    walk.final("mm-hmm")
    (resume,) = [event for event in walk.published if isinstance(event, AudioResume)]
    assert (resume.clause, resume.from_sample) == (0, 1_000)


def test_words_that_begin_while_a_backchannel_is_decoded_pause_the_answer_again() -> None:
    walk = speaking_walk()
    silence(walk)
    walk.feed(SpeechStarted, turn=0, sample=12_000, noticed_sample=13_000, probability=0.9)
    walk.final("okay")
    assert came(walk, AudioPause, TurnResumed) == [AudioPause, TurnResumed, AudioPause]
    partial(walk, "what about tomorrow")
    assert came(walk, TurnInterrupted) == [TurnInterrupted]


def test_an_answer_that_fell_silent_for_noises_goes_on_over_the_next_one() -> None:
    """Its own echo can be told apart only while it sounds: an answer that fell silent each time would never end."""
    walk = speaking_walk()
    for number in range(1, 4):
        silence(walk)
        walk.final("", trusted=False)
        walk.feed(
            SpeechStarted, turn=0, sample=16_000 * number, noticed_sample=16_000 * number + 1_000, probability=0.9
        )
    assert came(walk, AudioPause, TurnResumed) == [AudioPause, TurnResumed] * 3
    partial(walk, "what about tomorrow")
    assert came(walk, TurnInterrupted) == [TurnInterrupted]


def test_a_request_with_a_number_in_doubt_is_no_noise() -> None:
    walk = speaking_walk()
    silence(walk)
    walk.final("set a timer for fifty minutes", others=("set a timer for fifteen minutes",))
    assert came(walk, TurnInterrupted) == [TurnInterrupted]
    assert walk.sent()[-2].text.strip() == "Was that fifty, or fifteen?"


def test_what_was_heard_is_told_with_the_interruption() -> None:
    walk = speaking_walk()
    partial(walk, "what about tomorrow")
    (interrupted,) = [event for event in walk.published if isinstance(event, TurnInterrupted)]
    assert (interrupted.heard, interrupted.generated) == ("Ten", "Ten past nine o'clock.")
    assert walk.fenced == 2
