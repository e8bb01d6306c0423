"""Speech to text: dialogue starts and finishes an utterance, recognition answers with text and times."""

from __future__ import annotations

from typing import ClassVar, Literal

from shared.events.base import Event, Part

__all__ = ["SttCancel", "SttFailed", "SttFinal", "SttFinish", "SttPartial", "SttStart", "Word"]


class Word(Part):
    """A recognised word, on the capture clock."""

    text: str
    start_sample: int
    until_sample: int
    """Just past the word's last sample."""
    confidence: float
    """0 to 1."""


class SttStart(Event):
    """Request: recognise from `from_sample` on, as it comes. One utterance of a session at a time."""

    kind: ClassVar[str] = "stt.start"
    utterance: str
    from_sample: int
    language: str
    """ISO 639-1, or empty to detect."""


class SttFinish(Event):
    """Request: the utterance ended at `until_sample`; answer with `stt.final` (or `stt.failed`)."""

    kind: ClassVar[str] = "stt.finish"
    replies: ClassVar[tuple[str, ...]] = ("stt.final", "stt.failed")
    utterance: str
    until_sample: int


class SttCancel(Event):
    """Request: forget the utterance; nothing more is published of it."""

    kind: ClassVar[str] = "stt.cancel"
    utterance: str


class SttPartial(Event):
    """What was understood so far."""

    kind: ClassVar[str] = "stt.partial"
    utterance: str
    text: str
    """The whole current hypothesis."""
    stable: str
    """A prefix of `text` that is only ever appended to within an utterance."""
    until_sample: int
    """Capture position that the hypothesis covers."""
    language: str
    confidence: float
    engine: str
    complete: bool = False
    """The text is a whole sentence that skills know, as sure as a trusted final: the person may well be done."""


class SttFinal(Event):
    """The utterance's text. Empty text: nothing was understood."""

    kind: ClassVar[str] = "stt.final"
    utterance: str
    text: str
    words: tuple[Word, ...]
    language: str
    confidence: float
    """0 to 1: how likely the text is what was said; below the engine's threshold nobody should act on it."""
    trusted: bool
    """The engine's own judgement that `confidence` is enough to act on."""
    mode: Literal["grammar", "dictation"]
    """`grammar`: one of the sentences that skills know; `dictation`: free text."""
    others: tuple[str, ...] = ()
    """Texts that the sound may just as well be (numbers sound alike); then `text` is likelier, and not trusted."""
    engine: str
    start_sample: int
    until_sample: int
    decode_ns: int
    """Time between the request to finish and this event."""


class SttFailed(Event):
    """Recognition of the utterance broke."""

    kind: ClassVar[str] = "stt.failed"
    utterance: str
    engine: str
    reason: str
