"""The listening service: spoken sound in, events at their samples out."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pymicro_wakeword
import pytest

from bus import Bus
from services.listening import (
    WAKE_WORDS,
    ListeningService,
    ListeningSettings,
    SileroVad,
    VoiceModelMissing,
    WakeWordsUnavailable,
)
from services.listening.ports import WINDOW
from services.testing import Bench, running
from shared.clock import SystemClock
from shared.errors import ConfigError
from shared.events import (
    AudioCaptured,
    Event,
    ModelLoaded,
    ServiceDegraded,
    ServiceReady,
    SpeechEnded,
    SpeechStarted,
    WakeDetected,
)
from shared.ids import id_source
from shared.pcm import Floats, pcm16
from tests.services.stt.spoken import VOICES, silence, speak

FRAME = 320
SENTENCE = "give me ten more minutes please"


def frames(sound: Floats, first_sample: int = 0) -> list[tuple[int, bytes]]:
    pcm = pcm16(sound)
    return [(first_sample + i // 2, pcm[i : i + FRAME * 2]) for i in range(0, len(pcm), FRAME * 2)]


@asynccontextmanager
async def listening(**settings: object) -> AsyncIterator[Bench]:
    service = ListeningService(ListeningSettings.model_validate(settings))
    async with running(service) as bench:
        yield bench


async def heard(bench: Bench) -> None:
    """Wait until the service has taken every frame from its queue and asks for more."""

    def queued() -> int:
        return sum(entry.queued for entry in bench.bus.stats() if entry.name == "listening:audio")

    while queued():
        await asyncio.sleep(0)
    await asyncio.sleep(0)


async def hear(bench: Bench, sound: Floats, first_sample: int = 0) -> list[Event]:
    """Let the service hear all of it; return what it reported, in order."""
    for first, pcm in frames(sound, first_sample):
        bench.publish(AudioCaptured, first_sample=first, rate=16_000, pcm=pcm)
        await asyncio.sleep(0)
    await heard(bench)
    return list(bench.bus.replay(None, SpeechStarted, SpeechEnded, WakeDetected))


@pytest.mark.parametrize("voice", VOICES)
async def test_speech_is_reported_once_at_its_samples(voice: str) -> None:
    """Onset within 64 ms of the first sample that espeak-ng made audible, noticed within 160 ms; the end likewise."""
    spoken = speak(SENTENCE, voice)
    audible = np.flatnonzero(np.abs(spoken) > 0.01)
    first, last = 16_000 + int(audible[0]), 16_000 + int(audible[-1])
    async with listening() as bench:
        started, ended = await hear(bench, np.concatenate([silence(1), spoken, silence(1)]))
    assert isinstance(started, SpeechStarted)
    assert isinstance(ended, SpeechEnded)
    assert abs(started.sample - first) <= 1024
    assert started.noticed_sample - first <= 2560
    assert ended.start_sample == started.sample
    assert abs(ended.sample - last) <= 3200
    assert ended.noticed_sample - ended.sample == 2560


async def test_a_pause_between_sentences_is_reported_as_one() -> None:
    async with listening() as bench:
        sound = np.concatenate([silence(0.5), speak(SENTENCE), silence(1), speak(SENTENCE), silence(1)])
        noticed = await hear(bench, sound)
    assert [e.kind for e in noticed] == ["speech.started", "speech.ended"] * 2


@pytest.mark.parametrize("level_dbfs", [-60, -30, -12])
async def test_noise_clicks_and_hum_are_no_speech(level_dbfs: int) -> None:
    """White noise bursts, single clicks and mains hum: nothing a person said."""
    random, level = np.random.default_rng(3), 10 ** (level_dbfs / 20)
    sound = silence(4)
    sound[16_000:24_000] += (random.standard_normal(8_000) * level).astype(np.float32)
    sound[32_000:60_000:4_000] = level
    sound[40_000:] += (np.sin(2 * np.pi * 50 * np.arange(24_000) / 16_000) * level).astype(np.float32)
    async with listening() as bench:
        assert await hear(bench, sound) == []


async def test_missing_frames_end_speech_and_the_next_onset_stands_behind_them() -> None:
    spoken = speak(SENTENCE)
    async with listening() as bench:
        noticed = await hear(bench, np.concatenate([silence(0.5), spoken[:16_000]]))
        assert [e.kind for e in noticed] == ["speech.started"]
        _, ended, again, _ = await hear(bench, np.concatenate([spoken[:16_000], silence(1)]), 1_000_000)
    assert isinstance(ended, SpeechEnded)
    assert isinstance(again, SpeechStarted)
    assert ended.sample <= 24_000 < 1_000_000 <= again.sample


async def test_only_the_frames_of_its_own_session_are_heard() -> None:
    async with listening() as bench:
        for first, pcm in frames(speak(SENTENCE)):
            bench.publish(AudioCaptured, session="other", first_sample=first, rate=16_000, pcm=pcm)
        assert await hear(bench, silence(1)) == []


async def test_a_backlog_beyond_its_bound_drops_the_oldest_and_listening_goes_on() -> None:
    """A burst of 30 s against a bound of 2 s: what is left is heard at its true positions."""
    sound = np.concatenate([silence(28), speak(SENTENCE)[:16_000], silence(1)])
    async with listening(backlog_ms=2000) as bench:
        for first, pcm in frames(sound):
            bench.publish(AudioCaptured, first_sample=first, rate=16_000, pcm=pcm)
        await heard(bench)
        started = next(bench.bus.replay(None, SpeechStarted))
        ledger = next(entry for entry in bench.bus.stats() if entry.name == "listening:audio")
    assert isinstance(started, SpeechStarted)
    assert ledger.dropped == ledger.offered - 100
    assert abs(started.sample - 28 * 16_000) < 4096


async def test_the_loop_gets_its_turn_between_frames_of_a_backlog() -> None:
    turns = itertools.count()
    done = asyncio.Event()

    async def other() -> None:
        while not done.is_set():
            next(turns)
            await asyncio.sleep(0)

    async with listening() as bench:
        for first, pcm in frames(silence(4)):
            bench.publish(AudioCaptured, first_sample=first, rate=16_000, pcm=pcm)
        task = asyncio.create_task(other())
        await heard(bench)
        done.set()
        await task
    assert next(turns) >= 190


@pytest.mark.parametrize("phrase", ["okay_nabu", "alexa"])
async def test_a_wake_word_is_reported_once_near_its_end(phrase: str) -> None:
    sound = np.concatenate([silence(1), speak(phrase.replace("_", " "), "en+m7", 140), silence(1.5)])
    async with listening(wake=("hey_jarvis", "okay_nabu", "alexa", "hey_mycroft")) as bench:
        wakes = [e for e in await hear(bench, sound) if isinstance(e, WakeDetected)]
    assert [w.phrase for w in wakes] == [phrase]
    assert 16_000 < wakes[0].sample <= len(sound)
    assert 0.5 < wakes[0].score <= 1


async def test_without_wake_words_none_is_spotted_and_no_model_is_loaded() -> None:
    async with listening() as bench:
        await hear(bench, np.concatenate([speak("okay nabu"), silence(0.5)]))
        loaded = [e.role for e in bench.bus.replay(None, ModelLoaded) if isinstance(e, ModelLoaded)]
    assert loaded == ["vad"]


async def test_where_wake_words_cannot_run_it_says_so_and_still_hears_speech() -> None:
    def broken(names: object, refractory: int) -> None:
        raise WakeWordsUnavailable("Wake words do not work here: no library.", remedy="Speak without one.")

    service = ListeningService(ListeningSettings(wake=("alexa",)), wake=broken)  # type: ignore[arg-type] # breaks
    async with running(service, wait_ready=False) as bench:
        degraded = await bench.next(ServiceDegraded)
        assert "Speak without one" in degraded.reason
        assert await hear(bench, np.concatenate([speak(SENTENCE), silence(0.5)]))


def test_an_unknown_wake_word_is_refused_by_name() -> None:
    """Before anything starts; the names are those of the library's models."""
    with pytest.raises(ConfigError, match=r"'computer'.* hey_jarvis"):
        ListeningSettings(wake=("hey_jarvis", "computer"))
    assert sorted(WAKE_WORDS) == sorted(model.value for model in pymicro_wakeword.Model)


