"""A pulled voice takes over between replies; one that cannot be used is told, and espeak-ng goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from services.testing import Bench, running
from services.tts import TtsService, TtsSettings
from services.tts.engines import make_piper
from services.tts.port import Delivery, Engine, Out, TtsError
from services.tts.voices import is_espeak_voice
from shared.events import (
    ModelFailed,
    ModelLoad,
    ModelLoaded,
    ModelPulled,
    ModelUnloaded,
    ServiceDegraded,
    ServiceReady,
    TtsAudio,
    TtsFailed,
    TtsFinished,
    TtsRequest,
)
from shared.installed import InstalledModel

AnyShelf = Any
"""The conftest's FakeShelf."""
VoiceFiles = Callable[..., InstalledModel]
VOICE = "en_US-test-low"
LONG = "rhododendrons, magnolias and chrysanthemums and more of them"


async def engine_of(
    bench: Bench,
    reply: str,
    clause: int = 0,
    *,
    language: str = "en",
    voice: str = "",
    turn: int = 1,
    session: str = "test",
) -> str:
    """Speak a clause; returns the engine that did."""
    bench.publish(
        TtsRequest,
        session=session,
        turn=turn,
        reply=reply,
        clause=clause,
        text="hello there",
        language=language,
        voice=voice,
        last=False,
    )
    return (await bench.next(TtsFinished)).engine


def pulled(bench: Bench, model: InstalledModel) -> None:
    bench.publish(ModelPulled, role="tts", name=model.name, engine="piper", path=str(model.path))


async def loaded(bench: Bench, name: str) -> ModelLoaded:
    """Read on until that voice is in use, if that was not read already."""
    seen = [e for e in bench.log if isinstance(e, ModelLoaded)]
    while not seen or seen[-1].name != name:
        seen.append(await bench.next(ModelLoaded))
    return seen[-1]


async def test_a_voice_on_the_shelf_speaks_once_it_is_loaded(shelf: AnyShelf, voice_files: VoiceFiles) -> None:
    """The start does not wait for it."""
    shelf.models.append(voice_files())
    async with running(TtsService(TtsSettings(), shelf)) as bench:
        event = await loaded(bench, VOICE)
        assert (event.engine, event.load_ns > 0) == ("piper", True)
        assert await engine_of(bench, "r1") == "piper"


async def test_a_pulled_voice_takes_over_with_the_next_reply(shelf: AnyShelf, voice_files: VoiceFiles) -> None:
    """Never in the middle of one."""
    async with running(TtsService(TtsSettings(), shelf)) as bench:
        assert await engine_of(bench, "r1", 0) == "espeak-ng"
        shelf.models.append(voice_files())
        pulled(bench, shelf.models[0])
        await loaded(bench, VOICE)
        assert await engine_of(bench, "r1", 1) == "espeak-ng"
        assert await engine_of(bench, "r2", 0) == "piper"
        assert await engine_of(bench, "r1", 2) == "espeak-ng"


async def test_a_language_without_a_voice_is_spoken_by_espeak(shelf: AnyShelf, voice_files: VoiceFiles) -> None:
    """And a voice of it is loaded at the first clause, for the reply after."""
    german = voice_files("de_DE-test-low", languages=("de",), espeak_voice="de")
    shelf.models += [voice_files(), german]
    async with running(TtsService(TtsSettings(), shelf)) as bench:
        await loaded(bench, VOICE)
        assert await engine_of(bench, "r1", language="fr") == "espeak-ng"
        assert await engine_of(bench, "r2", language="de-AT") == "espeak-ng"
        await loaded(bench, german.name)
        assert await engine_of(bench, "r3", language="de-AT") == "piper"
        assert await engine_of(bench, "r4", language="en") == "piper"


