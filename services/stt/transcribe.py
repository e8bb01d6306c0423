"""Whole recordings to text, without a bus: the batch face of the same engines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from services.stt.engines import ENGINES
from services.stt.ports import Engine, EngineUnusable, MakeEngine
from services.stt.room import Room
from services.stt.settings import SttSettings
from services.stt.transcript import Spoken, Transcript
from shared.installed import Shelf
from shared.pcm import CAPTURE_RATE, Floats

__all__ = ["open_engine", "transcribe"]

_LONGEST_PIECE_S = 25.0
"""Whisper sees 30 s at a time; Silero cuts at pauses before that."""
_PAUSE_MS = 700
_MARGIN_MS = 200


def open_engine(settings: SttSettings, shelf: Shelf, *, engines: Mapping[str, MakeEngine] = ENGINES) -> Engine:
    """Make the engine that the service would take. Blocks for as long as its weights take to load.

    Unlike the service, an engine named in the settings is not replaced by another: raises EngineUnusable.
    """
    problem = EngineUnusable(
        "No speech engine is installed.", remedy="Install the voice part: pip install 'sotto[voice]'."
    )
    for engine, model in Room(settings, shelf, engines).candidates(settings.model):
        if settings.engine not in ("auto", engine):
            continue
        try:
            return engines[engine](settings, model)
        except EngineUnusable as error:
            problem = error
    if settings.engine == "faster-whisper" and not shelf.installed("stt"):
        problem = EngineUnusable("No model for faster-whisper is installed.", remedy="Pull one: `sotto models pull`.")
    raise problem


def transcribe(engine: Engine, samples: Floats, language: str = "") -> Transcript:
    """Return the text of a recording, float32 of shape (samples,) at 16 kHz, however long.

    It is cut at pauses into pieces of 25 s at most, and each is recognised by itself; word times count from the first
    sample. NaN and infinity count as silence. Blocks; call it on the thread that made the engine.
    """
    sound = np.nan_to_num(np.asarray(samples, dtype=np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    pieces = [(first, _piece(engine, sound[first:until], language)) for first, until in _speech(sound)]
    said = [piece for _, piece in pieces if piece.text]
    words = tuple(
        Spoken(word.text, first + word.start, first + word.until, word.confidence)
        for first, piece in pieces
        for word in piece.words
    )
    return Transcript(
        " ".join(piece.text for piece in said),
        words,
        next((piece.language for piece in said), language),
        sum(word.confidence for word in words) / len(words) if words else 0.0,
        engine.name,
        len(sound) / CAPTURE_RATE,
        trusted=bool(said) and all(piece.trusted for piece in said),
        mode="grammar" if said and all(piece.mode == "grammar" for piece in said) else "dictation",
    )


def _piece(engine: Engine, sound: Floats, language: str) -> Transcript:
    listener = engine.listen(language)
    listener.hear(sound)
    return listener.settle()


def _speech(sound: Floats) -> Iterator[tuple[int, int]]:
    """Yield (first, until) of the pieces in which somebody speaks."""
    if not len(sound):
        return
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    options = VadOptions(
        max_speech_duration_s=_LONGEST_PIECE_S, min_silence_duration_ms=_PAUSE_MS, speech_pad_ms=_MARGIN_MS
    )
    for piece in get_speech_timestamps(sound, options):
        yield int(piece["start"]), int(piece["end"])
