"""Speaking: what the ledger of a spoken turn says, sample by sample."""

from __future__ import annotations

from shared.events import (
    AlarmRang,
    AudioPlayed,
    SessionOpened,
    SpeechEnded,
    SpeechStarted,
    TtsAudio,
    TtsFinished,
    TtsRequest,
    TurnFinished,
)
from tests.services.dialogue.walk import Walk

SECOND = 16_000
NS = 1_000_000_000


def asked(walk: Walk) -> None:
    """Somebody asks, with a voice that ends after one second."""
    walk.feed(SpeechStarted, turn=0, sample=0, noticed_sample=1_000, probability=0.9)
    walk.capture(SECOND)
    walk.feed(SpeechEnded, turn=0, start_sample=0, sample=SECOND, noticed_sample=SECOND)
    walk.ring("endpoint")
    walk.capture(SECOND)
    walk.final("tell me the time")


def test_the_first_audible_sample_is_where_the_first_report_says_that_the_clause_began() -> None:
    walk = Walk()
    asked(walk)
    walk.result("Ten.")
    (clause,) = walk.clauses
    place = {"reply": clause.reply, "clause": 0, "rate": 8_000}
    walk.feed(TtsAudio, turn=1, **place, first_sample=0, marks=(), last=True, pcm=bytes(16_000))
    walk.capture(SECOND)
    walk.feed(AudioPlayed, turn=1, **place, until_sample=2_000, capture_sample=walk.position - SECOND // 2, ended=False)
    walk.feed(AudioPlayed, turn=1, **place, until_sample=8_000, capture_sample=walk.position, ended=True)
    (finished,) = walk.finished()
    assert finished.latency is not None
    # 0.6 s to the endpoint, 1 s of recognition; half a second before the report's second ends less a quarter played.
    assert finished.latency.endpoint_wait == 6 * NS // 10
    assert finished.latency.recognition_tail == NS
    assert finished.latency.playout == NS // 4
    assert finished.latency.total == 185 * NS // 100


def test_a_clause_without_a_sample_keeps_nobody_waiting() -> None:
    walk = Walk()
    asked(walk)
    walk.result("Ten.")
    (clause,) = walk.clauses
    walk.feed(TtsFinished, turn=1, reply=clause.reply, clause=0, samples=0, rate=8_000, engine="walk", synthesis_ns=1)
    assert [type(event) for event in walk.published][-1] is TurnFinished


def test_an_alarm_rings_in_writing_where_the_conversation_is_typed() -> None:
    """There is no voice to wait for: its turn is over at once."""
    walk = Walk()
    walk.feed(SessionOpened, turn=0, over="text", language="en")
    walk.feed(AlarmRang, turn=0, alarm="tea", speech="The tea timer is done.", language="en", attempt=1)
    (finished,) = walk.finished()
    assert (finished.reason, finished.heard) == ("answered", "The tea timer is done.")
    assert not [event for event in walk.published if isinstance(event, TtsRequest)]
