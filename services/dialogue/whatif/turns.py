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


def changes(before: list[Turn], now: list[Turn], *, near: int = 0) -> list[Change]:
    """Return both conversations side by side, in the order in which their turns began.

    A spoken turn is the same one when it began at the same sample, or at most `near` samples apart.
    """
    left = list(now)
    pairs = []
    for turn in before:
        same = next((one for one in left if _same(turn.begun_by, one.begun_by, near)), None)
        if same is not None:
            left.remove(same)
        pairs.append(Change(turn, same))
    pairs += [Change(None, turn) for turn in left]
    return sorted(pairs, key=lambda pair: (pair.before or pair.now or _NEVER).number)


def _same(one: tuple[str, int], other: tuple[str, int], near: int) -> bool:
    return one[0] == other[0] and abs(one[1] - other[1]) <= (near if one[0] == "speech" else 0)


_NEVER = Turn(0, ("", 0), "", "", "", "", None)
