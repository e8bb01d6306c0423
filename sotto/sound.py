"""Speech to text and text to speech, from a script; like `generate`, asked of the Sotto that runs or done here.

import sotto

print(sotto.transcribe("meeting.wav").text)
sotto.speak("Dinner is ready.", "dinner.wav")
"""

from __future__ import annotations

import asyncio
import contextlib
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from shared.errors import SottoError
from sotto.background import background
from sotto.errors import InvalidRequest, SpeechFailed, handled

if TYPE_CHECKING:
    from shared.pcm import Floats
    from sotto.door import Door

__all__ = ["Speech", "Transcript", "Word", "speak", "speaking", "transcribe", "transcribing"]

Errors = Literal["raise", "none"]


@dataclass(frozen=True, slots=True)
class Word:
    """A word, and when it sounds, in seconds."""

    text: str
    start: float
    end: float
    confidence: float
    """0 to 1."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said."""

    text: str
    words: tuple[Word, ...]
    language: str
    """ISO 639-1; empty when nothing tells."""
    confidence: float
    """0 to 1."""
    engine: str
    seconds: float
    """Length of the sound."""


@dataclass(frozen=True, slots=True)
class Speech:
    """A spoken text."""

    pcm: bytes
    """Mono, 16 bits signed, little-endian."""
    rate: int
    """Samples per second."""
    words: tuple[Word, ...]
    engine: str


@overload
def transcribe(sound: str | Path | Floats, *, errors: Literal["raise"] = "raise") -> Transcript: ...
@overload
def transcribe(sound: str | Path | Floats, *, errors: Literal["none"]) -> Transcript | None: ...
def transcribe(sound: str | Path | Floats, *, errors: Errors = "raise") -> Transcript | None:
    """Return what is said in a WAV, FLAC, OGG or MP3 file, or in samples at 16 kHz.

    Raises SpeechFailed, and InvalidRequest for what is no sound.
    """
    with handled(errors):
        return background().run(transcribing(background().door, sound))
    return None


@overload
def speak(text: str, path: str | Path | None = None, *, errors: Literal["raise"] = "raise") -> Speech: ...
@overload
def speak(text: str, path: str | Path | None = None, *, errors: Literal["none"]) -> Speech | None: ...
def speak(text: str, path: str | Path | None = None, *, errors: Errors = "raise") -> Speech | None:
    """Return a text as sound, and write it into a WAV file where one is named.

    Raises SpeechFailed, and InvalidRequest for what is no text.
    """
    with handled(errors):
        return background().run(speaking(background().door, text, path))
    return None


async def transcribing(door: Door, sound: str | Path | Floats) -> Transcript:
    """Do what `transcribe` promises, on the background's event loop."""
    options: dict[str, Any] = {}
    payload = b""
    if isinstance(sound, str | Path):
        options["path"] = _absolute(sound)
    else:
        payload = _samples(sound)
    heard, _ = await _called(door, "transcribe", payload, options)
    return Transcript(**{**heard, "words": _words(heard["words"])})


async def speaking(door: Door, text: str, path: str | Path | None) -> Speech:
    """Do what `speak` promises, on the background's event loop."""
    if not isinstance(text, str):
        raise InvalidRequest("What is to be spoken is no text.", remedy='Give words, as in "Good morning.".')
    if not isinstance(path, str | Path | None):
        raise InvalidRequest("The path is no path.", remedy='Name a file, as in "morning.wav".')
    said, pcm = await _called(door, "speak", b"", {"text": text})
    speech = Speech(pcm, said["rate"], _words(said["words"]), said["engine"])
    if path is not None:
        await asyncio.to_thread(_write, path, speech)
    return speech


async def _called(door: Door, name: str, payload: bytes, options: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    try:
        return await door.call(name, payload, options)
    except SottoError as error:
        raise SpeechFailed(error.message, remedy=error.remedy) from error


def _samples(sound: Floats) -> bytes:
    import numpy as np

    with contextlib.suppress(TypeError, ValueError):
        samples = np.asarray(sound, dtype=np.float32)
        if samples.ndim == 1:
            return samples.tobytes()
    raise InvalidRequest("This is no sound.", remedy="Name a file, or give one row of samples at 16 kHz.")


def _words(rows: list[tuple[str, float, float, float]]) -> tuple[Word, ...]:
    return tuple(Word(*row) for row in rows)


def _absolute(path: str | Path) -> str:
    """Who answers may be in another folder."""
    return str(Path(path).expanduser().absolute())


def _write(path: str | Path, speech: Speech) -> None:
    try:
        with Path(_absolute(path)).open("wb") as raw, wave.open(raw, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(speech.rate)
            file.writeframes(speech.pcm)
    except OSError as error:
        raise SpeechFailed(f"{path} cannot be written: {error.strerror}.", remedy="Name another file.") from error
