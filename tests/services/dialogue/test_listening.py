"""Listening: what a partial text may decide, and what it may not."""

from __future__ import annotations

import pytest

from shared.events import SpeechEnded, SpeechStarted, SttFinish, SttPartial, SttStart, TurnCommitted, TurnFinished
from tests.services.dialogue.walk import Walk, fresh

SECOND = 16_000


def speaking(walk: Walk, *, until: int = SECOND) -> None:
    """Somebody spoke from the start of the session until a sample."""
    walk.feed(SpeechStarted, turn=0, sample=0, noticed_sample=1_000, probability=0.9)
    walk.capture(until)
    walk.feed(SpeechEnded, turn=0, start_sample=0, sample=until, noticed_sample=until + 1_600)


def partial(walk: Walk, text: str, covers: int, *, complete: bool = False) -> None:
    """Recognition has come so far."""
    walk.feed(
        SttPartial,
        turn=0,
        utterance=walk.recognising,
        text=text,
        stable="",
        until_sample=covers,
        language="en",
        confidence=0.8,
        engine="walk",
        complete=complete,
    )


@pytest.mark.parametrize(
    ("text", "covers", "ms"),
    [
        ("what time is it", SECOND, 250),
        ("what time is it", SECOND // 2, 600),
        ("set a timer for", SECOND, 1200),
        ("set a timer for", SECOND // 2, 600),
    ],
)
def test_only_words_that_reach_the_end_of_the_voice_change_the_wait(text: str, covers: int, ms: int) -> None:
    walk = Walk()
    speaking(walk)
    partial(walk, text, covers)
    assert walk.wakes["endpoint"] == SECOND + ms * 16


@pytest.mark.parametrize(("covers", "ms"), [(SECOND, 250), (SECOND // 2, 600)])
def test_a_whole_sentence_that_skills_know_needs_the_shortest_wait(covers: int, ms: int) -> None:
    """Whatever its words look like, as long as they reach the end of the voice."""
    walk = Walk()
    speaking(walk)
    partial(walk, "how many miles is ten kilometers", covers, complete=True)
    assert walk.wakes["endpoint"] == SECOND + ms * 16


def test_recognition_gets_the_sound_from_a_little_before_the_onset() -> None:
    walk = Walk(fresh(preroll_ms=300))
    walk.feed(SpeechStarted, turn=0, sample=10_000, noticed_sample=11_000, probability=0.9)
    (start,) = [event for event in walk.published if isinstance(event, SttStart)]
    assert start.from_sample == 10_000 - 4_800


def test_who_never_stops_is_cut_off_at_the_limit_and_heard_again_after_a_pause() -> None:
    walk = Walk(fresh(max_utterance_s=60))
    walk.feed(SpeechStarted, turn=0, sample=0, noticed_sample=1_000, probability=0.9)
    walk.ring("limit")
    (finish,) = [event for event in walk.published if isinstance(event, SttFinish)]
    assert finish.until_sample == 60 * SECOND
    walk.final("a very long story")
    walk.settle()
    walk.ask("what time is it")
    assert [event.reason for event in walk.published if isinstance(event, TurnFinished)] == ["answered", "answered"]


def test_all_that_is_said_while_recognition_is_slow_becomes_one_utterance() -> None:
    walk = Walk()
    speaking(walk)
    walk.ring("endpoint")
    for first, until in ((30_000, 40_000), (60_000, 70_000)):
        walk.feed(SpeechStarted, turn=0, sample=first, noticed_sample=first, probability=0.9)
        walk.feed(SpeechEnded, turn=0, start_sample=first, sample=until, noticed_sample=until)
    walk.final("")
    starts = [event for event in walk.published if isinstance(event, SttStart)]
    assert [start.from_sample for start in starts] == [0, 30_000 - 4_800]
    assert walk.wakes["endpoint"] == 70_000 + 600 * 16


def said(walk: Walk, text: str, *others: str) -> None:
    """Somebody says something, and recognition knows what, or not quite."""
    speaking(walk)
    walk.ring("endpoint")
    walk.final(text, others=others)


def test_of_two_numbers_that_sound_alike_it_is_asked_once_which_one_was_said() -> None:
    walk = Walk()
    said(walk, "set a timer for fifty minutes", "set a timer for fifteen minutes")
    assert "".join(clause.text for clause in walk.sent()) == "Was that fifty, or fifteen? Please say it again."
    walk.settle()
    assert [turn.reason for turn in walk.finished()] == ["not-understood"]
    said(walk, "set a timer for fifteen minutes", "set a timer for fifty minutes")
    assert [event.text for event in walk.published if isinstance(event, TurnCommitted)] == [
        "set a timer for fifteen minutes"
    ], "the likelier will do the second time: the answer names it"


def test_whoever_must_not_ask_again_takes_the_likelier_number() -> None:
    walk = Walk(fresh(ask_again=0))
    said(walk, "set a timer for fifty minutes", "set a timer for fifteen minutes")
    assert any(isinstance(event, TurnCommitted) for event in walk.published)


def test_speech_that_goes_on_takes_back_the_end() -> None:
    walk = Walk()
    speaking(walk)
    walk.feed(SpeechStarted, turn=0, sample=SECOND + 3_000, noticed_sample=SECOND + 4_000, probability=0.9)
    assert "endpoint" not in walk.wakes
