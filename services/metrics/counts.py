"""Counts of what goes over the bus: events by kind, restarts by service, and how many come in a second."""

from __future__ import annotations

from collections import Counter

from shared.events import Event, EventDead, SubscriptionOverflowed
from shared.standing import SERVICE_EVENTS, Standings

__all__ = ["COUNTED", "Counts"]

COUNTED: tuple[type[Event], ...] = (*SERVICE_EVENTS, EventDead, SubscriptionOverflowed)


class Counts:
    """`count` is a tap on the bus and as cheap as can be; `see` takes COUNTED."""

    def __init__(self) -> None:
        self.events: dict[type[Event], int] = {}
        self.services = Standings()
        self.dead: Counter[str] = Counter()
        self.rates: dict[str, float] = {}
        """Events per second by kind, between the last two readings."""
        self._before: dict[type[Event], int] = {}

    def count(self, event: Event) -> None:
        """Count an event."""
        cls = type(event)
        self.events[cls] = self.events.get(cls, 0) + 1

    def see(self, event: Event) -> None:
        """Take in one event; of other kinds, nothing."""
        self.services.see(event)
        if isinstance(event, EventDead):
            self.dead[event.service] += 1

    def read(self, seconds: float) -> None:
        """Take the rates over the `seconds` since the last call."""
        self.rates = {
            cls.kind: (count - self._before.get(cls, 0)) / seconds
            for cls, count in self.events.items()
            if count > self._before.get(cls, 0)
        }
        self._before = dict(self.events)
