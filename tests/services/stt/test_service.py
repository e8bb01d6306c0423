"""The service: requests, sound and pauses in any order; one answer, at the right positions, from the right engine."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from services.stt import (
    Engine,
    EngineUnusable,
    Guess,
    MakeEngine,
    Sentences,
    Spoken,
    SttService,
    SttSettings,
    Transcript,
)
from services.stt.engines.faster_whisper import RecognitionFailed
from services.stt.ports import always
from services.testing import Bench, running
from shared.clock import ManualClock
from shared.events import (
    AudioCaptured,
    ModelFailed,
    ModelLoad,
    ModelLoaded,
    ModelPulled,
    ServiceDegraded,
    ServiceReady,
    SkillsRegistered,
    SpeechEnded,
    SpeechStarted,
    SttCancel,
    SttFailed,
    SttFinal,
    SttFinish,
    SttPartial,
    SttStart,
)
from shared.installed import InstalledModel
from shared.pcm import CAPTURE_RATE, Floats, pcm16

FRAME = 320
SECOND = CAPTURE_RATE


@dataclass
class Counter:
    """An engine whose text is how many samples it heard, so that nothing can be guessed."""

    name: str = "pocketsphinx"
    model: str = "counter"
    languages: tuple[str, ...] = ("en",)
    settles: int = 0
    learnt: list[Sentences] = field(default_factory=list)
    gate: threading.Event | None = None
    breaks: bool = False
    threads: set[int] = field(default_factory=set)

    def learn(self, sentences: Sentences, wanted: Callable[[], bool] = always) -> None:
        self.learnt.append(sentences)

    def warm(self) -> None:
        """There is nothing to load."""

    def listen(self, language: str) -> CounterListener:
        return CounterListener(self)


class CounterListener:
    def __init__(self, engine: Counter) -> None:
        self.engine = engine
        self.heard = 0

    def hear(self, samples: Floats) -> None:
        self.engine.threads.add(threading.get_ident())
        self.heard += len(samples)

    def guess(self) -> Guess:
        return Guess(f"{self.heard} so far", "", "en", 0.5)

    def settle(self) -> Transcript:
        if self.engine.gate is not None:
            assert self.engine.gate.wait(60)
        if self.engine.breaks:
            raise RecognitionFailed("the decoder broke")
        self.engine.settles += 1
        words = (Spoken(str(self.heard), 0, self.heard, 0.9),)
        return Transcript(str(self.heard), words, "en", 0.9, self.engine.name, self.heard / SECOND, True, "grammar")


class Shelf:
    def __init__(self, *models: InstalledModel) -> None:
        self.models = list(models)

    def installed(self, role: str) -> Sequence[InstalledModel]:
        return self.models if role == "stt" else []


def whisper(name: str) -> InstalledModel:
    return InstalledModel("stt", name, "faster-whisper", Path("/nowhere") / name, (), ())


def service(
    engine: Engine | None = None,
    shelf: Shelf | None = None,
    more: Mapping[str, MakeEngine] | None = None,
    **settings: object,
) -> SttService:
    """Waits a minute for sound that does not come, so that a machine that does other work changes nothing."""
    made = engine or Counter()
    engines: dict[str, MakeEngine] = {"pocketsphinx": lambda _settings, _model: made, **(more or {})}
    return SttService(
        SttSettings.model_validate({"audio_wait_ms": 60_000, **settings}), shelf or Shelf(), engines=engines
    )


async def sound(bench: Bench, first: int, until: int) -> None:
    """Capture silence from `first` to `until`, and let the service take it."""
    for at in range(first, until, FRAME):
        samples = np.zeros(min(FRAME, until - at), np.float32)
        bench.publish(AudioCaptured, first_sample=at, rate=CAPTURE_RATE, pcm=pcm16(samples))
    while any(entry.queued for entry in bench.bus.stats() if entry.name.startswith("stt")):
        await asyncio.sleep(0)


def start(bench: Bench, from_sample: int = 0, language: str = "en", utterance: str = "u1") -> None:
    bench.publish(SttStart, utterance=utterance, from_sample=from_sample, language=language, turn=1)


def pause(bench: Bench, at: int) -> None:
    bench.publish(SpeechEnded, start_sample=0, sample=at, noticed_sample=at + 2560)


async def finish(bench: Bench, until: int, utterance: str = "u1") -> SttFinal:
    reply = await bench.bus.request(bench.event(SttFinish, utterance=utterance, until_sample=until, turn=1), 60)
    assert isinstance(reply, SttFinal), reply
    return reply


async def test_exactly_the_sound_of_the_utterance_is_heard() -> None:
    async with running(service()) as bench:
        await sound(bench, 0, 3 * SECOND)
        start(bench, from_sample=SECOND // 2)
        final = await finish(bench, 2 * SECOND)
    assert final.text == str(2 * SECOND - SECOND // 2)
    assert (final.start_sample, final.until_sample) == (SECOND // 2, 2 * SECOND)
    assert (final.words[0].start_sample, final.words[0].until_sample) == (SECOND // 2, 2 * SECOND)
    assert (final.turn, final.trusted, final.mode) == (1, True, "grammar")


async def test_a_finish_that_comes_before_its_sound_waits_for_it() -> None:
    async with running(service()) as bench:
        start(bench)
        asked = bench.publish(SttFinish, utterance="u1", until_sample=2 * SECOND, turn=1)
        await sound(bench, 0, 3 * SECOND)
        final = await bench.next(SttFinal)
    assert (final.text, final.cause) == (str(2 * SECOND), asked.id)


async def test_a_pause_is_settled_ahead_and_the_finish_needs_no_more_work() -> None:
    engine = Counter()
    async with running(service(engine)) as bench:
        start(bench)
        await sound(bench, 0, SECOND + 2560)
        pause(bench, SECOND)
        settled = await bench.next(SttPartial)
        while not settled.text.isdigit():
            settled = await bench.next(SttPartial)
        final = await finish(bench, SECOND + SECOND // 2)
    assert settled.text == final.text == str(SECOND + 2560)
    assert engine.settles == 1
    assert settled.complete


async def test_only_a_pause_makes_a_sentence_complete() -> None:
    """What is guessed while the person speaks is never called whole."""
    async with running(service(partial_ms=100)) as bench:
        start(bench)
        await sound(bench, 0, SECOND)
        assert not (await bench.next(SttPartial)).complete


async def test_speech_that_goes_on_after_a_pause_is_heard_too() -> None:
    engine = Counter()
    async with running(service(engine)) as bench:
        start(bench)
        await sound(bench, 0, 2 * SECOND)
        pause(bench, SECOND)
        while not (await bench.next(SttPartial)).text.isdigit():
            continue
        bench.publish(SpeechStarted, sample=SECOND + 8000, noticed_sample=SECOND + 9000, probability=0.9)
        await sound(bench, 2 * SECOND, 3 * SECOND)
        final = await finish(bench, 3 * SECOND)
    assert final.text == str(3 * SECOND)


async def test_partial_texts_come_while_the_person_speaks() -> None:
    async with running(service(partial_ms=100)) as bench:
        start(bench)
        seen: list[SttPartial] = []
        for second in range(3):
            await sound(bench, second * SECOND, (second + 1) * SECOND)
            seen.append(await bench.next(SttPartial))
    heard = [int(p.text.split()[0]) for p in seen]
    assert heard == sorted(heard)
    assert all(p.until_sample == n for p, n in zip(seen, heard, strict=True))


async def test_a_cancelled_utterance_says_nothing_more() -> None:
    async with running(service()) as bench:
        start(bench)
        bench.publish(SttCancel, utterance="u1")
        await sound(bench, 0, SECOND)
        start(bench, utterance="u2")
        await finish(bench, SECOND, "u2")
        named = {
            e.utterance for e in bench.bus.replay(None, SttPartial, SttFinal) if isinstance(e, SttPartial | SttFinal)
        }
    assert named == {"u2"}


async def test_a_finish_nobody_started_is_answered() -> None:
    async with running(service()) as bench:
        bench.publish(SttFinish, utterance="lost", until_sample=100)
        failed = await bench.next(SttFailed)
    assert "say it again" in failed.reason


async def test_sound_that_never_comes_does_not_keep_the_answer() -> None:
    async with running(service(audio_wait_ms=100)) as bench:
        start(bench)
        await sound(bench, 0, SECOND)
        assert (await finish(bench, 60 * SECOND)).text == str(SECOND)


async def test_a_jump_of_the_capture_clock_does_not_keep_the_answer() -> None:
    async with running(service(audio_wait_ms=100)) as bench:
        start(bench)
        await sound(bench, 0, SECOND)
        await sound(bench, 3600 * SECOND, 3601 * SECOND)
        assert (await finish(bench, 3601 * SECOND)).until_sample == 3601 * SECOND


async def test_another_language_gets_no_text_and_the_reason_names_the_remedy() -> None:
    async with running(service()) as bench:
        await sound(bench, 0, SECOND)
        start(bench, language="fr")
        degraded = await bench.next(ServiceDegraded)
        final = await finish(bench, SECOND)
    assert "fr" in degraded.reason
    assert "sotto models pull" in degraded.reason
    assert (final.text, final.trusted) == ("", False)


async def test_an_engine_that_breaks_fails_the_utterance_and_the_next_one_works() -> None:
    engine = Counter(breaks=True)
    async with running(service(engine)) as bench:
        await sound(bench, 0, SECOND)
        start(bench)
        bench.publish(SttFinish, utterance="u1", until_sample=SECOND)
        assert "broke" in (await bench.next(SttFailed)).reason
        engine.breaks = False
        start(bench, utterance="u2")
        assert (await finish(bench, SECOND, "u2")).text


async def test_the_engine_is_used_from_one_thread_that_is_not_the_loops() -> None:
    engine = Counter()
    async with running(service(engine)) as bench:
        for name in ("u1", "u2", "u3"):
            await sound(bench, 0, SECOND)
            start(bench, utterance=name)
            await finish(bench, SECOND, name)
    assert len(engine.threads) == 1
    assert threading.get_ident() not in engine.threads


async def test_a_pulled_model_takes_over_with_the_next_utterance() -> None:
    shelf = Shelf()
    old, new = Counter(), Counter("faster-whisper", "small-en", ())
    more: dict[str, MakeEngine] = {"faster-whisper": lambda _settings, _model: new}
    async with running(service(old, shelf, more)) as bench:
        bench.publish(SkillsRegistered, sentences={"en": {"intents": {}}}, tools=())
        await sound(bench, 0, SECOND)
        start(bench)
        await sound(bench, SECOND, 2 * SECOND)
        await bench.next(SttPartial)
        shelf.models.append(whisper("small-en"))
        bench.publish(ModelPulled, role="stt", name="small-en", engine="faster-whisper", path="/nowhere")
        loaded = await bench.next(ModelLoaded)
        assert (loaded.name, loaded.engine) == ("small-en", "faster-whisper")
        assert (await finish(bench, SECOND)).engine == "pocketsphinx", (
            "the utterance ends with the engine it began with"
        )
        start(bench, utterance="u2")
        assert (await finish(bench, SECOND, "u2")).engine == "faster-whisper"
    assert new.learnt == [{"en": {"intents": {}}}]


async def test_what_is_known_beforehand_is_learnt_until_skills_tell() -> None:
    """Dictation has no skills, and hears their sentences all the same."""
    engine = Counter()
    known: Sentences = {"en": {"intents": {}}}
    told: Sentences = {"en": {"intents": {"Stop": {}}}}
    serving = SttService(SttSettings(), Shelf(), engines={"pocketsphinx": lambda *_: engine}, known=lambda: known)
    async with running(serving) as bench:
        assert engine.learnt == [known]
        bench.publish(SkillsRegistered, sentences=told, tools=())
        await sound(bench, 0, SECOND)
        while len(engine.learnt) < 2:
            await asyncio.sleep(0)
    assert engine.learnt == [known, told]


async def test_a_model_that_cannot_be_used_is_named_and_the_built_in_engine_listens() -> None:
    def broken(_settings: SttSettings, model: InstalledModel | None) -> Engine:
        assert model is not None
        raise EngineUnusable(f"The speech model {model.name} cannot be used: truncated.", remedy="Pull it again.")

    serving = service(shelf=Shelf(whisper("small-en")), more={"faster-whisper": broken})
    async with running(serving, wait_ready=False) as bench:
        assert "truncated" in (await bench.next(ModelFailed)).message
        degraded = await bench.next(ServiceDegraded)
        assert "small-en" in degraded.reason
        assert "Pull it again" in degraded.reason
        await sound(bench, 0, SECOND)
        start(bench)
        assert (await finish(bench, SECOND)).engine == "pocketsphinx"


async def test_a_request_for_a_model_is_answered_and_sticks_to_what_is_installed() -> None:
    makes: dict[str, MakeEngine] = {
        "faster-whisper": lambda _settings, model: Counter("faster-whisper", model.name if model else "", ())
    }
    shelf = Shelf(whisper("small"), whisper("base"))
    async with running(service(shelf=shelf, more=makes)) as bench:
        reply = await bench.bus.request(bench.event(ModelLoad, role="stt", name="base", engine="faster-whisper"), 60)
        assert isinstance(reply, ModelLoaded)
        assert reply.name == "base"
        again = await bench.bus.request(bench.event(ModelLoad, role="stt", name="pocketsphinx", engine=""), 60)
        assert isinstance(again, ModelLoaded)
        assert again.engine == "pocketsphinx"


async def test_with_no_engine_at_all_it_says_so_and_fails_each_utterance() -> None:
    serving = SttService(SttSettings(), Shelf(), engines={})
    async with running(serving, wait_ready=False) as bench:
        assert "cannot be recognised" in (await bench.next(ServiceDegraded)).reason
        start(bench)
        bench.publish(SttFinish, utterance="u1", until_sample=100)
        assert "sotto models pull" in (await bench.next(SttFailed)).reason


async def test_only_its_own_session_is_heard() -> None:
    async with running(service(audio_wait_ms=100)) as bench:
        start(bench)
        bench.publish(AudioCaptured, session="other", first_sample=0, rate=CAPTURE_RATE, pcm=bytes(640))
        assert (await finish(bench, SECOND)).text == "0"


async def test_it_is_ready_once_an_engine_listens() -> None:
    async with running(service()) as bench:
        assert bench.log[-1].kind == ServiceReady.kind
        assert any(isinstance(e, ModelLoaded) for e in bench.log)


def test_a_setting_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="modle"):
        SttSettings.model_validate({"modle": "base"})


async def test_who_listens_for_anyone_hears_one_conversation_at_a_time() -> None:
    """That of another process; a second one is told why, and heard once the first is still."""
    clock = ManualClock()
    serving = SttService(SttSettings(), Shelf(), engines={"pocketsphinx": lambda *_: Counter()}, anyone=True)
    async with running(serving, clock=clock) as bench:

        def frames(session: str) -> None:
            for first in range(0, SECOND, FRAME):
                bench.publish(
                    AudioCaptured, session=session, first_sample=first, rate=CAPTURE_RATE, pcm=bytes(2 * FRAME)
                )

        def begin(session: str) -> None:
            bench.publish(SttStart, session=session, utterance="u1", from_sample=0, language="en", turn=1)

        def end(session: str) -> None:
            bench.publish(SttFinish, session=session, utterance="u1", until_sample=SECOND, turn=1)

        frames("kitchen")
        begin("kitchen")
        begin("hall")
        end("hall")
        refused = await bench.next(SttFailed)
        assert refused.session == "hall"
        assert "another conversation" in refused.reason
        end("kitchen")
        assert ((final := await bench.next(SttFinal)).session, final.text) == ("kitchen", str(SECOND))
        clock.advance(3_000_000_000)
        begin("hall")
        frames("hall")
        end("hall")
        assert ((final := await bench.next(SttFinal)).session, final.text) == ("hall", str(SECOND))
