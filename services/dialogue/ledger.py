"""The heard-text ledger: which words of an answer left the speaker, to the sample.

A written word is heard when the last sample of its mark was played; a written form ("€12.50") has one mark, so it is
heard when its last spoken word was. Reports may come in any order, twice, or late: what is kept is the furthest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from shared.events import WordMark

__all__ = ["Clause", "Ledger"]

_CLOSERS = frozenset(".,;:!?…)]}\"'”\N{RIGHT SINGLE QUOTATION MARK}»%")


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause that was sent to be spoken."""

    reply: str
    index: int
    text: str
    rate: int = 0
    """Samples per second of the marks; 0 while none came."""
    marks: tuple[WordMark, ...] = ()
    """In the order of the text, one for each written word."""
    played: int = 0
    """Samples that left the device, at `played_rate`."""
    played_rate: int = 1
    ended: bool = False
    broken: bool = False
    """It could not be synthesised whole: that its samples ended does not tell that its words were said."""

    def heard_chars(self) -> int:
        """Length of the heard beginning of the text: up to the last heard word and the marks that close it."""
        if self.ended and not self.broken:
            return len(self.text)
        heard, limit = 0, len(self.text)
        for mark in self.marks:
            if not self._reached(mark.until_sample):
                limit = mark.start
                break
            heard = max(heard, mark.end)
        while 0 < heard < limit and self.text[heard] in _CLOSERS:
            heard += 1
        return heard

    def boundary(self) -> int:
        """The sample to go on from: the beginning of the word that was cut, or where the speaker is between words."""
        position = self.played * self.rate // self.played_rate if self.rate else self.played
        cut = next((m for m in self.marks if not self._reached(m.until_sample)), None)
        return position if cut is None else min(cut.first_sample, position)

    def _reached(self, sample: int) -> bool:
        return self.played > 0 and sample * self.played_rate <= self.played * self.rate


@dataclass(frozen=True, slots=True)
class Ledger:
    """The clauses of a turn, in the order in which they are spoken."""

    clauses: tuple[Clause, ...] = ()

    def sent(self, reply: str, index: int, text: str) -> Ledger:
        """A clause was sent to be spoken."""
        return Ledger((*self.clauses, Clause(reply, index, text)))

    def marked(self, reply: str, index: int, rate: int, marks: tuple[WordMark, ...]) -> Ledger:
        """Marks of a clause came; those known already count once."""

        def add(clause: Clause) -> Clause:
            known = {(m.start, m.end): m for m in (*clause.marks, *marks)}
            return replace(clause, rate=rate, marks=tuple(known[key] for key in sorted(known)))

        return self._with(reply, index, add)

    def played(self, reply: str, index: int, until: int, rate: int, *, ended: bool) -> Ledger:
        """The speaker reported how far a clause got; a report that is behind an earlier one changes nothing."""

        def add(clause: Clause) -> Clause:
            ahead = until * clause.played_rate > clause.played * rate
            furthest = (until, rate) if ahead else (clause.played, clause.played_rate)
            return replace(clause, played=furthest[0], played_rate=furthest[1], ended=clause.ended or ended)

        return self._with(reply, index, add)

    def knows(self, reply: str) -> bool:
        """True when a clause of this reply was sent."""
        return any(clause.reply == reply for clause in self.clauses)

    def broke(self, reply: str, index: int) -> Ledger:
        """A clause could not be synthesised whole."""
        return self._with(reply, index, lambda clause: replace(clause, broken=True))

    def heard_chars(self) -> int:
        """Length of the heard beginning of the first reply's clauses joined."""
        return self._heard_chars(self.clauses[0].reply) if self.clauses else 0

    def heard(self) -> str:
        """The words that were heard, as written; of several replies, one after the other."""
        parts = (self._text(reply)[: self._heard_chars(reply)].strip() for reply in self._replies())
        return " ".join(part for part in parts if part)

    def all_ended(self, reply: str) -> bool:
        """True when every clause of the reply that was sent has been played to its end."""
        return all(clause.ended for clause in self._settled(reply))

    def place(self, reply: str) -> tuple[int, int]:
        """(clause, sample) from which a paused reply goes on."""
        clauses = self._settled(reply)
        going = next((c for c in clauses if not c.ended), None)
        return (len(clauses), 0) if going is None else (going.index, going.boundary())

    def recent(self, words: int = 12) -> str:
        """The last words that were played and the two that come next: what an echo could repeat."""
        written: list[str] = []
        heard = 0
        for clause in (c for reply in self._replies() for c in self._settled(reply)):
            reached = clause.heard_chars()
            heard += sum(1 for m in clause.marks if m.end <= reached)
            written += (clause.text[m.start : m.end] for m in clause.marks)
        return " ".join(written[max(0, heard - words) : heard + 2])

    def _replies(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(clause.reply for clause in self.clauses))

    def _text(self, reply: str) -> str:
        return "".join(clause.text for clause in self.clauses if clause.reply == reply)

    def _heard_chars(self, reply: str) -> int:
        total = 0
        for clause in self._settled(reply):
            chars = clause.heard_chars()
            total += chars
            if chars < len(clause.text):
                break
        return total

    def _settled(self, reply: str) -> tuple[Clause, ...]:
        # A reply's clauses are played in order: one that began tells that those before it ended, even if that report
        # is late.
        clauses = tuple(clause for clause in self.clauses if clause.reply == reply)
        last = max((i for i, clause in enumerate(clauses) if clause.played or clause.ended), default=0)
        return tuple(replace(c, ended=True) if i < last else c for i, c in enumerate(clauses))

    def _with(self, reply: str, index: int, change: Callable[[Clause], Clause]) -> Ledger:
        return Ledger(tuple(change(c) if (c.reply, c.index) == (reply, index) else c for c in self.clauses))
