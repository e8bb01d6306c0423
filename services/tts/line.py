"""The line in which clauses wait: one is spoken at a time, replies as they came, clauses by their index."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

__all__ = ["Line", "Place"]


@dataclass(slots=True, eq=False)
class Place:
    """A clause's place in the line."""

    reply: str
    clause: int
    arrival: int
    """Of its reply: smaller came earlier."""
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it is this clause's time."""


class Line:
    """Orders the clauses of one conversation. A clause that left, by its end or a fence, delays nobody."""

    def __init__(self) -> None:
        self._places: list[Place] = []
        self._speaking: Place | None = None
        self._arrivals = 0

    def __len__(self) -> int:
        return len(self._places)

    def join(self, reply: str, clause: int) -> Place:
        """Take a place; its time comes at the earliest when the loop is next idle, so that late-comers sort in."""
        arrival = next((p.arrival for p in self._places if p.reply == reply), None)
        if arrival is None:
            self._arrivals += 1
            arrival = self._arrivals
        place = Place(reply, clause, arrival)
        self._places.append(place)
        asyncio.get_running_loop().call_soon(self._advance)
        return place

    def leave(self, place: Place) -> None:
        """Give the place up, whether its time came or not."""
        self._places.remove(place)
        if self._speaking is place:
            self._speaking = None
        self._advance()

    def _advance(self) -> None:
        if self._speaking is None and self._places:
            self._speaking = min(self._places, key=lambda p: (p.arrival, p.clause))
            self._speaking.reached.set()