def test_a_voice_model_that_is_no_model_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "silero.onnx"
    path.write_bytes(b"not a model")
    with pytest.raises(VoiceModelMissing, match=r"silero\.onnx"):
        SileroVad(path)


def test_a_stop_threshold_above_the_start_threshold_is_refused() -> None:
    with pytest.raises(ConfigError, match="stop_threshold"):
        ListeningSettings(start_threshold=0.3, stop_threshold=0.5)


@pytest.mark.slow
def test_after_a_silence_the_model_begins_anew() -> None:
    """What it makes of a sentence does not depend on what was heard before half a second of silence."""
    said = speak(SENTENCE)
    windows = [said[at : at + WINDOW] for at in range(0, said.size - WINDOW, WINDOW)]
    nothing = np.zeros(WINDOW, np.float32)
    voice = SileroVad()
    fresh = [voice.probability(window) for window in windows]
    assert [voice.probability(nothing) for _ in range(40)][15:] == [0.0] * 25
    assert [voice.probability(window) for window in windows] == fresh


@pytest.mark.slow
async def test_an_hour_of_silence_reports_nothing_and_keeps_nothing() -> None:
    minute = silence(60)
    async with listening(wake=("okay_nabu",)) as bench:
        for index in range(60):
            assert await hear(bench, minute, index * len(minute)) == []


@pytest.mark.slow
async def test_a_monologue_of_half_an_hour_is_one_stretch_of_speech_per_pause() -> None:
    spoken = np.concatenate([speak(SENTENCE), silence(0.4)])
    bus = Bus(clock=SystemClock(), ids=id_source("bus-"))
    async with running(ListeningService(ListeningSettings()), bus=bus) as bench:
        count = 30 * 60 * 16_000 // len(spoken)
        for index in range(count):
            noticed = await hear(bench, spoken, index * len(spoken))
    assert len([e for e in noticed if isinstance(e, SpeechEnded)]) == count
    assert bench.log[-1].kind == ServiceReady.kind
