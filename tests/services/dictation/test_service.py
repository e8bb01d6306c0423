"""Dictation turns every stretch of speech into one utterance, in order."""

from __future__ import annotations

from services.dictation import DictationService
from services.testing import running
from shared.events import SpeechEnded, SpeechStarted, SttFinal, SttFinish, SttStart


def _final(utterance: str) -> dict[str, object]:
    return {
        "utterance": utterance, "text": "hello", "words": (), "language": "en", "confidence": 1.0, "trusted": True,
        "mode": "dictation", "engine": "scripted", "start_sample": 0, "until_sample": 1, "decode_ns": 0,
    }  # fmt: skip


async def test_an_utterance_is_started_before_its_onset_and_finished_at_the_pause() -> None:
    async with running(DictationService()) as bench:
        bench.publish(SpeechStarted, sample=16_000, noticed_sample=16_512, probability=0.9)
        start = await bench.next(SttStart)
        assert start.from_sample < 16_000
        bench.publish(SpeechEnded, start_sample=16_000, sample=32_000, noticed_sample=34_000)
        finish = await bench.next(SttFinish)
        assert (finish.utterance, finish.until_sample) == (start.utterance, 34_000)


async def test_speech_during_decoding_waits_for_its_turn() -> None:
    """A second utterance that begins and ends while the first is decoded is recognised afterwards, whole."""
    async with running(DictationService()) as bench:
        for onset in (1_000, 50_000):
            bench.publish(SpeechStarted, sample=onset, noticed_sample=onset + 512, probability=0.9)
            bench.publish(SpeechEnded, start_sample=onset, sample=onset + 9_000, noticed_sample=onset + 10_000)
        first = await bench.next(SttFinish)
        bench.publish(SttFinal, **_final(first.utterance))
        second = await bench.next(SttFinish)
        assert second.utterance != first.utterance
        assert second.until_sample == 60_000
