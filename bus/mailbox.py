"""A mailbox: a service's inbox, owned by its supervisor, which outlives the service's crashes.

The event in hand stays in hand until its handler asks for the next one and every task it started has ended. After a
crash, what was in hand is delivered again, first and in order; an event blamed for `tries` crashes is given up.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from bus.core import Bus
from bus.subscription import Subscription
from shared.events import Event, current

__all__ = ["Mailbox"]


@dataclass(slots=True, eq=False)
class _Held:
    event: Event
    holds: int = 0
    """How many work on it: its handler, and the tasks it started."""
    crashes: int = 0


class Mailbox:
    """An async iterator over a subscription that forgets an event only when its work is done. One task reads it."""

    def __init__(self, bus: Bus, subscription: Subscription[Event], tries: int = 5, owner: str = "") -> None:
        self.bus = bus
        self.subscription = subscription
        self.tries = tries
        self.handled = 0
        """Events done with since the start: handled to the end, or called off by a fence.

        What is said of the `owner` is not counted: its own crash must not keep it busy.
        """
        self._owner = owner
        self._held: dict[str, _Held] = {}
        self._again: deque[_Held] = deque()
        self._current: _Held | None = None
        self._blamed: _Held | None = None
        bus.mailboxes.append(self)

    def takes(self, event: Event) -> bool:
        """True when events of this kind and session are delivered here."""
        return self.subscription.takes(event)

    def __aiter__(self) -> Mailbox:
        return self

    async def __anext__(self) -> Event:
        self.finish()
        held = self._redelivered()
        if held is None:
            event = await anext(self.subscription)
            held = self._held.setdefault(event.id, _Held(event))
        held.holds += 1
        self._current = held
        current.set(held.event)
        return held.event

    def finish(self) -> None:
        """The handler of the event in hand ended: asking for the next one says so too."""
        held, self._current = self._current, None
        if held is not None:
            self._drop(held)

    def hold(self, event: Event) -> None:
        """Keep the event in hand beyond its handler: a task works on it."""
        self._held.setdefault(event.id, _Held(event)).holds += 1

    def release(self, event: Event) -> None:
        """A task that held the event ended."""
        held = self._held.get(event.id)
        if held is not None:
            self._drop(held)

    def blame(self, event: Event | None = None) -> None:
        """The service crashed in a task that worked on `event` (None: in its handler, on the event in hand).

        The first to be blamed since the last crash is to blame.
        """
        if self._blamed is None:
            self._blamed = self._current if event is None else self._held.get(event.id)

    def crashed(self) -> tuple[Event | None, Event | None, int]:
        """Take everything in hand back for redelivery after a crash; a queue that overflowed may be read again.

        Returns the blamed event, the same again if it was given up (else None), and how often it crashed.
        """
        self.subscription.forgive()
        blamed, self._blamed, self._current = self._blamed, None, None
        self._again = deque(self._held.values())
        for held in self._again:
            held.holds = 0
        if blamed is None or blamed not in self._again:  # or it was handled after all
            return None, None, 0
        blamed.crashes += 1
        if blamed.crashes < self.tries:
            return blamed.event, None, blamed.crashes
        self._again.remove(blamed)
        del self._held[blamed.event.id]
        self.bus.handled(blamed.event)
        return blamed.event, blamed.event, blamed.crashes

    @property
    def in_hand(self) -> int:
        """Events delivered and not yet done with."""
        return len(self._held)

    @property
    def undone(self) -> tuple[Event, ...]:
        """What is not done with: in hand, then queued. A service that is stopped may see what it will not come to."""
        return (*(held.event for held in self._held.values()), *self.subscription.waiting())

    def close(self) -> None:
        """Take no more events."""
        self.subscription.close()
        if self in self.bus.mailboxes:
            self.bus.mailboxes.remove(self)

    def _redelivered(self) -> _Held | None:
        while self._again:
            held = self._again.popleft()
            if not self.bus.is_stale(held.event):
                return held
            self._drop(held)
        return None

    def _drop(self, held: _Held) -> None:
        held.holds -= 1
        if held.holds <= 0 and self._held.pop(held.event.id, None) is not None:
            self.handled += not self._owner or getattr(held.event, "service", None) != self._owner
            self.bus.handled(held.event)