async def test_conversations_that_want_a_voice_at_the_same_time_load_it_once(
    shelf: AnyShelf, voice_files: VoiceFiles
) -> None:
    german = voice_files("de_DE-test-low", languages=("de",), espeak_voice="de")
    shelf.models.append(german)
    made: list[str] = []

    def make(model: InstalledModel, settings: TtsSettings) -> Engine:
        made.append(model.name)
        return make_piper(model, settings)

    async with running(TtsService(TtsSettings(), shelf, make_voice=make)) as bench:
        spoken = {"turn": 1, "clause": 0, "text": "eins", "language": "de", "voice": "", "last": True}
        for session in ("one", "two", "three"):
            bench.publish(TtsRequest, session=session, reply=f"r-{session}", **spoken)
        await loaded(bench, german.name)
        assert await engine_of(bench, "r1", language="de")
        assert made == [german.name]


async def test_a_corrupt_voice_is_told_and_espeak_goes_on(shelf: AnyShelf, voice_files: VoiceFiles) -> None:
    """With its name, what is wrong and what to do; pulled anew, it speaks, and all is well."""
    model = voice_files()
    whole = model.files[0].read_bytes()
    model.files[0].write_bytes(whole[: len(whole) // 2])
    shelf.models.append(model)
    async with running(TtsService(TtsSettings(), shelf)) as bench:
        failed = await bench.next(ModelFailed)
        assert (failed.name, failed.role) == (VOICE, "tts")
        reason = (await bench.next(ServiceDegraded)).reason
        assert f"{VOICE}.onnx" in reason
        assert f"`sotto models pull {VOICE}`" in reason
        assert await engine_of(bench, "r1") == "espeak-ng"
        model.files[0].write_bytes(whole)
        pulled(bench, model)
        await bench.next(ServiceReady)
        assert await engine_of(bench, "r2") == "piper"


@dataclass
class BreakingVoice:
    """A voice that fails after so many samples."""

    samples: int
    name: str = "piper"
    model: str = VOICE
    rate: int = 16_000

    def speak(self, text: str, delivery: Delivery, out: Out) -> None:
        out.write(b"\1\0" * self.samples)
        raise TtsError("The voice failed.", remedy="Pull it again.")


@pytest.mark.parametrize(("samples", "heard"), [(0, False), (16_000, True)])
async def test_a_voice_that_breaks_while_speaking_is_not_asked_again(
    shelf: AnyShelf, voice_files: VoiceFiles, samples: int, heard: bool
) -> None:
    """A clause of which nothing was heard is spoken by espeak-ng, else it fails; the next one is espeak-ng's."""
    shelf.models.append(voice_files())
    service = TtsService(TtsSettings(), shelf, make_voice=lambda *_: BreakingVoice(samples))
    async with running(service) as bench:
        await loaded(bench, VOICE)
        bench.publish(TtsRequest, turn=1, reply="r1", clause=0, text="hello", language="en", voice="", last=False)
        assert "Pull it again" in (await bench.next(ServiceDegraded)).reason
        answer = await bench.next(TtsFinished, TtsFailed)
        assert (answer.engine, isinstance(answer, TtsFailed)) == ("piper" if heard else "espeak-ng", heard)
        assert await engine_of(bench, "r1", 1) == "espeak-ng"


async def test_a_fence_ends_a_running_network_and_the_next_turn_speaks_with_the_same_voice(
    shelf: AnyShelf, voice_files: VoiceFiles
) -> None:
    """Its thread is free again although the network would have run for hours."""
    shelf.models.append(voice_files(loops=2**40))
    async with running(TtsService(TtsSettings(), shelf)) as bench:
        await loaded(bench, VOICE)
        assert await engine_of(bench, "r1", 0) == "piper"
        bench.publish(TtsRequest, turn=1, reply="r1", clause=1, text=LONG, language="en", voice="", last=True)
        assert await engine_of(bench, "r0", voice="espeak-ng", session="other") == "espeak-ng"
        bench.bus.fence("test", 2)
        assert await engine_of(bench, "r2", turn=2) == "piper"
        assert not [e for e in bench.log if isinstance(e, TtsAudio) and (e.reply, e.clause) == ("r1", 1)]


async def test_a_model_is_chosen_by_name_and_back(shelf: AnyShelf, voice_files: VoiceFiles) -> None:
    """`model.load` is answered; what nobody needs any more is let go; an unknown name tells how to get it."""
    shelf.models += [voice_files(), voice_files("en_GB-other-low")]
    async with running(TtsService(TtsSettings(), shelf)) as bench:
        await loaded(bench, VOICE)
        answer = await bench.bus.request(
            bench.event(ModelLoad, role="tts", name="en_GB-other-low", engine="piper"), timeout=10
        )
        assert isinstance(answer, ModelLoaded)
        assert (await bench.next(ModelUnloaded)).name == VOICE
        answer = await bench.bus.request(bench.event(ModelLoad, role="tts", name="espeak-ng", engine=""), timeout=10)
        assert (answer.name, await engine_of(bench, "r1")) == ("espeak-ng", "espeak-ng")
        answer = await bench.bus.request(bench.event(ModelLoad, role="tts", name="", engine=""), timeout=10)
        assert (answer.name, await engine_of(bench, "r2")) == (VOICE, "piper")
        answer = await bench.bus.request(bench.event(ModelLoad, role="tts", name="fr_FR-x-low", engine=""), timeout=10)
        assert isinstance(answer, ModelFailed)
        assert "`sotto models pull fr_FR-x-low`" in answer.message


@pytest.mark.parametrize(
    ("settings", "engine"),
    [
        (TtsSettings(), "piper"),
        (TtsSettings(engine="piper"), "piper"),
        (TtsSettings(voice=VOICE), "piper"),
        (TtsSettings(engine="espeak-ng"), "espeak-ng"),
        (TtsSettings(voice="en-gb+f3"), "espeak-ng"),
    ],
)
async def test_settings_choose_the_engine(
    shelf: AnyShelf, voice_files: VoiceFiles, settings: TtsSettings, engine: str
) -> None:
    """A voice of espeak-ng is a choice of espeak-ng."""
    shelf.models.append(voice_files())
    async with running(TtsService(settings, shelf)) as bench:
        if engine == "piper":
            await loaded(bench, VOICE)
        assert await engine_of(bench, "r1") == engine
        assert await engine_of(bench, "r2", voice="espeak-ng") == "espeak-ng"


@pytest.mark.parametrize("settings", [TtsSettings(engine="piper"), TtsSettings(voice=VOICE)])
async def test_what_the_settings_ask_for_in_vain_is_told_until_it_arrives(
    shelf: AnyShelf, voice_files: VoiceFiles, settings: TtsSettings
) -> None:
    """espeak-ng speaks meanwhile."""
    async with running(TtsService(settings, shelf)) as bench:
        assert "`sotto models" in (await bench.next(ServiceDegraded)).reason
        assert await engine_of(bench, "r1") == "espeak-ng"
        shelf.models.append(voice_files())
        pulled(bench, shelf.models[0])
        await bench.next(ServiceReady)
        assert await engine_of(bench, "r2") == "piper"


async def test_a_pulled_model_of_another_kind_changes_nothing(shelf: AnyShelf, voice_files: VoiceFiles) -> None:
    """A shelf may hold voices of engines that are not ours."""
    shelf.models.append(replace(voice_files(), engine="other"))
    async with running(TtsService(TtsSettings(), shelf)) as bench:
        pulled(bench, shelf.models[0])
        assert await engine_of(bench, "r1") == "espeak-ng"


def test_names_of_voices_tell_their_engine() -> None:
    """Piper's all begin with language and region."""
    assert [is_espeak_voice(n) for n in ("", VOICE, "espeak-ng", "en-us", "de+f2", "mb-de5")] == [
        False,
        False,
        True,
        True,
        True,
        True,
    ]
