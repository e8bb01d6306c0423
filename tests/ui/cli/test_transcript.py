"""The terminal shows what was said, what was heard of the answer and what was not, and where the time went."""

from __future__ import annotations

import pytest

from shared.clock import ManualClock
from shared.events import (
    AudioCaptured,
    AudioPlayed,
    Latency,
    ModelFailed,
    ModelProgress,
    ModelPulled,
    ServiceDegraded,
    SpeechStarted,
    Stamp,
    SttFinal,
    SttPartial,
    TtsAudio,
    TtsRequest,
    TurnCommitted,
    TurnFinished,
    TurnInterrupted,
    WordMark,
)
from shared.ids import id_source
from ui.cli.transcript import Transcript

stamp = Stamp("test", ManualClock(), id_source("t"), "s")
LATENCY = Latency(
    endpoint_wait=250_000_000, recognition_tail=10_000_000, queue=0, prefill=2_000_000, first_clause=0,
    synthesis=20_000_000, playout=30_000_000, total=312_000_000,
)  # fmt: skip


@pytest.fixture
def transcript() -> Transcript:
    return Transcript()


def _finished(answered: str, heard: str, latency: Latency | None = None) -> TurnFinished:
    return stamp(
        TurnFinished, reason="answered", asked="q", answered=answered, heard=heard, by="clock", latency=latency, turn=1
    )


def test_a_committed_sentence_is_a_line(transcript: Transcript) -> None:
    event = stamp(
        TurnCommitted, text="what time is it", language="en", confidence=1.0, last_voiced_sample=1, endpoint_sample=2
    )
    assert [line.plain for line in transcript.feed(event)] == ["  you  what time is it"]


def _heard(text: str, *, trusted: bool) -> SttFinal:
    return stamp(
        SttFinal, utterance="u", text=text, words=(), language="en", confidence=0.5, trusted=trusted, mode="dictation",
        engine="e", start_sample=0, until_sample=1, decode_ns=1,
    )  # fmt: skip


def test_of_what_was_heard_a_conversation_shows_only_what_is_not_trusted(transcript: Transcript) -> None:
    """The rest is shown as it is committed."""
    assert not transcript.feed(_heard("what time is it", trusted=True))
    assert [line.plain for line in transcript.feed(_heard("what ties", trusted=False))] == ["  you  (what ties?)"]


def test_dictation_shows_every_utterance() -> None:
    """With a mark where recognition is not sure."""
    transcript = Transcript(dictated=True)
    heard = (_heard("what time is it", trusted=True), _heard("what ties", trusted=False), _heard("", trusted=False))
    assert [line.plain for event in heard for line in transcript.feed(event)] == ["what time is it", "(what ties?)"]


def test_the_answer_is_shown_whole_with_the_parts_of_its_latency(transcript: Transcript) -> None:
    lines = [line.plain for line in transcript.feed(_finished("It is noon.", "It is noon.", LATENCY))]
    assert lines[0] == "sotto  It is noon."
    assert lines[1].strip().startswith("312 ms = end of speech 250 + recognition 10")


def test_words_that_were_not_heard_are_struck(transcript: Transcript) -> None:
    event = stamp(TurnInterrupted, reply="r", reason="barge-in", heard="It is", generated="It is noon.", at_sample=5)
    line, *_ = transcript.feed(event)
    assert line.plain == "sotto  It is— noon."
    assert any(span.style == "dim strike" and line.plain[span.start : span.end] == " noon." for span in line.spans)


def test_the_live_line_follows_the_voice_then_the_spoken_words(transcript: Transcript) -> None:
    transcript.feed(stamp(SpeechStarted, sample=0, noticed_sample=512, probability=1.0))
    transcript.feed(
        stamp(
            SttPartial,
            utterance="u",
            text="what time",
            stable="",
            until_sample=1,
            language="en",
            confidence=0.5,
            engine="e",
        )
    )
    assert "what time" in transcript.live().plain
    transcript.feed(_finished("", ""))
    transcript.feed(stamp(TtsRequest, reply="r", clause=0, text="It is noon.", language="en", voice="", last=True))
    marks = (WordMark(start=0, end=2, first_sample=0, until_sample=100),)
    transcript.feed(
        stamp(TtsAudio, reply="r", clause=0, first_sample=0, rate=22050, marks=marks, last=True, pcm=b"\0" * 400)
    )
    transcript.feed(
        stamp(AudioPlayed, reply="r", clause=0, until_sample=150, rate=22050, capture_sample=0, ended=False)
    )
    live = transcript.live()
    assert "It is noon." in live.plain
    assert [live.plain[s.start : s.end] for s in live.spans if s.style == "dim"][-1] == " is noon."


def test_silence_reads_as_an_empty_meter(transcript: Transcript) -> None:
    for n in range(40):
        transcript.feed(stamp(AudioCaptured, first_sample=n * 320, rate=16_000, pcm=bytes(640)))
    assert transcript.live().plain.endswith("listening")


def test_trouble_is_told_in_the_services_own_words(transcript: Transcript) -> None:
    lines = transcript.feed(stamp(ServiceDegraded, service="audio", reason="No microphone was found."))
    assert lines[0].plain.endswith("audio: No microphone was found.")


def test_a_pull_is_followed_to_its_end(transcript: Transcript) -> None:
    """How far it is stands beside what is heard; that it arrived, or why not, is a line of its own."""
    model = {"role": "llm", "name": "tiny", "engine": "llama-cpp"}
    transcript.feed(stamp(ModelProgress, **model, done_bytes=340, total_bytes=1000))
    assert transcript.live().plain.endswith("pulling tiny 34 %")
    assert "tiny has arrived" in transcript.feed(stamp(ModelPulled, **model, path="models"))[0].plain
    assert "pulling" not in transcript.live().plain
    transcript.feed(stamp(ModelProgress, **model, done_bytes=0, total_bytes=0))
    refused = transcript.feed(stamp(ModelFailed, **model, message="The disk is full. Free some space."))
    assert refused[0].plain.endswith("llm: The disk is full. Free some space.")
    assert "pulling" not in transcript.live().plain
