"""What recognition understood: words with times, a guess while the person speaks, a transcript at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Guess", "Mode", "Spoken", "Transcript"]

Mode = Literal["grammar", "dictation"]


@dataclass(frozen=True, slots=True)
class Spoken:
    """A word, in samples at 16 kHz from the first sample of the utterance."""

    text: str
    start: int
    until: int
    """Just past its last sample."""
    confidence: float
    """0 to 1."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What was understood so far."""

    text: str
    stable: str
    """A prefix of `text` that is only ever appended to within an utterance."""
    language: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Transcript:
    """The text of an utterance, or of a whole recording. Empty text: nothing was understood."""

    text: str
    words: tuple[Spoken, ...]
    language: str
    """ISO 639-1; empty when nothing tells."""
    confidence: float
    """0 to 1: how likely the text is what was said."""
    engine: str
    seconds: float
    """Length of the sound."""
    trusted: bool = False
    """The engine's own judgement that `confidence` is enough to act on."""
    mode: Mode = "dictation"
    """`grammar`: one of the sentences that skills know."""
    others: tuple[str, ...] = ()
    """Texts that the sound may just as well be; then this one is likelier, and not trusted."""

    @property
    def complete(self) -> bool:
        """Whether it is a whole sentence that skills know, whatever number in it is in doubt."""
        return self.mode == "grammar" and (self.trusted or bool(self.others))
