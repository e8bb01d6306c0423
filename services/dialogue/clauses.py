"""Clauses: a growing text cut where a voice may begin to speak it, as early as it sounds right.

Guarantees: the clauses joined are the text, to the character; where the cuts fall does not depend on how the text was
chunked; every clause has something to say; the last one is known to be the last when it is given.
"""

# ruff: noqa: RUF001 (typographic quotes, dashes and full-width marks are what this file is about)

from __future__ import annotations

import re
from dataclasses import dataclass

from services.dialogue.settings import DialogueSettings

__all__ = ["Cutter", "Lengths", "speakable"]

_CLOSERS = "\"')]}”’»*_`"
_STRONG = (".", "!", "?", "…", "。", "！", "？")
_WEAK = (",", ";", ":", "—", "–", "、", "，", "；", "：")
_WIDE = "。！？、，；："
"""Full-width marks of Chinese and Japanese: no space follows them."""
_ABBREVIATION = re.compile(
    r"(?:(?:\w\.)+|\d{1,2}\.|(?:dr|mr|mrs|ms|prof|st|sr|jr|no|nos|vs|etc|approx|dept|fig|vol|inc|ltd|co|corp|mt|gen|"
    r"jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec|hr|hrn|fr|bzw|ca|usw|nr|str|tel|evtl|ggf|inkl|bspw|mme|mlle|"
    r"env|p\.ex|sra|srta|ud|uds|av|pág)\.)",
    re.IGNORECASE,
)
"""Words whose full stop ends no sentence: initials and letter groups (e.g., U.S., z.B.), ordinals, short titles."""


@dataclass(frozen=True, slots=True)
class Lengths:
    """From how many characters on a clause may end."""

    first: int
    later: int
    most: int

    @classmethod
    def of(cls, settings: DialogueSettings) -> Lengths:
        """The lengths of the settings."""
        return cls(settings.first_clause_chars, settings.clause_chars, settings.max_clause_chars)


def speakable(text: str) -> bool:
    """True when the text holds anything that can be said."""
    return any(c.isalnum() for c in text)


@dataclass(frozen=True, slots=True)
class Cutter:
    """The text between the last cut and now. Immutable: `feed` returns the next cutter and the clauses that are due."""

    lengths: Lengths
    pending: str = ""
    ready: str = ""
    """A whole clause, kept back until it is sure that another follows."""
    first: bool = True

    def feed(self, text: str) -> tuple[Cutter, tuple[str, ...]]:
        """Take more text; return the clauses that another one certainly follows."""
        pending, ready, first = self.pending, self.ready, self.first
        clauses: list[str] = []
        for character in text:
            pending += character
            if ready and character.isalnum():
                clauses.append(ready)
                ready = ""
            if not ready and speakable(pending) and self._ends(pending, first=first):
                ready, pending, first = pending, "", False
        return Cutter(self.lengths, pending, ready, first), tuple(clauses)

    def end(self) -> tuple[str, ...]:
        """Return what is left, the last clause last; nothing when nothing speakable was fed."""
        if not speakable(self.pending):
            return (self.ready + self.pending,) if self.ready else ()
        return (self.ready, self.pending) if self.ready else (self.pending,)

    def _ends(self, text: str, *, first: bool) -> bool:
        space = text[-1].isspace()
        if not space and text[-1] not in _WIDE:
            return len(text) >= 4 * self.lengths.most
        if len(text) >= self.lengths.most:
            return True
        if text.count("`") % 2:
            return False
        head = text.rstrip().rstrip(_CLOSERS)
        length = len(head.lstrip())
        if text[-1] == "\n" or head.endswith(_STRONG):
            enough = length >= (2 if first else self.lengths.later // 3)
            return enough and not _abbreviated(head)
        return head.endswith(_WEAK) and length >= (self.lengths.first if first else self.lengths.later)


def _abbreviated(head: str) -> bool:
    word = head.rsplit(maxsplit=1)[-1].lstrip("\"'([{“‘«*_")
    return _ABBREVIATION.fullmatch(word) is not None
