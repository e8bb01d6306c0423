"""Speech for files: the settings choose the engine, the whole text comes back with its words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services.tts import Delivery, TtsError, TtsSettings, open_engine, synthesise
from shared.installed import InstalledModel

AnyShelf = Any
"""The conftest's FakeShelf."""
VoiceFiles = Callable[..., InstalledModel]


def test_a_text_of_several_sentences_is_spoken_whole(shelf: AnyShelf) -> None:
    """Marks are of the text as it was written."""
    text = "At 17:30 it costs **€12.50**. See https://example.com!"
    engine, delivery = open_engine(TtsSettings(), shelf)
    speech = synthesise(engine, text, delivery)
    assert [text[m.start : m.end] for m in speech.marks] == [
        "At",
        "17:30",
        "it",
        "costs",
        "€12.50",
        "See",
        "https://example.com",
    ]
    assert (speech.engine, speech.model, speech.rate) == ("espeak-ng", "espeak-ng", 22050)
    assert len(speech.pcm) > speech.rate * 2


def test_settings_say_how_it_is_delivered(shelf: AnyShelf) -> None:
    """Language, voice, rate and volume."""
    settings = TtsSettings(language="de", voice="de+f3", rate=1.2, volume=0.5)
    assert open_engine(settings, shelf)[1] == Delivery("de", voice="de+f3", rate=1.2, volume=0.5)


def test_a_pulled_voice_is_taken(shelf: AnyShelf, voice_files: VoiceFiles) -> None:
    """As in a conversation."""
    shelf.models.append(voice_files())
    engine, delivery = open_engine(TtsSettings(), shelf)
    assert (engine.name, synthesise(engine, "hello", delivery).rate) == ("piper", 16_000)
    assert open_engine(TtsSettings(engine="espeak-ng"), shelf)[0].name == "espeak-ng"
    assert open_engine(TtsSettings(language="fr"), shelf)[0].name == "espeak-ng"


def test_a_voice_that_cannot_be_used_is_an_error_only_when_it_was_asked_for(
    shelf: AnyShelf, voice_files: VoiceFiles
) -> None:
    """Else espeak-ng speaks."""
    model = voice_files()
    model.files[0].write_bytes(b"no network")
    shelf.models.append(model)
    assert open_engine(TtsSettings(), shelf)[0].name == "espeak-ng"
    for settings in (TtsSettings(engine="piper"), TtsSettings(voice=model.name)):
        with pytest.raises(TtsError, match="cannot be used"):
            open_engine(settings, shelf)


@pytest.mark.parametrize("settings", [TtsSettings(engine="piper"), TtsSettings(voice="en_US-none-low")])
def test_a_voice_that_is_not_there_is_named(shelf: AnyShelf, settings: TtsSettings) -> None:
    """With the command that helps."""
    with pytest.raises(TtsError, match="`sotto models"):
        open_engine(settings, shelf)
