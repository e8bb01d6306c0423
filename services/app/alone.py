"""Engines alone, without a bus: what a command or a script asks of them, and who opens them. All of it blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from services.app.models import shelf
from services.audio import DeviceInfo, list_devices
from services.audio.engines.soundfiles import read_sound
from services.audio.opening import check as check_sound
from services.llm.engines.llama import LlamaEngine, Vocabulary
from services.llm.in_use import ModelInUse
from services.local.calls import Call, calls
from services.settings import Settings
from services.skills.sentences import load as sentences
from services.stt import Sentences, Transcript
from services.stt.transcribe import open_engine as open_recogniser
from services.stt.transcribe import transcribe
from services.tts import Speech, open_engine, synthesise
from shared.pcm import Floats

__all__ = [
    "calling",
    "check_sound",
    "devices",
    "offloads",
    "published",
    "speech",
    "transcriber",
    "vocabulary",
]


def offloads() -> bool:
    """Whether the language model's engine was built for a GPU and finds one. Raises EngineMissing."""
    return LlamaEngine().offloads()


def vocabulary(settings: Settings) -> tuple[str, Vocabulary]:
    """Return the name and the tokens of the language model that would be used; it blocks.

    Raises NoLanguageModel, EngineMissing or ModelUnusable.
    """
    model = ModelInUse(settings.llm, shelf(settings), LlamaEngine()).best()
    return model.name, Vocabulary(model)


def speech(settings: Settings) -> Callable[[str], Speech]:
    """Return what turns a written text into samples with the engine that the settings choose; it blocks.

    Raises TtsError when the engine or its voice cannot be used.
    """
    speaker, delivery = open_engine(settings.tts, shelf(settings))
    return lambda text: synthesise(speaker, text, delivery)


def transcriber(settings: Settings) -> Callable[[Path | Floats], Transcript]:
    """Return what turns a sound file, or samples at 16 kHz, into text with the engine of the settings; it blocks.

    Raises EngineUnusable; what is returned raises UnreadableSound.
    """
    engine = open_recogniser(settings.stt, shelf(settings))
    engine.learn(published(settings))
    return lambda sound: transcribe(engine, read_sound(sound) if isinstance(sound, Path) else sound)


def calling(settings: Settings) -> Mapping[str, Call]:
    """Return the calls by which sound becomes text and text sound, to be made on one thread."""
    return calls(lambda: transcriber(settings), lambda: speech(settings))


def published(settings: Settings) -> Sentences:
    """What skills listen for, without the skills."""
    return {language: sentences(language).published for language in settings.skills.languages}


def devices() -> tuple[DeviceInfo, ...]:
    """Return the sound devices of this machine. Raises NoSoundSystem."""
    return list_devices()
