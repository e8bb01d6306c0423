"""What speech to text asks of an engine: a listener per utterance that hears, guesses and settles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from pydantic import JsonValue

from services.stt.settings import SttSettings
from services.stt.transcript import Guess, Transcript
from shared.errors import SottoError
from shared.installed import InstalledModel
from shared.pcm import Floats

__all__ = ["Engine", "EngineUnusable", "Listener", "MakeEngine", "Sentences", "always", "no_sentences"]

Sentences = Mapping[str, Mapping[str, JsonValue]]
"""By language: an intents document in hassil's format."""


def no_sentences() -> Sentences:
    """What is known before any skill tells: nothing."""
    return {}


def always() -> bool:
    """Nobody has given it up."""
    return True


class EngineUnusable(SottoError):
    """An engine cannot be made: its library or model is missing, damaged or of the wrong kind."""


class Listener(Protocol):
    """One utterance. All calls come from one thread, one after the other; memory does not grow with its length."""

    def hear(self, samples: Floats) -> None:
        """Take the next samples at 16 kHz, shape (n,), also none."""
        ...

    def guess(self) -> Guess:
        """Return what is understood so far; `stable` is only ever appended to."""
        ...

    def settle(self) -> Transcript:
        """Return the transcript of all that was heard, as if the utterance ended here. More may be heard after it."""
        ...


class Engine(Protocol):
    """Weights and what belongs to them. All calls come from the one thread that also made it."""

    @property
    def name(self) -> str:
        """As `stt.final` names it."""
        ...

    @property
    def model(self) -> str:
        """Name of the weights."""
        ...

    @property
    def languages(self) -> tuple[str, ...]:
        """ISO 639-1 codes it understands; empty for any."""
        ...

    def learn(self, sentences: Sentences, wanted: Callable[[], bool] = always) -> None:
        """Take the sentences that skills know; slow, and left undone as soon as it is not `wanted` any more."""
        ...

    def warm(self) -> None:
        """Load what only some utterances need; without it the first of them waits for that."""
        ...

    def listen(self, language: str) -> Listener:
        """Begin an utterance; `language` is ISO 639-1 or empty to detect."""
        ...


MakeEngine = Callable[[SttSettings, InstalledModel | None], Engine]
"""Makes an engine, slowly, on its thread; raises EngineUnusable. The model is None for a built-in engine."""
