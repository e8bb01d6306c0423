"""Speech as a whole: text in, all samples and word marks out, for files rather than for conversations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from services.tts.engines import make_espeak, make_piper
from services.tts.marks import Marker
from services.tts.port import Delivery, Engine, SpokenWord, TtsError
from services.tts.roster import MakeVoice
from services.tts.settings import TtsSettings
from services.tts.speakable import speakable
from services.tts.voices import Voices, is_espeak_voice
from shared.events import WordMark
from shared.installed import Shelf
from shared.logs import get_logger

__all__ = ["Speech", "open_engine", "synthesise"]

_log = get_logger("tts")


@dataclass(frozen=True, slots=True)
class Speech:
    """A spoken text."""

    pcm: bytes
    """Mono s16le."""
    rate: int
    """Samples per second."""
    marks: tuple[WordMark, ...]
    """One for each written word that was spoken, in order, with offsets in the text as it was given."""
    engine: str
    model: str


def open_engine(
    settings: TtsSettings,
    shelf: Shelf,
    *,
    built_in: Callable[[], Engine] = make_espeak,
    make_voice: MakeVoice = make_piper,
) -> tuple[Engine, Delivery]:
    """Load the engine that the settings ask for, and say how it should speak; blocks for up to a second.

    With `auto`, espeak-ng speaks instead of a voice that cannot be used, and the log says why. Raises TtsError when
    what was asked for by name is not there or cannot be used.
    """
    voices = Voices(settings, shelf)
    voices.require()
    delivery = Delivery(settings.language, rate=settings.rate, volume=settings.volume)
    best = voices.best(settings.language, settings.voice)
    if best is not None:
        try:
            return make_voice(best, settings), delivery
        except TtsError as error:
            if settings.engine == "piper" or settings.voice == best.name:
                raise
            _log.warning("the voice cannot be used", voice=best.name, error=str(error))
    voice = settings.voice if is_espeak_voice(settings.voice) else ""
    return built_in(), replace(delivery, voice=voice)


def synthesise(engine: Engine, text: str, delivery: Delivery) -> Speech:
    """Speak `text` (written form) with `engine`, as long as that takes. Raises TtsError."""
    words = speakable(text, delivery.language)
    whole = _Whole()
    engine.speak(words.text, delivery, whole)
    marker = Marker(words)
    marks = marker.spoken(whole.words) + marker.rest()
    return Speech(bytes(whole.pcm), engine.rate, marks, engine.name, engine.model)


@dataclass(slots=True)
class _Whole:
    """An `Out` that keeps everything and never stops anybody."""

    pcm: bytearray = field(default_factory=bytearray)
    words: list[SpokenWord] = field(default_factory=list)

    @property
    def stopped(self) -> bool:
        return False

    def write(self, pcm: bytes, words: tuple[SpokenWord, ...] = ()) -> None:
        self.pcm += pcm
        self.words += words

    def when_stopped(self, callback: Callable[[], None]) -> None:
        """It never is."""
