"""Text to speech: a clause to speak, its samples with word marks."""

from __future__ import annotations

from typing import ClassVar

from shared.events.base import Event, Part

__all__ = ["TtsAudio", "TtsFailed", "TtsFinished", "TtsRequest", "WordMark"]


class WordMark(Part):
    """A written word of the clause and the samples in which it is spoken.

    A written form of several spoken words ("€12.50") is one mark that ends with its last spoken word.
    """

    start: int
    """Offset in the clause's text of the written word's first character."""
    end: int
    """Offset just past its last character."""
    first_sample: int
    until_sample: int
    """Just past the word's last sample, counted from the clause's first."""


class TtsRequest(Event):
    """Request: speak one clause of a reply. Clauses of a reply are spoken in the order of their index."""

    kind: ClassVar[str] = "tts.request"
    fenced: ClassVar[bool] = True
    replies: ClassVar[tuple[str, ...]] = ("tts.finished", "tts.failed")
    reply: str
    clause: int
    """From 0, without gaps."""
    text: str
    """Written form, as the model or the skill gave it."""
    language: str
    voice: str
    """Empty for the configured one."""
    last: bool
    """No clause follows in this reply."""


class TtsAudio(Event):
    """Samples of a clause, mono s16le, in order."""

    kind: ClassVar[str] = "tts.audio"
    fenced: ClassVar[bool] = True
    payload: ClassVar[str | None] = "pcm"
    reply: str
    clause: int
    first_sample: int
    """Position of the first sample within the clause."""
    rate: int
    marks: tuple[WordMark, ...]
    """Words whose last sample is in this piece, or in an earlier one."""
    last: bool
    """The clause's last piece (it may hold no samples)."""
    pcm: bytes


class TtsFinished(Event):
    """A clause was synthesised whole."""

    kind: ClassVar[str] = "tts.finished"
    reply: str
    clause: int
    samples: int
    rate: int
    engine: str
    synthesis_ns: int


class TtsFailed(Event):
    """A clause could not be spoken."""

    kind: ClassVar[str] = "tts.failed"
    reply: str
    clause: int
    engine: str
    reason: str
