"""Speakable text: words to be spoken, and which written form each of them stands for."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Builder", "Span", "Speakable"]

_PAUSES = ",;:.!?…"
_STRENGTH = {",": 1, ";": 2, ":": 2, "…": 3, ".": 3, "!": 4, "?": 4}


@dataclass(frozen=True, slots=True)
class Span:
    """A written form and its spoken words, as offsets in characters."""

    written_start: int
    written_end: int
    spoken_start: int
    spoken_end: int


@dataclass(frozen=True, slots=True)
class Speakable:
    """Spans are in order, do not overlap, and hold every spoken word; between them are only spaces and pauses."""

    text: str
    spans: tuple[Span, ...]


@dataclass(slots=True)
class Builder:
    """Puts a speakable text together from left to right."""

    _parts: list[str] = field(default_factory=list)
    _length: int = 0
    _spans: list[Span] = field(default_factory=list)
    _pause: str = ""

    def say(self, start: int, end: int, spoken: str) -> None:
        """Speak `spoken` for the written characters from `start` to `end`; nothing when it is blank."""
        spoken = " ".join(spoken.split())
        if not spoken:
            return
        if self._spans:
            self._append(self._pause + " ")
        self._pause = ""
        self._spans.append(Span(start, end, self._length, self._length + len(spoken)))
        self._append(spoken)

    def pause(self, mark: str) -> None:
        """Pause after what was said; the strongest of several marks wins. Before the first word it does nothing."""
        if self._spans and _STRENGTH[mark] > _STRENGTH.get(self._pause, 0):
            self._pause = mark

    def done(self) -> Speakable:
        """Return the whole."""
        self._append(self._pause)
        self._pause = ""
        return Speakable("".join(self._parts), tuple(self._spans))

    def _append(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)
