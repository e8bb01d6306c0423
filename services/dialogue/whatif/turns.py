"""The turns of a conversation, and what is different between two of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shared.events import Event, Latency, TurnFinished, TurnStarted

__all__ = ["Change", "Turn", "changes", "turns"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One finished turn."""

    number: int
    begun_by: tuple[str, int]
    """speech and its first sample; else text or alarm and how many of them there were before."""
    asked: str
    heard: str
    reason: str
    by: str
    latency: Latency | None


@dataclass(frozen=True, slots=True)
class Change:
    """A turn of the one conversation and the same one of the other; None where there is none."""

    before: Turn | None
    now: Turn | None

    @property
    def what(self) -> tuple[str, ...]:
        """What is different but for the latency."""
        if self.before is None or self.now is None:
            return ("turn",)
        fields = ("asked", "reason", "by", "heard")
        return tuple(name for name in fields if getattr(self.before, name) != getattr(self.now, name))

    @property
    def moved(self) -> dict[str, int]:
        """By how many ns each part of the latency (and `total`) grew, those alone that did."""
        if self.before is None or self.now is None or self.before.latency is None or self.now.latency is None:
            return {}
        before, now = self.before.latency, self.now.latency
        parts = {name: getattr(now, name) - getattr(before, name) for name in Latency.model_fields}
        return {name: ns for name, ns in parts.items() if abs(ns) >= 1_000_000}


def turns(events: Iterable[Event]) -> list[Turn]:
    """Return the finished turns in their order."""
    begun: dict[tuple[str, int], tuple[str, int]] = {}
    count: dict[str, int] = {}
    found = []
    for event in events:
        if isinstance(event, TurnStarted):
            place = event.first_sample if event.reason == "speech" else count.get(event.reason, 0)
            count[event.reason] = count.get(event.reason, 0) + 1
            begun[event.session, event.turn] = (event.reason, place)
        elif isinstance(event, TurnFinished):
            by = begun.get((event.session, event.turn), ("", event.turn))
            found.append(Turn(event.turn, by, event.asked, event.heard, event.reason, event.by, event.latency))
    return found


def changes(before: list[Turn], now: list[Turn]) -> list[Change]:
    """Return both conversations side by side, in the order in which their turns began."""
    ours = {turn.begun_by: turn for turn in now}
    theirs = {turn.begun_by: turn for turn in before}
    pairs = [Change(turn, ours.get(key)) for key, turn in theirs.items()]
    new = [Change(None, turn) for key, turn in ours.items() if key not in theirs]
    return sorted([*pairs, *new], key=lambda pair: (pair.before or pair.now or _NEVER).number)


_NEVER = Turn(0, ("", 0), "", "", "", "", None)
