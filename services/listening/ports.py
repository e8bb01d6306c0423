"""What listening asks of its engines: a voice probability per window, and the wake words in a piece of sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.pcm import Floats

__all__ = ["WINDOW", "Heard", "VoiceActivity", "WakeWords"]

WINDOW = 512
"""Samples per window of voice activity (32 ms at 16 kHz): the only size that Silero VAD takes at this rate."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A wake word."""

    phrase: str
    """Name of its model, as `hey_jarvis`."""
    sample: int
    """Just past the last sample that had been heard when it was noticed."""
    score: float
    """0 to 1."""


class VoiceActivity(Protocol):
    """Says how likely a window holds a voice. Keeps state: windows come in order, without gaps."""

    @property
    def name(self) -> str:
        """The model's name."""
        ...

    def probability(self, window: Floats) -> float:
        """Return 0 to 1 for the next `WINDOW` samples at 16 kHz, shape (WINDOW,)."""
        ...

    def reset(self) -> None:
        """Forget what was heard: the next window follows a gap."""
        ...


class WakeWords(Protocol):
    """Spots several phrases at once. Keeps state: pieces come in order, without gaps."""

    @property
    def name(self) -> str:
        """The models' names."""
        ...

    def hear(self, pcm: bytes, first_sample: int) -> Sequence[Heard]:
        """Return the wake words noticed in the next piece of mono s16le at 16 kHz."""
        ...

    def reset(self) -> None:
        """Forget what was heard: the next piece follows a gap."""
        ...
