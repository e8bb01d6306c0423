"""The port of a speech engine: spoken words in, samples with word positions out.

Engines block, and are called from a thread that their owner chose; what they make goes to an `Out`, which also tells
them to stop. Text is spoken form: numbers, signs and markup were turned into words before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from shared.errors import SottoError

__all__ = ["Delivery", "Engine", "Out", "SpeechStopped", "SpokenWord", "TtsError"]


class TtsError(SottoError):
    """Something cannot be spoken."""


class SpeechStopped(Exception):
    """Nobody wants the rest: an engine lets it pass and gives its native work up."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """How to say it."""

    language: str
    """ISO 639-1, perhaps with a region: `de`, `en-GB`."""
    voice: str = ""
    """The engine's own name of a voice; empty for the language's."""
    rate: float = 1.0
    """Relative to the voice's own."""
    volume: float = 1.0
    """Factor on the samples."""


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A stretch of the spoken text, a word or several that the engine runs together, and where it sounds."""

    start: int
    """Offset in the spoken text of its first character."""
    end: int
    """Offset past its last character."""
    first_sample: int
    until_sample: int
    """Just past its last audible sample, from the start of the clause."""


class Out(Protocol):
    """Where an engine's samples go."""

    def write(self, pcm: bytes, words: tuple[SpokenWord, ...] = ()) -> None:
        """Take the next samples (mono s16le) and the words whose last sample has now been written.

        May block while the reader is behind. Raises SpeechStopped when nobody wants more.
        """
        ...

    @property
    def stopped(self) -> bool:
        """True once nobody wants more."""
        ...

    def when_stopped(self, callback: Callable[[], None]) -> None:
        """Call `callback` once, from any thread, when nobody wants more; at once if that is so already."""
        ...


class Engine(Protocol):
    """Something that speaks. Calls do not overlap; each comes from the same thread."""

    @property
    def name(self) -> str:
        """As in events: `espeak-ng`, `piper`."""
        ...

    @property
    def model(self) -> str:
        """Catalogue name of the voice, or the engine's own when it needs no files."""
        ...

    @property
    def rate(self) -> int:
        """Samples per second of what it makes."""
        ...

    def speak(self, text: str, delivery: Delivery, out: Out) -> None:
        """Write the samples of `text` to `out`, in order, as soon as they exist.

        Word stretches come in order and do not overlap. Raises SpeechStopped if `out` was stopped, TtsError if the
        text cannot be spoken.
        """
        ...
