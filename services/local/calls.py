"""Calls: what is done for other programs besides answering events. Engines are loaded at the first call and kept."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
from pydantic import JsonValue

from shared.errors import SottoError
from shared.pcm import CAPTURE_RATE, Floats

__all__ = ["Call", "CallUnusable", "Sound", "Spoken", "Written", "calls"]

Call: TypeAlias = Callable[[dict[str, JsonValue], bytes], tuple[dict[str, JsonValue], bytes]]
"""Answers a call: options and bytes in, result and bytes out. It may block, and raises SottoError."""

Sound: TypeAlias = Path | Floats
"""A file, or samples at 16 kHz."""


class CallUnusable(SottoError):
    """A call lacks what it needs."""


class Word(Protocol):
    """A word that was understood."""

    @property
    def text(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def until(self) -> int: ...
    @property
    def confidence(self) -> float: ...


class Written(Protocol):
    """What was understood."""

    @property
    def text(self) -> str: ...
    @property
    def words(self) -> tuple[Word, ...]: ...
    @property
    def language(self) -> str: ...
    @property
    def confidence(self) -> float: ...
    @property
    def engine(self) -> str: ...
    @property
    def seconds(self) -> float: ...


class Mark(Protocol):
    """Where a word of a text sounds."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def first_sample(self) -> int: ...
    @property
    def until_sample(self) -> int: ...


class Spoken(Protocol):
    """A text as sound."""

    @property
    def pcm(self) -> bytes: ...
    @property
    def rate(self) -> int: ...
    @property
    def marks(self) -> tuple[Mark, ...]: ...
    @property
    def engine(self) -> str: ...


def calls(
    transcriber: Callable[[], Callable[[Sound], Written]], speech: Callable[[], Callable[[str], Spoken]]
) -> Mapping[str, Call]:
    """Return the calls `transcribe` and `speak`; all on one thread."""
    transcribing, speaking = functools.cache(transcriber), functools.cache(speech)

    def transcribe(options: dict[str, JsonValue], payload: bytes) -> tuple[dict[str, JsonValue], bytes]:
        path = options.get("path")
        if not payload and not isinstance(path, str):
            raise CallUnusable("There is no sound to write down.", remedy="Give a path, or samples.")
        heard = transcribing()(np.frombuffer(payload, dtype=np.float32) if payload else Path(str(path)))
        return _written(heard), b""

    def speak(options: dict[str, JsonValue], _payload: bytes) -> tuple[dict[str, JsonValue], bytes]:
        text = options.get("text")
        if not isinstance(text, str):
            raise CallUnusable("There is nothing to speak.", remedy="Give a text.")
        return _spoken(speaking()(text), text)

    return {"transcribe": transcribe, "speak": speak}


def _written(heard: Written) -> dict[str, JsonValue]:
    return {
        "text": heard.text,
        "words": [[w.text, w.start / CAPTURE_RATE, w.until / CAPTURE_RATE, w.confidence] for w in heard.words],
        "language": heard.language,
        "confidence": heard.confidence,
        "engine": heard.engine,
        "seconds": heard.seconds,
    }


def _spoken(said: Spoken, text: str) -> tuple[dict[str, JsonValue], bytes]:
    words: list[JsonValue] = [
        [text[m.start : m.end], m.first_sample / said.rate, m.until_sample / said.rate, 1.0] for m in said.marks
    ]
    return {"rate": said.rate, "words": words, "engine": said.engine}, said.pcm
