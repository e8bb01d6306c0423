"""What does not come: nobody waits for ever, and nothing that comes late disturbs the next turn."""

from __future__ import annotations

from shared.events import (
    AudioStop,
    LlmDelta,
    ServiceFailed,
    SpeechStarted,
    TextEntered,
    TtsFailed,
    TtsRequest,
    TurnFinished,
)
from tests.services.dialogue.walk import Walk


def asked(*, speak: bool = True) -> Walk:
    walk = Walk()
    walk.feed(TextEntered, turn=0, text="tell me a story", speak=speak)
    return walk


def test_a_turn_that_failed_is_fenced_so_that_who_was_late_cannot_speak_into_the_next() -> None:
    walk = asked(speak=False)
    walk.ring("answer")
    assert [event.reason for event in walk.finished()] == ["failed"]
    assert walk.fenced == 2


def test_a_turn_that_went_well_is_not_fenced_so_that_watchers_see_all_of_it() -> None:
    walk = asked(speak=False)
    walk.result("Once upon a time.")
    assert [event.reason for event in walk.finished()] == ["answered"]
    assert walk.fenced == 0


def test_what_the_model_says_after_the_apology_is_not_spoken() -> None:
    walk = asked()
    walk.result("", outcome="unmatched")
    walk.ring("answer")
    walk.feed(LlmDelta, turn=1, request="", index=0, text="Once upon a time, there was a fox. It lived.")
    assert [clause.text for clause in walk.sent()] == [
        "Sorry, I can't think of an answer right now. ",
        "Please try again.",
    ]


def test_while_the_person_speaks_over_the_answer_the_speaker_is_not_expected_to_get_on() -> None:
    walk = asked()
    walk.result("Once upon a time.")
    walk.feed(SpeechStarted, turn=0, sample=0, noticed_sample=1_000, probability=0.9)
    walk.ring("answer")
    assert not any(isinstance(event, AudioStop) for event in walk.published)
    assert "answer" in walk.wakes


def test_a_clause_that_breaks_off_is_heard_up_to_where_it_broke_and_apologised_for() -> None:
    walk = asked()
    walk.result("Once upon a time.")
    clause = walk.clauses.pop()
    walk.feed(TtsFailed, turn=1, reply=clause.reply, clause=0, engine="walk", reason="it broke")
    walk.settle()
    (finished,) = walk.finished()
    assert (finished.reason, finished.heard) == ("failed", "Sorry, my voice failed for a moment.")


def test_a_voice_that_was_given_up_in_the_middle_ends_the_turn() -> None:
    walk = asked()
    walk.result("Once upon a time.")
    walk.feed(ServiceFailed, turn=0, service="tts", error="it crashed", restarts=5)
    assert [event.reason for event in walk.finished()] == ["failed"]


def test_without_a_voice_the_next_answer_is_shown() -> None:
    walk = asked()
    walk.feed(ServiceFailed, turn=0, service="tts", error="it crashed", restarts=5)
    walk.result("Once upon a time.")
    walk.feed(TextEntered, turn=0, text="and then", speak=True)
    walk.result("They lived happily.")
    last = [event for event in walk.published if isinstance(event, (TtsRequest, TurnFinished))][-1]
    assert isinstance(last, TurnFinished)
    assert last.heard == "They lived happily."
