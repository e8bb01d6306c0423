"""What the listener noticed, at which sample. It reports; dialogue decides what it means."""

from __future__ import annotations

from typing import ClassVar

from shared.events.base import Event

__all__ = ["SpeechEnded", "SpeechStarted", "WakeDetected"]


class WakeDetected(Event):
    """A wake word was heard."""

    kind: ClassVar[str] = "wake.detected"
    phrase: str
    """Name of the model, as `hey_jarvis`."""
    sample: int
    """Capture position of the word's end."""
    score: float
    """0 to 1."""


class SpeechStarted(Event):
    """A person began to speak."""

    kind: ClassVar[str] = "speech.started"
    sample: int
    """Capture position of the first voiced sample."""
    noticed_sample: int
    """Capture position that had been heard when it was noticed."""
    probability: float
    """Voice probability, 0 to 1."""


class SpeechEnded(Event):
    """Voice turned to silence; a pause or the end, dialogue decides."""

    kind: ClassVar[str] = "speech.ended"
    start_sample: int
    """Capture position of the first voiced sample."""
    sample: int
    """Capture position just past the last voiced sample."""
    noticed_sample: int
    """Capture position that had been heard when it was noticed."""
